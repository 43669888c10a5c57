import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { command } from "../run/commands.ts";
import { experiment, QUICK_CONFIG, start } from "../run/program.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const KILLS = 5;

interface Row {
  filename: string;
  directory: string;
  sha256: string;
  local: number;
  image_synced: number;
  remote_path: string | null;
}

function config(remote: string, sync: string): string {
  return `${QUICK_CONFIG.replace("[Timing]", "[Timing]\nsync_interval_seconds = 0.2")}
[Services]
enable_remote_sync = true
[Paths]
remote_root_dir = "${remote}"
[Sync]
${sync}
`;
}

function rowsOf(directory: string): Row[] {
  const db = new Database(join(directory, "data", "phorest.sqlite"), { readonly: true });
  try {
    return db.prepare<[], Row>("SELECT * FROM entry ORDER BY id").all();
  } finally {
    db.close();
  }
}

const digest = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex");

/** Six runs, each with its plot. */
const MINUTES = { timeout: 600_000 };

/** The plot is copied too. */
const WITH_PLOT: [string, string] = ["plot = false", "plot_interval_seconds = 0.5"];

test(
  `${KILLS} kill -9 while pictures are moved to the share: every one is there exactly once, byte-identical`,
  MINUTES,
  async () => {
    const remote = temporaryDirectory();
    const directory = experiment(
      config(remote, "keep_local = false\nmax_bytes_per_second = 2000000\nparallel = 3").replace(...WITH_PLOT),
    );
    expect((await command(["init-remote", remote], directory)).code).toBe(0);
    for (let round = 0; round < KILLS; round++) {
      const { child, ended } = start(["run"], directory);
      const copied = new Promise<void>((resolve) => {
        child.stderr?.on("data", (chunk: Buffer) => {
          if (chunk.toString().includes("copied and verified")) resolve();
        });
      });
      await Promise.race([copied, ended]);
      await sleep(Math.random() * 700);
      child.kill("SIGKILL");
      expect((await ended).signal).toBe("SIGKILL");
    }
    const last = await command(["run", "--frames", "1", "--until-idle"], directory);
    expect(last.code, last.stderr).toBe(0);

    const rows = rowsOf(directory);
    expect(rows.length).toBeGreaterThan(KILLS);
    for (const { filename, directory: place, sha256, local, image_synced } of rows) {
      expect([local, image_synced]).toEqual([0, 1]);
      expect(digest(join(place, filename))).toBe(sha256);
    }
    const pictures = (where: string) => readdirSync(where).filter((name) => name.endsWith(".png"));
    expect(pictures(join(directory, "data"))).toEqual([]);
    expect(pictures(join(remote, "data")).sort()).toEqual(rows.map(({ filename }) => filename).sort());
    expect(readdirSync(join(remote, "data")).filter((name) => name.endsWith(".part"))).toEqual([]);
    // The report of the last frames is on the share when a run has ended.
    for (const name of ["communicating_results.csv", "processed_data_plot.png"]) {
      expect(digest(join(remote, "results", name))).toBe(digest(join(directory, "results", name)));
    }
  },
);

test("a run without its share measures on, says so in status, and ends with 0; `phorest sync` makes up for it", async () => {
  const remote = temporaryDirectory();
  const directory = experiment(config(remote, ""));
  // It goes on until it is stopped, however long the commands beside it take.
  const run = start(["run"], directory);
  await expect
    .poll(async () => (await command(["status"], directory)).stdout, { timeout: 60_000 })
    .toContain("not mounted");
  const refused = await command(["sync"], directory);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain("it copies every ");
  expect(refused.stderr.trim().split("\n")).toHaveLength(1);
  run.child.kill("SIGTERM");
  expect((await run.ended).code).toBe(0);
  expect(readdirSync(remote)).toEqual([]);

  const early = await command(["sync", "--once"], directory);
  expect(early.code).toBe(1);
  expect(early.stderr).toContain("init-remote");
  await command(["init-remote", remote], directory);
  const synced = await command(["sync", "--json"], directory);
  expect(synced.code, synced.stderr).toBe(0);
  const rows = rowsOf(directory).filter(({ image_synced }) => image_synced === 1);
  expect(rows.length).toBeGreaterThan(0);
  for (const { remote_path, sha256, local } of rows) {
    expect(local).toBe(1);
    expect(digest(join(remote, remote_path ?? ""))).toBe(sha256);
  }
});

test("a share that hangs delays neither the measuring nor the end of a run", async () => {
  const remote = temporaryDirectory();
  const directory = experiment(config(remote, "timeout_seconds = 600"));
  // Opening a pipe that nobody writes to never returns, as a call to a dead server does not.
  spawnSync("mkfifo", [join(remote, "phorest-remote.json")]);
  const { code, stderr } = await command(["run", "--frames", "5"], directory);
  expect(code, stderr).toBe(0);
  expect(existsSync(join(directory, "results", "communicating_results.csv"))).toBe(true);
});

test("sync where nothing was ever captured, and a configuration that is wrong, start nothing and exit 2", async () => {
  const directory = experiment(config("/nowhere", ""));
  const nothing = await command(["sync"], directory);
  expect(nothing).toMatchObject({ code: 2, stdout: "" });
  expect(nothing.stderr).toContain("no experiment");
  writeFileSync(join(directory, "config.toml"), "[Services]\nenable_remote_sync = true\n");
  const nowhere = await command(["sync"], directory);
  expect(nowhere).toMatchObject({ code: 2, stdout: "" });
  expect(nowhere.stderr).toMatch(/^[^\n]*: no share is configured, because Paths.remote_root_dir is not set .*\n$/);
  writeFileSync(join(directory, "config.toml"), "[Sync]\nparalel = 2\n");
  const wrong = await command(["sync"], directory);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain("parallel");
  rmSync(join(directory, "config.toml"));
});
