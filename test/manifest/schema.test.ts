import { readFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { SCHEMA_FILE, schemaText } from "../../scripts/dump-schema.ts";
import { MANIFEST_FILENAME, Manifest } from "../../src/manifest/manifest.ts";
import { APPLICATION_ID, MIGRATIONS } from "../../src/manifest/schema.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** What SQLite says about every table, index, trigger and view of a manifest. */
function schemaOf(file: string) {
  const db = new Database(file, { readonly: true });
  try {
    const names = db
      .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")
      .pluck()
      .all();
    const listed = (pragma: string) =>
      names.sort().map((name) => [name, db.prepare(`SELECT * FROM pragma_${pragma}(?)`).all(name)]);
    const lists = { columns: listed("table_xinfo"), indexes: listed("index_list"), keys: listed("foreign_key_list") };
    return { text: schemaText(db), ...lists };
  } finally {
    db.close();
  }
}

test("schema.sql is the schema of a new manifest; `npm run schema` writes it", () => {
  const file = join(temporaryDirectory(), MANIFEST_FILENAME);
  Manifest.open({ file }).close();
  expect(readFileSync(SCHEMA_FILE, "utf8")).toBe(schemaOf(file).text);
});

test("a manifest of the oldest version has the schema of a new one once it is migrated", () => {
  const [fresh, oldest] = [
    join(temporaryDirectory(), MANIFEST_FILENAME),
    join(temporaryDirectory(), MANIFEST_FILENAME),
  ];
  Manifest.open({ file: fresh }).close();
  const db = new Database(oldest);
  db.pragma(`application_id = ${APPLICATION_ID}`);
  db.exec(MIGRATIONS[0] ?? "");
  db.pragma("user_version = 1");
  db.close();
  expect(schemaOf(oldest)).not.toEqual(schemaOf(fresh));
  Manifest.open({ file: oldest }).close();
  expect(schemaOf(oldest)).toEqual(schemaOf(fresh));
});
