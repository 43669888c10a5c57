// An experiment outlives the program that began it: every form the manifest ever had is opened by the present program,
// with all that was in it, and goes on.
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Manifest } from "../../src/manifest/manifest.ts";
import { APPLICATION_ID, MIGRATIONS } from "../../src/manifest/schema.ts";
import { CAN_MOUNT, Share } from "../archive/share.ts";
import { command as phorest } from "../run/commands.ts";
import { QUICK_CONFIG } from "../run/program.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const FRAMES = 3;
/** The last form in which no copy named its share. */
const FORMS_WITH_ONE_SHARE = 5;
/** Forms in which any stored result counted as a measurement, and in which that was not asked. */
const FORMS_WITHOUT_POSITIONS = [6, 8];
/** Tables that fill themselves, or that SQLite keeps. */
const DERIVED = new Set(["counter", "sqlite_sequence"]);

/** Rows of a table as text, whatever else the present form has beside `columns`. */
function rowsOf(db: Database.Database, table: string, columns: readonly string[]): string[] {
  const rows = db.prepare(`SELECT ${columns.join(", ")} FROM ${table}`).all();
  return rows.map((row) => JSON.stringify(row)).sort();
}

function tablesOf(db: Database.Database): { name: string; columns: string[] }[] {
  const names = db
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    .pluck()
    .all() as string[];
  const columns = db.prepare("SELECT name FROM pragma_table_info(?)").pluck();
  const kept = names.filter((name) => !DERIVED.has(name));
  return kept.map((name) => ({ name, columns: columns.all(name) as string[] }));
}

/** Rewrites the manifest of an experiment as a program of form `version` would have left it: with its tables and columns. */
function makeOlder(directory: string, version: number): { name: string; columns: string[]; rows: string[] }[] {
  const file = join(directory, "data", "phorest.sqlite");
  const present = `${file}.present`;
  renameSync(file, present);
  const db = new Database(file);
  try {
    db.pragma("foreign_keys = OFF");
    db.pragma(`application_id = ${APPLICATION_ID}`);
    for (const migration of MIGRATIONS.slice(0, version)) db.exec(migration);
    db.pragma(`user_version = ${version}`);
    db.exec(`ATTACH '${present}' AS present`);
    const tables = tablesOf(db);
    for (const { name, columns } of tables) {
      const list = columns.join(", ");
      db.exec(`DELETE FROM main.${name}; INSERT INTO main.${name} (${list}) SELECT ${list} FROM present.${name}`);
    }
    return tables.map(({ name, columns }) => ({ name, columns, rows: rowsOf(db, `main.${name}`, columns) }));
  } finally {
    db.close();
  }
}

const schemaOf = (db: Database.Database) => db.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").all();

/** Of the text of each migration. A new one is added here; a changed one would leave older manifests without what it brings. */
const MIGRATION_HASHES = [
  "5d0cc483",
  "e3bda0d5",
  "e8c43364",
  "e5354d34",
  "663a9d6a",
  "6c93d90e",
  "961a8f35",
  "9201aca3",
  "3b55924e",
  "d5a62192",
  "ca3a4dbe",
  "f77575ea",
  "5247977c",
  "85663431",
  "b8ad6aa5",
];

it("is made older below by the present migrations, none of which was edited since", () => {
  const hashes = MIGRATIONS.map((sql) => createHash("sha256").update(sql).digest("hex").slice(0, 8));
  expect(hashes).toEqual(MIGRATION_HASHES);
});

describe("a manifest of an older form", () => {
  let model: string;
  beforeAll(async () => {
    model = mkdtempSync(join(tmpdir(), "phorest-form-"));
    writeFileSync(join(model, "config.toml"), QUICK_CONFIG);
    const { code, stderr } = await phorest(["run", "--frames", `${FRAMES}`, "--until-idle"], model);
    expect(code, stderr).toBe(0);
  });

  afterAll(() => rmSync(model, { recursive: true, force: true }));

  for (let version = 1; version <= MIGRATIONS.length; version += 1) {
    it(`${version} keeps every row, gets the present form, and the experiment goes on in it`, async () => {
      const directory = temporaryDirectory();
      cpSync(model, directory, { recursive: true });
      const before = makeOlder(directory, version);
      expect(before.find(({ name }) => name === "entry")?.rows).toHaveLength(FRAMES);
      expect(before.find(({ name }) => name === "result")?.rows.length).toBeGreaterThan(FRAMES);

      const { code, stderr } = await phorest(["run", "--frames", "1", "--until-idle"], directory);
      expect(code, stderr).toBe(0);

      const db = new Database(join(directory, "data", "phorest.sqlite"), { readonly: true });
      const fresh = new Database(join(model, "data", "phorest.sqlite"), { readonly: true });
      expect(db.pragma("user_version", { simple: true })).toBe(MIGRATIONS.length);
      expect(schemaOf(db)).toEqual(schemaOf(fresh));
      expect(db.pragma("integrity_check", { simple: true })).toBe("ok");
      for (const { name, columns, rows } of before.filter((table) => GROWING.includes(table.name))) {
        expect(rowsOf(db, name, columns), name).toEqual(expect.arrayContaining(rows));
      }
      expect(db.prepare("SELECT processed FROM counter").pluck().get()).toBe(FRAMES + 1);
      expect(db.prepare("SELECT count(*) FROM entry WHERE status = 'processed'").pluck().get()).toBe(FRAMES + 1);
      fresh.close();
      db.close();
    });
  }

  it("of an experiment that is over is readable after a repair, which takes no picture", async () => {
    const directory = temporaryDirectory();
    cpSync(model, directory, { recursive: true });
    makeOlder(directory, 1);
    const refused = await phorest(["status"], directory);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(/older version.*verify --repair/)]);
    const repaired = await phorest(["verify", "--repair"], directory);
    expect(repaired.stderr).not.toMatch(/older version/);
    const { code, stdout, stderr } = await phorest(["status", "--json"], directory);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout).counts).toMatchObject({ total: FRAMES, processed: FRAMES });
  });

  it.skipIf(!CAN_MOUNT)("on a disk that cannot be written is read all the same, and left as it is", async () => {
    const share = new Share();
    share.mount();
    cpSync(model, share.point, { recursive: true });
    makeOlder(share.point, 1);
    const data = join(share.point, "data");
    rmSync(join(data, "phorest.sqlite.present"));
    share.writable(false);
    const before = readFileSync(join(data, "phorest.sqlite"));
    const names = readdirSync(data);
    const temporary = temporaryDirectory();
    const out = temporaryDirectory();
    const read = async (...words: string[]) => {
      const { code, stdout, stderr } = await phorest(words, share.point, { TMPDIR: temporary });
      expect(code, `${words.join(" ")}: ${stderr}`).toBe(0);
      return stdout;
    };
    expect(JSON.parse(await read("status", "--json")).counts).toMatchObject({ total: FRAMES, processed: FRAMES });
    expect((await read("export", "--format", "csv")).split("\n").length).toBeGreaterThan(FRAMES);
    expect((await read("sensorgram")).split("\n").length).toBeGreaterThan(FRAMES);
    await read("report", "--out", out);
    expect(readdirSync(out)).toEqual(expect.arrayContaining(["communicating_results.csv", "report.html"]));
    expect(readFileSync(join(data, "phorest.sqlite")).equals(before)).toBe(true);
    expect(readdirSync(data)).toEqual(names);
    expect(readdirSync(temporary), "copies are removed").toEqual([]);

    const beside = await phorest(["report"], share.point, { TMPDIR: temporary });
    expect([beside.code, beside.stderr]).toEqual([1, expect.stringMatching(/cannot write the report to .*--out DIR/)]);
    const full = new Share("16k");
    full.mount();
    for (const place of [join(temporary, "absent"), full.point]) {
      const { code, stderr } = await phorest(["status"], share.point, { TMPDIR: place });
      expect([code, stderr], place).toEqual([1, expect.stringMatching(/only be read as a copy.*set TMPDIR/)]);
      expect(stderr.trim().split("\n")).toHaveLength(1);
    }
    expect(readdirSync(full.point)).toEqual([]);
  });

  it.each(FORMS_WITHOUT_POSITIONS)("%i keeps pictures in which no ROI gave a position", (version) => {
    const directory = temporaryDirectory();
    cpSync(model, directory, { recursive: true });
    const file = join(directory, "data", "phorest.sqlite");
    makeOlder(directory, version);
    const older = new Database(file);
    older.exec("UPDATE result SET position = NULL WHERE entry_id = 1 OR (entry_id = 2 AND roi = 0)");
    older.close();

    const manifest = Manifest.open({ file });
    try {
      expect(manifest.storage.removable(FRAMES, false).map(({ entryId }) => entryId)).toEqual([2, 3]);
    } finally {
      manifest.close();
    }
  });

  it("of a time with one share at a time: every copy lies on the one that was bound", () => {
    const directory = temporaryDirectory();
    cpSync(model, directory, { recursive: true });
    const file = join(directory, "data", "phorest.sqlite");
    makeOlder(directory, FORMS_WITH_ONE_SHARE);
    const older = new Database(file);
    older.exec(`
      INSERT INTO remote VALUES (1, 'share-a', '/mnt/a', 7);
      INSERT INTO synced_file VALUES ('results/a.csv', 1, 2, 'hash', 'results/a-1.csv', 3, 'next');
      UPDATE entry SET image_synced = 1, remote_path = 'data/' || filename WHERE id <= 2;
      UPDATE entry SET image_synced = 1 WHERE id = 3;`);
    older.close();

    const manifest = Manifest.open({ file });
    try {
      expect([...manifest.checks.pictures()].map(({ remoteId }) => remoteId)).toEqual([
        "share-a",
        "share-a",
        undefined,
      ]);
      expect(manifest.shares.current()).toEqual({ remoteId: "share-a", root: "/mnt/a" });
      expect(manifest.shares.all()).toEqual([{ remoteId: "share-a", root: "/mnt/a", pictures: 2, inUse: true }]);
      expect(manifest.syncing.syncedFile("share-a", "results/a.csv")).toEqual({
        remoteId: "share-a",
        path: "results/a.csv",
        bytes: 1,
        modifiedAtUs: 2,
        sha256: "hash",
        remotePath: "results/a-1.csv",
        syncedAtUs: 3,
        stagedSha256: "next",
      });
    } finally {
      manifest.close();
    }
  });

  it("of a newer program is refused in one line, and nothing of it is touched", async () => {
    const directory = temporaryDirectory();
    cpSync(model, directory, { recursive: true });
    const file = join(directory, "data", "phorest.sqlite");
    const db = new Database(file);
    db.pragma(`user_version = ${MIGRATIONS.length + 1}`);
    db.close();
    const before = readFileSync(file);
    for (const command of [["run", "--frames", "1"], ["status"], ["report"], ["verify", "--repair"]]) {
      const { code, stderr } = await phorest(command, directory);
      expect(code).toBe(2);
      const complaints = stderr.split("\n").filter((line) => /newer phorest/.test(line));
      expect(complaints).toHaveLength(1);
      expect(complaints[0]).toMatch(/update phorest; nothing was changed/);
    }
    expect(readFileSync(file).equals(before)).toBe(true);
  });
});

/** Tables whose rows a later run adds to and never changes. */
const GROWING = ["entry", "reading", "analysis", "outcome", "detail", "result", "roi_manifest", "roi", "movement"];
