// What can happen to the database of an experiment, done to that of the real program: stopped, and while it runs.
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { command as phorest } from "./commands.ts";
import { QUICK_CONFIG, start } from "./program.ts";

const CONFIG = `${QUICK_CONFIG.replace("collector_interval_seconds = 0.05", "collector_interval_seconds = 0.3")}
heartbeat_seconds = 0.5
[Buffer]
image_buffer_size = 3
[Data_Analysis]
workers = 1
`;
const FRAMES = 6;
const PAGE_BYTES = 4096;

const databaseOf = (directory: string) => join(directory, "data/phorest.sqlite");
const picturesIn = (directory: string) => readdirSync(join(directory, "data")).filter((name) => name.endsWith(".png"));

let model = "";
beforeAll(async () => {
  model = temporaryDirectory();
  writeFileSync(join(model, "config.toml"), CONFIG);
  const { code, stderr } = await phorest(["run", "--frames", String(FRAMES), "--until-idle"], model);
  if (code !== 0) throw new Error(stderr);
});

/** A copy of an experiment that ended well, its database changed by `inflict`. */
function damaged(inflict: (database: string) => void): string {
  const directory = temporaryDirectory();
  cpSync(model, directory, { recursive: true });
  inflict(databaseOf(directory));
  return directory;
}

function overwrite(database: string, page: number, content: Uint8Array = Buffer.alloc(PAGE_BYTES, 0xff)): void {
  const handle = openSync(database, "r+");
  writeSync(handle, content, 0, content.length, (page - 1) * PAGE_BYTES);
  closeSync(handle);
}

const rootOf =
  (name: string, content?: Uint8Array) =>
  (database: string): void => {
    const db = new Database(database, { readonly: true });
    const root = db.prepare<[string], number>("SELECT rootpage FROM sqlite_schema WHERE name = ?").pluck().get(name);
    db.close();
    overwrite(database, root ?? 0, content);
  };

interface Entry {
  readonly status: string;
  readonly error_code: string | null;
  readonly local: number;
}

function entriesOf(database: string): Entry[] {
  const db = new Database(database, { readonly: true });
  try {
    return db.prepare<[], Entry>("SELECT status, error_code, local FROM entry").all();
  } finally {
    db.close();
  }
}

/** The one line that says it; nothing of SQLite's or the program's own making. */
function expectOneLine(text: string, directory: string): void {
  expect(text).toContain(`the database ${databaseOf(directory)} is damaged: `);
  expect(text).toContain("phorest verify --repair");
  expect(text).not.toMatch(/SqliteError|SQLITE_|^\s+at /m);
  expect(text.trim().split("\n")).toHaveLength(1);
}

describe("a database that is damaged while nothing runs", () => {
  const kinds: [string, (database: string) => void, repairable: boolean][] = [
    ["the root of a table", rootOf("detail"), true],
    ["the frames themselves", rootOf("entry", Buffer.alloc(PAGE_BYTES)), true],
    ["the list of the tables", (database) => overwrite(database, 2), true],
    ["the header", (database) => overwrite(database, 1, Buffer.alloc(100, 0xff)), true],
    ["the end of the file", (database) => truncateSync(database, statSync(database).size - 20 * PAGE_BYTES), true],
    ["everything: zeros", (database) => writeFileSync(database, Buffer.alloc(statSync(database).size)), false],
  ];
  test.each(kinds)("%s: nothing is started or touched, and it is said", async (_what, inflict, repairable) => {
    const directory = damaged(inflict);
    const before = readFileSync(databaseOf(directory));
    const pictures = picturesIn(directory);
    const run = await phorest(["run", "--frames", "2"], directory);
    expect(run.code).toBe(1);
    expect(run.stdout).toBe("");
    expectOneLine(
      run.stderr
        .split("\n")
        .filter((line) => !line.includes(" info "))
        .join("\n"),
      directory,
    );
    const status = await phorest(["status"], directory);
    expect(status.code).toBe(1);
    expect(status.stdout.match(/^ALARM/gm)).toHaveLength(1);
    expectOneLine(status.stdout.split("\n").find((line) => line.startsWith("ALARM")) ?? "", directory);
    const verify = await phorest(["verify"], directory);
    expect(verify.code).toBe(3);
    expect(verify.stdout).toMatch(/^database .*cannot be read completely.*--repair/);
    expect(readFileSync(databaseOf(directory)).equals(before)).toBe(true);
    const repair = await phorest(["verify", "--repair"], directory);
    expect(picturesIn(directory)).toEqual(pictures);
    if (!repairable) {
      expect(repair.code).toBe(1);
      expectOneLine(repair.stderr.replace("move phorest.sqlite", "phorest verify --repair"), directory);
      expect(readFileSync(databaseOf(directory)).equals(before)).toBe(true);
      return;
    }
    expect(repair.code).toBe(3);
    const kept = readdirSync(join(directory, "data")).find((name) => /\.damaged-\w+$/.test(name)) ?? "";
    expect(readFileSync(join(directory, "data", kept)).equals(before)).toBe(true);
    const entries = entriesOf(databaseOf(directory));
    expect(entries.length).toBe(FRAMES);
    expect(entries.filter(({ status: state }) => state === "failed")).toEqual([]);
  });

  test("a result that SQLite finds nothing wrong with: who meets it says what mends it, and that does", async () => {
    const directory = damaged((database) => {
      const db = new Database(database);
      db.exec("UPDATE detail SET statistics = X'6363' WHERE outcome_id = (SELECT max(outcome_id) FROM detail)");
      db.close();
    });
    const read = await phorest(["export", "--format", "csv"], directory);
    expect(read.code).toBe(1);
    expect(read.stderr).toMatch(/the statistics of a frame are damaged: .*`phorest verify --repair`/);
    const verify = await phorest(["verify"], directory);
    expect(verify).toMatchObject({ code: 3, stdout: expect.stringContaining("1 row of detail cannot be read") });
    expect((await phorest(["verify", "--repair"], directory)).code).toBe(3);
    const again = await phorest(["run", "--frames", "1", "--until-idle"], directory);
    expect(again.code, again.stderr).toBe(0);
    expect(again.stdout).toContain("1 frame captured, 2 measured");
    expect((await phorest(["export", "--format", "csv"], directory)).code).toBe(0);
    expect((await phorest(["verify"], directory)).code).toBe(0);
  });

  test("every command says so in one line, and monitors hear of it", async () => {
    const directory = damaged(rootOf("result"));
    const commands = [
      ["backup"],
      ["export", "--format", "csv"],
      ["report"],
      ["sensorgram"],
      ["sync"],
      ["import", "established"],
    ];
    mkdirSync(join(directory, "established"));
    writeFileSync(join(directory, "established", "metadata_manifest.json"), "[]");
    const share = mkdtempSync(join(directory, "share-"));
    writeFileSync(
      join(directory, "config.toml"),
      `${CONFIG}[Services]\nenable_remote_sync = true\n[Paths]\nremote_root_dir = "${share}"\n`,
    );
    for (const command of commands) {
      const { code, stdout, stderr } = await phorest(command, directory);
      expect(`${command[0]} ${code}`).toBe(`${command[0]} 1`);
      expect(stdout).toBe("");
      expectOneLine(stderr, directory);
    }
    const doctor = await phorest(["doctor"], directory);
    expect(doctor.code).toBe(1);
    expectOneLine(doctor.stdout.split("\n").find((line) => line.startsWith("BAD  database")) ?? "", directory);
    const health = await phorest(["health", "--json"], directory);
    expect(health.code).toBe(1);
    const { verdict, alarms } = JSON.parse(health.stdout);
    expect(verdict).toBe("ill");
    expect(alarms).toHaveLength(1);
    expectOneLine(alarms[0], directory);
  });
});

describe("a database that is damaged under a run", () => {
  /** A run that has measured some frames. `stop` ends it. */
  async function running() {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "config.toml"), CONFIG);
    const { child, ended } = start(["run"], directory);
    onTestFinished(() => void child.kill("SIGKILL"));
    const said: string[] = [];
    child.stderr?.on("data", (text: Buffer) => said.push(text.toString()));
    const until = async (what: RegExp, times = 1) => {
      while ((said.join("").match(what) ?? []).length < times) {
        if (child.exitCode !== null || child.signalCode !== null) throw new Error(said.join(""));
        await sleep(50);
      }
    };
    const stop = async () => {
      child.kill("SIGINT");
      return await ended;
    };
    const count = (what: RegExp) => (said.join("").match(what) ?? []).length;
    return { directory, until, stop, count };
  }

  test.each<[string, (database: string) => void]>([
    [
      "is overwritten",
      (database) => writeFileSync(database, Buffer.alloc(statSync(database).size, 0xff), { flag: "r+" }),
    ],
    ["is removed", (database) => rmSync(database)],
  ])("that %s: pictures are taken and kept, nothing fails or is removed, one alarm", async (_how, inflict) => {
    const { directory, until, stop, count } = await running();
    await until(/measured in/g, 5);
    inflict(databaseOf(directory));
    await until(/ error supervisor: the database/g);
    const pictures = picturesIn(directory);
    const captured = count(/captured in/g);
    await until(/captured in/g, captured + 4);
    const status = await phorest(["status"], directory);
    expect(status.stdout.match(/^ALARM/gm)).toHaveLength(1);
    const { code, stderr, stdout } = await stop();
    expect(code).toBe(1);
    expect(stdout).toContain("is damaged");
    expect(stderr.match(/ error \w+: the database/g)).toHaveLength(1);
    expect(stderr).not.toMatch(/: failed: |SqliteError/);
    expect(picturesIn(directory)).toEqual(expect.arrayContaining(pictures));
    const unrecorded = join(directory, "data/phorest.unrecorded.jsonl");
    expect(existsSync(unrecorded)).toBe(true);
    const repair = await phorest(["verify", "--repair"], directory);
    expect([0, 3]).toContain(repair.code);
    expect(existsSync(unrecorded)).toBe(false);
    const again = await phorest(["run", "--frames", "1", "--until-idle"], directory);
    expect(again.stderr).not.toMatch(/ error /);
    expect(again.code).toBe(0);
    const entries = entriesOf(databaseOf(directory));
    expect(entries.every(({ status: state, error_code }) => state === "processed" && error_code === null)).toBe(true);
    // Each picture that was ever taken is a frame, once.
    expect(entries.length).toBe(count(/captured in/g) + 1);
  });
});
