import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { unfinishedArchives } from "../../src/archive/archive-move.ts";
import { completeBackups } from "../../src/archive/backup-directory.ts";
import { Manifest } from "../../src/manifest/manifest.ts";
import { backupStage } from "../../src/stages/backup/stage.ts";
import { finished, LATER_US } from "../archive/finished.ts";
import { experiment, phorest, QUICK_CONFIG, start } from "../run/program.ts";
import { logLines } from "../support/log-lines.ts";

const CONFIG = `${QUICK_CONFIG}
[Services]
enable_file_backup = true
[Backup]
keep = 2
`;

test("a run makes a snapshot when one is due, not at every start, and ends although none can be made", async () => {
  const directory = experiment(CONFIG.replace("[Timing]", "[Timing]\nfile_backup_interval_seconds = 0.5"));
  const first = await phorest(["run", "--frames", "15", "--until-idle"], directory);
  expect(first.code, first.stderr).toBe(0);
  const made = completeBackups(join(directory, "backup"));
  expect(made.length).toBeGreaterThan(0);
  expect(made.length).toBeLessThanOrEqual(2);

  writeFileSync(join(directory, "config.toml"), CONFIG);
  const second = await phorest(["run", "--frames", "1", "--until-idle"], directory);
  expect(second.code, second.stderr).toBe(0);
  expect(completeBackups(join(directory, "backup"))).toEqual(made);

  // A file where the directory should be.
  rmSync(join(directory, "backup"), { recursive: true });
  writeFileSync(join(directory, "backup"), "");
  const third = await phorest(["run", "--frames", "1", "--until-idle"], directory);
  expect(third.stderr).toContain("not a directory");
  expect(existsSync(join(directory, "results/communicating_results.csv"))).toBe(true);
});

test("phorest backup works while a run is going, and leaves the archive to it", async () => {
  const directory = experiment(CONFIG);
  await phorest(["run", "--frames", "2", "--until-idle"], directory);
  const { child, ended } = start(["run"], directory);
  await new Promise<void>((resolve) => {
    child.stderr?.on("data", (chunk: Buffer) => {
      if (chunk.toString().includes("captured in")) resolve();
    });
  });
  const { code, stderr, stdout } = await phorest(["backup", "--json"], directory);
  child.kill("SIGTERM");
  expect((await ended).code).toBe(0);
  expect(code, stderr).toBe(0);
  const answer = JSON.parse(stdout);
  expect(answer).toMatchObject({ running: true, archived: 0 });
  expect(JSON.parse(readFileSync(join(answer.path, "backup.json"), "utf8"))).toMatchObject({ format: 1 });
  const manifest = Manifest.open({ file: join(directory, "data/phorest.sqlite"), readonly: true });
  expect(manifest.archives.all()).toEqual([]);
  manifest.close();
});

test("a run that ends while rows move to an archive waits for them, so that no line stays in the CSV and in the archive", async () => {
  const frames = 40;
  const { manifest, config, manifestFile, backupDir } = await finished(
    frames,
    frames,
    "[Backup]\narchive_after_days = 30",
  );
  const ending = new AbortController();
  // The run ends at the worst moment: the archive is on the disk, and all its rows are still in the database.
  const { archives } = manifest;
  const add = archives.add.bind(archives);
  archives.add = (...archive) => {
    ending.abort();
    return add(...archive);
  };
  const { log, lines } = logLines();
  const archived = () => undefined;
  const stage = backupStage({ config, manifest, log, nowUs: () => LATER_US, archived });
  await stage.run(ending.signal, performance.now());
  await stage.close(10_000);
  expect(ending.signal.aborted, lines.join("\n")).toBe(true);
  expect(manifest.history.counts()).toMatchObject({ total: 0, archived: frames });
  expect(await unfinishedArchives({ manifestFile, backupDir })).toEqual({ archives: [], damaged: [] });
});
