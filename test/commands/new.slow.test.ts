import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadConfig } from "../../src/config/config.ts";
import { command as phorest } from "../run/commands.ts";
import { QUICK_CONFIG } from "../run/program.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

test("a new experiment has a dated directory and its identity; it runs, and another of its name is refused", async () => {
  const root = temporaryDirectory();
  const words = ["new", "Antibody: 50/100 nM", "--sample", 'chip "12"', "--analyte", "CRP", "PBS"];
  const made = await phorest(words, root);
  expect(made).toMatchObject({ code: 0 });
  const [name = ""] = readdirSync(root);
  expect(name).toMatch(/^\d{4}-\d{2}-\d{2}_Antibody_50_100_nM$/);
  const { config, warnings } = loadConfig(join(root, name, "config.toml"));
  expect(warnings).toEqual([]);
  expect(config.Experiment).toEqual({ name: "Antibody: 50/100 nM", sample: 'chip "12"', analytes: ["CRP", "PBS"] });
  expect(config.Camera.camera_type).toBe("simulated");
  const again = await phorest(words, root);
  expect([again.code, again.stderr]).toEqual([2, expect.stringContaining("exists already")]);
  const nameless = await phorest(["new", "///"], root);
  expect([nameless.code, nameless.stderr]).toEqual([2, expect.stringContaining("use letters or digits")]);
  expect(readdirSync(root)).toEqual([name]);
});

test("the configuration of another experiment is copied without its identity; one that would share its data is refused", async () => {
  const root = temporaryDirectory();
  const old = join(root, "old");
  mkdirSync(old);
  const settings = `# lab 3\n${QUICK_CONFIG}\n[Experiment]\nname = "old"\nsample = "chip 1"\n[Analysis]\nbaseline_seconds = 7\n`;
  writeFileSync(join(old, "config.toml"), settings);
  expect(await phorest(["new", "next", "--from", "old"], root)).toMatchObject({ code: 0 });
  const [made = ""] = readdirSync(root).filter((name) => name.endsWith("_next"));
  const text = readFileSync(join(root, made, "config.toml"), "utf8");
  expect(text).toContain("# lab 3");
  const { config } = loadConfig(join(root, made, "config.toml"));
  expect(config.Experiment).toEqual({ name: "next", analytes: [] });
  expect([config.Analysis.baseline_seconds, config.Simulation.width]).toEqual([7, 640]);
  writeFileSync(join(old, "config.toml"), `[Paths]\nroot_dir = ${JSON.stringify(old)}\n`);
  const refused = await phorest(["new", "third", "--from", "old"], root);
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("both experiments would write there")]);
  expect(readdirSync(root).some((name) => name.endsWith("_third"))).toBe(false);
  const none = await phorest(["new", "fourth", "--from", "nowhere"], root);
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining("there is no configuration to copy")]);
});

test("an experiment of another name or sample is continued only when asked to", async () => {
  const root = temporaryDirectory();
  const run = (identity: string, ...more: string[]) => {
    writeFileSync(join(root, "config.toml"), `${QUICK_CONFIG}[Experiment]\n${identity}\n`);
    return phorest(["run", "--frames", "1", "--until-idle", ...more], root);
  };
  expect(await run('name = "one"\nsample = "chip 1"')).toMatchObject({ code: 0 });
  const refused = await run('name = "one"\nsample = "chip 2"');
  expect([refused.code, refused.stderr.trim().split("\n").length]).toEqual([2, 1]);
  expect(refused.stderr).toContain(
    'holds an experiment with 1 frame and other settings (sample was "chip 1", is "chip 2")',
  );
  expect(refused.stderr).toContain("phorest run --continue");
  // What is added or left out is no other experiment.
  expect(await run('name = "one"\noperator = "A. Lovelace"')).toMatchObject({ code: 0 });
  expect(await run('name = "two"', "--continue")).toMatchObject({ code: 0 });
  expect(await run('name = "two"')).toMatchObject({ code: 0 });
  expect(existsSync(join(root, "data", "phorest.sqlite"))).toBe(true);
});
