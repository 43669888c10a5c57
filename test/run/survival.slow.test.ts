import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { encodePicture } from "../../src/image/encode.ts";
import { createSimulator } from "../../src/simulator/simulator.ts";
import { command } from "./commands.ts";
import { type Ended, experiment, phorest, QUICK_CONFIG, start } from "./program.ts";

/** PHOREST_KILLS=50 for a longer series, as before a release: each costs the start of a run. */
const KILLS = Number(process.env.PHOREST_KILLS ?? 10);

interface Row {
  id: number;
  filename: string;
  sha256: string | null;
  status: string;
  data_transmitted: number;
}

/** Every frame, as its file, its row, its result and its CSV lines tell of it. */
function inventory(directory: string) {
  const data = join(directory, "data");
  const files = readdirSync(data).filter((name) => name.endsWith(".png"));
  const leftovers = readdirSync(data).filter((name) => name.endsWith(".part"));
  const db = new Database(join(data, "phorest.sqlite"), { readonly: true });
  const rows = db.prepare<[], Row>("SELECT id, filename, sha256, status, data_transmitted FROM entry").all();
  const outcomes = db.prepare<[], { n: number }>("SELECT count(*) AS n FROM outcome WHERE ok").get()?.n;
  const results = db.prepare<[], { n: number }>("SELECT count(*) AS n FROM result").get()?.n;
  const rois = db.prepare<[], { n: number }>("SELECT count(*) AS n FROM roi").get()?.n ?? 0;
  const check = db.pragma("integrity_check", { simple: true });
  db.close();
  const csv = readFileSync(join(directory, "results", "communicating_results.csv"), "utf8")
    .trim()
    .split("\n")
    .slice(1);
  return { data, files, leftovers, rows, outcomes, results, rois, check, csv };
}

/** Resolves when the run has logged `what` so many times, or has ended. */
function logged(child: ChildProcess, ended: Promise<Ended>, what: string, times = 1): Promise<unknown> {
  let log = "";
  const seen = new Promise<void>((resolve) => {
    child.stderr?.on("data", (chunk: Buffer) => {
      log += chunk.toString();
      if (log.split(what).length > times) resolve();
    });
  });
  return Promise.race([seen, ended]);
}

/** Resolves when the run reports its first capture. */
const firstCapture = (child: ChildProcess, ended: Promise<Ended>) => logged(child, ended, "captured in");

/** From where a kill is timed: by what the run has done, so that it comes as far into the work on a slow machine. */
const MOMENTS: readonly [string, number][] = [
  ["captured in", 1],
  ["measured in", 1],
  ["measured in", 3],
];

const among = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T;

test(`${KILLS} kill -9 at random instants lose no frame, double none and leave none stuck`, {
  timeout: 900_000,
}, async () => {
  // Every picture of the test has to be there at its end.
  // A frame every tenth of a second: more would only keep the machine busy until the kill.
  const slower = QUICK_CONFIG.replace("collector_interval_seconds = 0.05", "collector_interval_seconds = 0.1");
  const config = `${slower}[Buffer]\nimage_buffer_size = 0\n`;
  const directory = experiment(config);
  let died = 0;
  for (let round = 0; round < KILLS; round++) {
    // A run that draws takes twice as long: every third one does.
    const plot = round % 3 === 1 ? "plot_interval_seconds = 0.5" : "plot = false";
    writeFileSync(join(directory, "config.toml"), config.replace("plot = false", plot));
    const { child, ended } = start(["run"], directory);
    // One in five dies while it starts or recovers, the others while captures, fits, CSV and plots overlap.
    if (round % 5 !== 0) await logged(child, ended, ...among(MOMENTS));
    // The instant itself is random.
    await sleep(Math.random() * 800);
    child.kill("SIGKILL");
    const { signal, stderr } = await ended;
    expect(signal, stderr).toBe("SIGKILL");
    died += 1;
  }
  expect(died).toBe(KILLS);

  const last = await command(["run", "--frames", "1", "--until-idle"], directory);
  expect(last.stderr).not.toContain("error");
  expect(last.code, last.stderr).toBe(0);

  const found = inventory(directory);
  expect(found.check).toBe("ok");
  expect(found.leftovers).toEqual([]);
  expect(found.rows.length).toBeGreaterThan(KILLS / 2);
  expect(found.rows.map((row) => row.filename).sort()).toEqual(found.files.sort());
  expect(found.rows.filter((row) => row.status !== "processed" || row.data_transmitted !== 1)).toEqual([]);
  for (const { filename, sha256 } of found.rows.filter((row) => row.sha256 !== null)) {
    expect(
      createHash("sha256")
        .update(readFileSync(join(found.data, filename)))
        .digest("hex"),
    ).toBe(sha256);
  }
  expect(found.outcomes).toBe(found.rows.length);
  expect(found.results).toBe(found.rows.length * found.rois);
  expect(found.csv.length).toBe(found.rows.length * found.rois);
  expect(new Set(found.csv).size).toBe(found.csv.length);
});

/** Resolves when the manifest knows `runs` runs. */
async function begun(directory: string, runs: number): Promise<void> {
  const file = join(directory, "data", "phorest.sqlite");
  for (; ; await sleep(5)) {
    if (!existsSync(file)) continue;
    const db = new Database(file, { readonly: true });
    try {
      if ((db.prepare<[], { n: number }>("SELECT count(*) AS n FROM run").get()?.n ?? 0) >= runs) return;
    } catch (error) {
      // The very first run is still making its tables; others have what the last kill left to put right first.
      if (!(error instanceof Error && /no such table|database is locked/.test(error.message))) throw error;
    } finally {
      db.close();
    }
  }
}

test("crashes in the first moments of a start are not held against the frames that wait", async () => {
  const directory = experiment(`${QUICK_CONFIG}[Buffer]\nimage_buffer_size = 0\n`);
  const data = join(directory, "data");
  mkdirSync(data);
  const picture = await encodePicture(createSimulator({ width: 640, height: 480 }).render(0, 0), "png");
  for (let nth = 0; nth < 8; nth++) writeFileSync(join(data, `before-${nth}.png`), picture);
  for (let round = 1; round <= 4; round++) {
    const { child, ended } = start(["run"], directory);
    await begun(directory, round);
    await sleep(100);
    child.kill("SIGKILL");
    await ended;
  }
  const { code, stderr } = await command(["run", "--frames", "1", "--until-idle"], directory);
  expect(code, stderr).toBe(0);
  const { rows } = inventory(directory);
  expect(rows.filter(({ filename }) => filename.startsWith("before-"))).toHaveLength(8);
  expect(rows.filter(({ status }) => status !== "processed")).toEqual([]);
});

test("SIGTERM ends a run cleanly: exit 0, nothing in hand, everything measured is in the CSV", async () => {
  const directory = experiment(QUICK_CONFIG);
  const { child, ended } = start(["run"], directory);
  await logged(child, ended, "measured in", 20);
  child.kill("SIGTERM");
  const { code, stderr } = await ended;
  expect(code, stderr).toBe(0);
  const { rows, csv, rois } = inventory(directory);
  expect(rows.length).toBeGreaterThanOrEqual(20);
  expect(rows.filter((row) => row.status === "processing")).toEqual([]);
  const measured = rows.filter((row) => row.status === "processed");
  expect(csv.length).toBe(measured.length * rois);
});

test("a second interrupt ends at once with 130", async () => {
  const patient = QUICK_CONFIG.replace("shutdown_timeout_seconds = 120", "shutdown_timeout_seconds = 1200");
  const directory = experiment(patient);
  const { child, ended } = start(["run"], directory);
  await firstCapture(child, ended);
  // A clean stop has to wait for this lock, so the second signal always comes before its end.
  const db = new Database(join(directory, "data", "phorest.sqlite"), { fileMustExist: true, timeout: 60_000 });
  onTestFinished(() => void db.close());
  db.exec("BEGIN IMMEDIATE");
  const stopping = logged(child, ended, "stopping: interrupted");
  child.kill("SIGINT");
  await stopping;
  child.kill("SIGINT");
  expect(await ended).toMatchObject({ code: 130, signal: null });
});

test("two runs on one directory: the second is refused with one line, the first goes on", async () => {
  const directory = experiment(QUICK_CONFIG);
  const first = start(["run"], directory);
  await firstCapture(first.child, first.ended);
  const second = await phorest(["run"], directory);
  expect(second.code).toBe(2);
  expect(second.stderr.trim().split("\n")).toHaveLength(1);
  expect(second.stderr).toContain("another phorest");
  first.child.kill("SIGTERM");
  expect((await first.ended).code).toBe(0);
});
