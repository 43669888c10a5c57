// Another program holds the manifest locked for writing (a database shell, a backup tool): the real program waits, says so,
// and nothing that happened meanwhile is lost or blamed on a frame.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { isPictureName } from "../../src/image/picture-name.ts";
import { MANIFEST_FILENAME } from "../../src/manifest/manifest.ts";
import { command as phorest } from "./commands.ts";
import { experiment, start } from "./program.ts";

const LOCKED = "another program has locked phorest.sqlite";
function configuration(more = "", shutdownSeconds = 60): string {
  return `
[Web]
enabled = false
[Report]
plot = false
[Timing]
collector_interval_seconds = 0.2
communicator_interval_seconds = 0.1
compress_interval_seconds = 0.1
[Simulation]
width = 640
height = 480
speckle = 0
[Supervisor]
heartbeat_seconds = 0.2
shutdown_timeout_seconds = ${shutdownSeconds}
${more}`;
}

const file = (directory: string) => join(directory, "data", MANIFEST_FILENAME);

/** Locks the manifest as a shell does that was left in a transaction. */
function lock(directory: string): { release(): void } {
  const db = new Database(file(directory), { fileMustExist: true, timeout: 10_000 });
  onTestFinished(() => void db.close());
  db.exec("BEGIN IMMEDIATE");
  return { release: () => void db.exec("ROLLBACK") };
}

function query<T>(directory: string, sql: string): T[] {
  const db = new Database(file(directory), { readonly: true, fileMustExist: true });
  try {
    return db.prepare<[], T>(sql).all();
  } finally {
    db.close();
  }
}

const rows = (directory: string) => query<{ n: number }>(directory, "SELECT count(*) AS n FROM entry")[0]?.n ?? 0;
const pictures = (directory: string) => readdirSync(join(directory, "data")).filter(isPictureName);
const logFile = (directory: string) => join(directory, "logs/supervisor.log");
const logOf = (directory: string) => (existsSync(logFile(directory)) ? readFileSync(logFile(directory), "utf8") : "");

async function until(what: () => boolean): Promise<void> {
  while (!what()) await sleep(50);
}

function running(directory: string, ...words: string[]) {
  const { child, ended } = start(["run", ...words], directory);
  onTestFinished(() => void child.kill("SIGKILL"));
  return { child, ended };
}

/** Waits until the run has begun to work. */
async function atWork(directory: string): Promise<void> {
  await until(() => {
    try {
      return rows(directory) >= 3;
    } catch {
      // Not made yet.
      return false;
    }
  });
}

test("a lock in the middle of a run: capture goes on, and all rows follow in the same run", async () => {
  const directory = experiment(configuration());
  const { child, ended } = running(directory);
  await atWork(directory);
  const held = lock(directory);
  const before = { pictures: pictures(directory).length, rows: rows(directory) };
  await until(() => pictures(directory).length >= before.pictures + 15);
  await until(() => logOf(directory).includes(LOCKED));
  expect(rows(directory)).toBe(before.rows);
  // The heartbeats cannot be stored, which is not the process's fault.
  const { stdout } = await phorest(["status"], directory);
  expect(stdout).toContain(LOCKED);
  expect(stdout).not.toContain("the process hangs");
  expect(stdout).not.toContain("no image for");
  held.release();
  await until(() => rows(directory) >= before.rows + 15);
  await until(() => logOf(directory).includes("the database is free again after"));
  child.kill("SIGINT");
  const { code, stderr } = await ended;
  expect(code, stderr).toBe(0);
  const names = query<{ filename: string }>(directory, "SELECT filename FROM entry").map(({ filename }) => filename);
  expect(names.sort()).toEqual(pictures(directory).sort());
  // Pictures that came last may still wait; no frame was given out twice, failed or found without a row.
  const others = "status NOT IN ('processed', 'pending') OR attempts > 1 OR origin <> 'captured'";
  expect(query(directory, `SELECT filename, status, attempts, origin FROM entry WHERE ${others}`)).toEqual([]);
  // One trouble is one line, however much waits for it; and another one after a minute, which a slow machine may need.
  const lines = logOf(directory)
    .split("\n")
    .filter((line) => line.includes(LOCKED) && !line.includes("still locked after"));
  expect(lines).toHaveLength(1);
});

test("a lock while pictures are compressed and removed: every row agrees with its file afterwards", async () => {
  const more = "[Services]\nenable_camera = true\nenable_image_compression = true\n[Buffer]\nimage_buffer_size = 5\n";
  const directory = experiment(configuration(more));
  const { child, ended } = running(directory);
  await atWork(directory);
  for (let time = 0; time < 6; time += 1) {
    const held = lock(directory);
    const before = pictures(directory).length;
    await until(() => pictures(directory).length >= before + 4);
    held.release();
    const after = rows(directory);
    await until(() => rows(directory) > after);
  }
  child.kill("SIGINT");
  const { code, stderr } = await ended;
  expect(code, stderr).toBe(0);
  expect(
    query(directory, "SELECT filename FROM entry WHERE missing = 1 OR status IN ('failed', 'processing')"),
  ).toEqual([]);
  expect(await phorest(["verify"], directory)).toMatchObject({ code: 0 });
});

test("a lock at the start is waited for and named", async () => {
  const directory = experiment(configuration());
  await phorest(["run", "--frames", "1"], directory);
  const held = lock(directory);
  const { child, ended } = running(directory, "--frames", "2", "--until-idle");
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  await until(() => said.includes(LOCKED));
  held.release();
  const { code, stderr } = await ended;
  expect(code, stderr).toBe(0);
  expect(rows(directory)).toBe(3);
});

test("a lock that outlasts the run: the run ends in time and says what is left, the next one takes it up once", async () => {
  const directory = experiment(configuration("", 6));
  const { child, ended } = running(directory);
  await atWork(directory);
  const held = lock(directory);
  const before = pictures(directory).length;
  await until(() => pictures(directory).length >= before + 3);
  child.kill("SIGTERM");
  const { code, stderr } = await ended;
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /images are not in the database yet; the next start adds them: another program has locked phorest.sqlite/,
  );
  held.release();
  const taken = pictures(directory).sort();
  expect(await phorest(["run", "--frames", "1", "--until-idle"], directory)).toMatchObject({ code: 0 });
  const names = query<{ filename: string }>(directory, "SELECT filename FROM entry").map(({ filename }) => filename);
  expect(names).toHaveLength(taken.length + 1);
  expect(names).toEqual(expect.arrayContaining(taken));
  expect(query(directory, "SELECT filename FROM entry WHERE status <> 'processed'")).toEqual([]);
});

test("a lock while files of another program are taken: each is taken once", async () => {
  const directory = experiment(configuration());
  await phorest(["simulate", "made", "--frames", "12", "--size", "640x480"], directory);
  const watching = experiment(
    configuration(`[Services]
enable_camera = true
[Camera]
camera_type = "folder"
watch_dir = ${JSON.stringify(join(directory, "made"))}
folder_stable_seconds = 0.1
`),
  );
  mkdirSync(join(watching, "generated_files"));
  copyFileSync(join(directory, "made/ROI_manifest.json"), join(watching, "generated_files/ROI_manifest.json"));
  const { child, ended } = running(watching);
  await atWork(watching);
  const held = lock(watching);
  await until(() => logOf(watching).includes(LOCKED));
  held.release();
  await until(() => rows(watching) === 12);
  // The directory is looked at again and again while they are measured.
  await until(() => query(watching, "SELECT id FROM entry WHERE status = 'processed'").length === 12);
  child.kill("SIGINT");
  const { code, stderr } = await ended;
  expect(code, stderr).toBe(0);
  expect(rows(watching)).toBe(12);
  expect(pictures(watching)).toHaveLength(12);
});

test("commands that write wait for a bounded time and name the lock", async () => {
  const directory = experiment(configuration());
  await phorest(["run", "--frames", "1", "--until-idle"], directory);
  lock(directory);
  const { code, stderr } = await phorest(["verify", "--repair"], directory);
  expect(code).toBe(1);
  expect(stderr).toContain(LOCKED);
});
