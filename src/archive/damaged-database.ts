// `verify` for a damaged database: finds out what can be read, and with --repair replaces it by a new one with that content.
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { roiManifestPath } from "../config/config.ts";
import { OUTPUT_FACTS, OUTPUT_METHODS, type OutputMethod } from "../config/output-methods.ts";
import type { Config } from "../config/schema.ts";
import { encodeFailure, Failure } from "../failure/failure.ts";
import { type Repaired, repair } from "../manifest/repair.ts";
import { affectedBy } from "../manifest/salvage.ts";
import { parseRoiManifest, type RoiManifest } from "../measurement/roi.ts";
import { counted } from "../system/counted.ts";
import { completeBackups } from "./backup-directory.ts";
import type { Finding } from "./finding.ts";
import { readFacts, SNAPSHOT } from "./snapshot.ts";

/** Returns the damage as a finding: which tables it affects, and what can be done. */
export function damageFound(path: string, { message }: Failure, { Paths }: Config): Finding {
  const { header, tables, indexes } = affectedBy(path);
  const parts = [...(header ? ["its header"] : []), ...namesText("table", tables), ...namesText("index", indexes)];
  const what = parts.join(" and ");
  const affected = what === "" ? "" : `; ${what} cannot be read completely`;
  return {
    kind: "database",
    subject: basename(path),
    meaning: `${message}${affected}`,
    cure: `--repair saves what can be read and keeps the damaged file; ${backupText(Paths.backup_dir)}`,
  };
}

function namesText(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  return [`${what}${names.length === 1 ? "" : what === "index" ? "es" : "s"} ${names.join(", ")}`];
}

/** Describes what the last backup contains, and how to restore it. */
export function backupText(backupDir: string): string {
  const newest = completeBackups(backupDir).at(-1);
  if (newest === undefined) return `there is no backup in ${backupDir}`;
  const facts = readFacts(join(backupDir, newest));
  const frames = facts === undefined ? "" : ` with ${facts.entries} frames`;
  return `the last backup is ${newest}${frames}: \`phorest restore ${join(backupDir, newest)} --into DIR\``;
}

/** Replaces the damaged database by a new one with what can be read. Only for the holder of the lock. */
export function repairDatabase(
  path: string,
  config: Config,
  options: { readonly nowUs: number; progress(done: number, total: number): void },
): Repaired {
  try {
    return repair(path, {
      ...options,
      roiManifests: knownRoiManifests(config),
      method: config.Data_Analysis.method,
      continued: outputsAfterRepair("continue", config.Communication.method),
      rewritten: outputsAfterRepair("rewrite"),
    });
  } catch (error) {
    const { code, message } = encodeFailure(error);
    if (code !== "manifest.corrupt") throw error;
    const rest = `or move ${basename(path)} out of ${dirname(path)}: \`phorest run\` then measures the images again`;
    throw new Failure("manifest.corrupt", message, { hint: `${backupText(config.Paths.backup_dir)}; ${rest}` });
  }
}

/** Returns the names of the outputs, of `methods` or of all, for which a repair does `what`. */
function outputsAfterRepair(
  what: (typeof OUTPUT_FACTS)[OutputMethod]["afterRepair"],
  methods: readonly OutputMethod[] = OUTPUT_METHODS,
): string[] {
  return methods
    .map((method) => OUTPUT_FACTS[method])
    .filter(({ afterRepair }) => afterRepair === what)
    .map(({ name }) => name);
}

/** Returns the current ROI manifest, and that of the last backup. */
function knownRoiManifests(config: Config): RoiManifest[] {
  const { backup_dir: backupDir } = config.Paths;
  const newest = completeBackups(backupDir).at(-1);
  const files = [roiManifestPath(config), ...(newest === undefined ? [] : [join(backupDir, newest, SNAPSHOT.rois)])];
  return files.filter(existsSync).flatMap((file) => {
    try {
      return [parseRoiManifest(readFileSync(file, "utf8"), file, { kept: true })];
    } catch (error) {
      // The current ROI manifest is invalid; the caller reports that itself.
      if (encodeFailure(error).code === "rois.invalid") return [];
      throw error;
    }
  });
}

/** Returns the result of a repair, as lines for people. */
export function repairLines(path: string, repaired: Repaired): string[] {
  const { tables, kept, rebuilt, requeued, incomplete, notes } = repaired;
  const width = Math.max(...tables.map(({ table }) => table.length), "table".length) + 2;
  const line = (table: string, saved: string, lost: string) =>
    `  ${table.padEnd(width)}${saved.padStart(10)}${lost.padStart(16)}`;
  const frames = (count: number, text: string) => (count === 0 ? [] : [`${counted(count, "frame")} ${text}`]);
  return [
    `${basename(path)} is a new database with everything that could be read; the damaged one is kept as ${basename(kept)}`,
    line("table", "rows saved", "lost at most"),
    ...tables.map(({ table, saved, lost }) =>
      line(table, String(saved), lost === undefined ? "unknown" : String(lost)),
    ),
    ...frames(rebuilt, "have only number, time and image left; size, hash and camera settings are lost"),
    ...frames(requeued, "had lost part of their results; the next run measures them again"),
    ...frames(incomplete, "had lost part of their results; their images are not here, so the rest is kept"),
    ...notes,
    "the next run adds and measures the images whose rows are lost, rewrites the CSV and keeps a copy of the present one",
  ];
}
