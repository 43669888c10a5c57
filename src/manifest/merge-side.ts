// One of the two experiments of a merge, and how to add a row to it.

import type { Analyses } from "./analyses.ts";
import type { Connection } from "./connection.ts";
import type { Entries } from "./entries.ts";
import type { History } from "./history.ts";
import type { Imported } from "./imported.ts";
import type { Injections } from "./injections.ts";
import type { Markers } from "./markers.ts";

/** The parts of a manifest that a merge uses. */
export interface MergedManifest {
  readonly directory: string;
  readonly analyses: Analyses;
  readonly entries: Entries;
  readonly history: History;
  readonly imported: Imported;
  readonly injections: Injections;
  readonly markers: Markers;
}

/** One of the two experiments. */
export interface MergeSide {
  readonly manifest: MergedManifest;
  readonly connection: Connection;
}

/** Adds a row with these values by column; returns its id. */
export function insert(
  { db }: MergeSide["connection"],
  table: "entry" | "reading" | "outcome" | "detail" | "displacement",
  values: Readonly<Record<string, unknown>>,
): number {
  const columns = Object.keys(values);
  const sql = `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${columns.map((column) => `@${column}`).join(", ")})`;
  return Number(db.prepare(sql).run(values).lastInsertRowid);
}
