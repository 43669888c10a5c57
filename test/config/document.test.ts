import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import yargs from "yargs";
import { checkText, configCommand, docsText, showText } from "../../src/commands/config.ts";
import { keyNames, loadConfig, parseConfig } from "../../src/config/config.ts";
import { packageRoot } from "../../src/system/files.ts";

const committed = (name: string): string => readFileSync(join(packageRoot(), name), "utf8");
const shipped = committed("config.toml");

describe("generated files", () => {
  test("config.toml is what the schema says", () => {
    expect(shipped).toBe(docsText(true));
  });

  test("docs/configuration.md is what the schema says", () => {
    expect(committed("docs/configuration.md")).toBe(docsText());
  });

  test("loading config.toml gives the built-in defaults and nothing to complain of", () => {
    const { config, warnings } = parseConfig(shipped, "/experiment");
    expect(config).toEqual(parseConfig("", "/experiment").config);
    expect(warnings).toEqual([]);
  });

  test("config.toml and the reference name every key", () => {
    for (const [section, key] of keyNames()) {
      const at = shipped.indexOf(`\n[${section}]`);
      expect(shipped.slice(at)).toMatch(new RegExp(`\\n(#?${key} = |#?\\[{1,2}${section}\\.${key}\\])`));
      expect(docsText()).toContain(`| \`${key}\` |`);
    }
  });

  test("every key switched off in config.toml is valid when switched on", () => {
    const on = shipped.replaceAll(/^#(?! )/gm, "");
    expect(on).not.toBe(shipped);
    expect(parseConfig(on, "/experiment").config.Camera.camera_gain).toBeTypeOf("number");
  });

  test("no line of the generated files is longer than a page is wide", () => {
    expect(shipped.split("\n").filter((line) => line.length > 120)).toEqual([]);
  });
});

describe("phorest config", () => {
  afterEach(() => vi.restoreAllMocks());

  /** What the command prints to standard output. */
  async function run(...words: string[]): Promise<string> {
    const write = vi.spyOn(process.stdout, "write").mockReset().mockReturnValue(true);
    const parser = yargs(["config", ...words])
      .command(configCommand)
      .strict()
      .exitProcess(false)
      .fail(false);
    await parser.option("config", { type: "string" }).option("json", { type: "boolean" }).parseAsync();
    return write.mock.calls.map(([text]) => String(text)).join("");
  }

  test("takes its file from --config and prints data only", async () => {
    const file = join(packageRoot(), "test/config/established/Phorest_config.toml");
    expect(await run("check", "--config", file)).toMatch(
      /^warning: .*\[Flags\] is ignored.*\n(warning: .*\n)*.*: valid\n$/,
    );
    expect(JSON.parse(await run("show", "--config", file, "--json"))).toMatchObject({ file });
    expect(await run("docs", "--toml")).toBe(shipped);
    await expect(run("check", "--config", "/nowhere.toml")).rejects.toThrow("/nowhere.toml: no such file");
    await expect(run()).rejects.toThrow("check, show or docs");
  });

  test("check says valid after its warnings", () => {
    const loaded = parseConfig('[Camera]\ncamera_type = "folder"\n', "/experiment", "/experiment/lab.toml");
    const [warning, verdict] = checkText(loaded).split("\n");
    expect(warning).toMatch(/^warning: \/experiment\/lab\.toml: Camera\.watch_dir is missing/);
    expect(verdict).toBe("/experiment/lab.toml: valid");
    expect(JSON.parse(checkText(loaded, true))).toMatchObject({ file: "/experiment/lab.toml", valid: true });
  });

  test("show gives each key one line with value and origin", () => {
    const directory = mkdtempSync(join(tmpdir(), "phorest-show-"));
    const lines = showText(loadConfig(undefined, directory)).split("\n");
    rmSync(directory, { recursive: true });
    expect(lines).toHaveLength(keyNames().length);
    expect(lines).toContainEqual(
      expect.stringMatching(/^Timing\.collector_interval_seconds +2 +default of the simulated camera$/),
    );
    expect(lines).toContainEqual(expect.stringMatching(/^Camera\.camera_gain +none +default$/));
  });

  test("show --json names the file and line of a value", () => {
    const loaded = parseConfig("[Camera]\ncamera_id = 3\n", "/experiment", "/experiment/lab.toml");
    const { keys } = JSON.parse(showText(loaded, true));
    const origin = { kind: "file", file: "/experiment/lab.toml", line: 2 };
    expect(keys).toContainEqual({ section: "Camera", key: "camera_id", value: 3, origin });
  });
});
