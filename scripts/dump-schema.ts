// Writes src/manifest/schema.sql: the tables, indexes, triggers and views of a new manifest, as documentation. The
// program itself creates them with the migrations in src/manifest/schema.ts. `npm run schema`: tsx scripts/dump-schema.ts
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { migrate } from "../src/manifest/migrating.ts";

export const SCHEMA_FILE = fileURLToPath(new URL("../src/manifest/schema.sql", import.meta.url));
const HEADER = `-- The schema of a new manifest (phorest.sqlite). Written by \`npm run schema\`; do not edit.
-- The migrations in src/manifest/schema.ts make it and say why it is so.
`;
const KINDS = { table: "Tables", index: "Indexes", trigger: "Triggers", view: "Views" };

/** Returns the schema of a database as SQLite stores it, as text: tables first, each kind in order of names. */
export function schemaText(db: Database.Database): string {
  const rows = db
    .prepare<[], { type: string; name: string; sql: string }>(
      "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )
    .all();
  const version = db.pragma("user_version", { simple: true });
  const statements = Object.entries(KINDS).flatMap(([kind, heading]) => {
    const own = rows.filter(({ type }) => type === kind).map(({ sql }) => sql);
    return [`\n-- ${heading}`, ...own.map((sql) => `${sql};`)];
  });
  return `${[HEADER, `PRAGMA user_version = ${version};`, ...statements].join("\n")}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const db = new Database(":memory:");
  migrate(db);
  writeFileSync(SCHEMA_FILE, schemaText(db));
  db.close();
}
