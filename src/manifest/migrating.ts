// Brings a database to the current schema version.
import type Database from "better-sqlite3";
import { MIGRATIONS } from "./schema.ts";

/** Returns the schema version of a database: the number of migrations that were applied. */
export function formOf(db: Database.Database): number {
  return Number(db.pragma("user_version", { simple: true }));
}

/** Applies the missing migrations, each in its own transaction. */
export function migrate(db: Database.Database): void {
  const form = formOf(db);
  MIGRATIONS.slice(form).forEach((sql, i) => {
    db.transaction(() => {
      db.exec(sql);
      db.pragma(`user_version = ${form + i + 1}`);
    }).immediate();
  });
}
