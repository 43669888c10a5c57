// Bringing a database to the present form.
import type Database from "better-sqlite3";
import { MIGRATIONS } from "./schema.ts";

/** The form a database has: the number of migrations it has been through. */
export function formOf(db: Database.Database): number {
  return Number(db.pragma("user_version", { simple: true }));
}

/** Makes the changes that the database has not been through, each in a transaction of its own. */
export function migrate(db: Database.Database): void {
  const form = formOf(db);
  MIGRATIONS.slice(form).forEach((sql, i) => {
    db.transaction(() => {
      db.exec(sql);
      db.pragma(`user_version = ${form + i + 1}`);
    }).immediate();
  });
}
