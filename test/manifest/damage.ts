// A manifest with every kind of row on many pages, and what is done to pages of it.
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { Manifest } from "../../src/manifest/manifest.ts";
import { tableForms } from "../../src/manifest/salvage-forms.ts";
import { PageFile } from "../../src/manifest/salvage-pages.ts";
import { rowsOf, survey } from "../../src/manifest/salvage-tables.ts";
import { MIGRATIONS } from "../../src/manifest/schema.ts";
import { encodeStatistics } from "../../src/manifest/statistics-codec.ts";
import { formatRoiManifest, parseRoiManifest } from "../../src/measurement/roi.ts";
import { manifestFile, NOON_US } from "./frames.ts";

const ROIS = 24;
export const PAGE_BYTES = 4096;

export const DAMAGES: Readonly<Record<string, (page: Buffer) => Buffer>> = {
  "overwritten with 0xff": () => Buffer.alloc(PAGE_BYTES, 0xff),
  "full of zeros": () => Buffer.alloc(PAGE_BYTES),
  "overwritten in its second half": (page) => Buffer.concat([page.subarray(0, 2048), Buffer.alloc(2048, 0xff)]),
};

/** The ROIs that everything here is measured in. */
export const ROI_MANIFEST = parseRoiManifest(
  formatRoiManifest({
    imageAngle: 3,
    rois: Array.from({ length: ROIS }, (_, i) => ({
      ...{ label: `${i}A_N`, flip: i % 2 === 0, y: 10 * i, x: 5 },
      ...{ height: 8, width: 100 },
    })),
  }),
  "the ROIs of a test",
);

/** Fills the manifest in `directory` with `frames` measured frames, with their pictures where `pictures`. */
export function fill(directory: string, frames: number, { pictures = true } = {}): void {
  const manifest = Manifest.open({ file: manifestFile(directory) });
  const config = JSON.stringify({ Data_Analysis: { method: "gaussian" }, text: "x".repeat(6000) });
  const startedAtUs = NOON_US - 1;
  const program = { version: "1", nodeVersion: "1", host: "lab", pid: 1 };
  const runId = manifest.runs.begin({ startedAtUs, config, ...program });
  const roiManifestId = manifest.analyses.ensureRoiManifest(ROI_MANIFEST);
  const analysis = { method: "gaussian", settings: "{}", roiManifestId, kernelVersion: "1" } as const;
  const analysisId = manifest.analyses.ensure(analysis);
  manifest.runs.noteMeasure(runId, analysisId);
  manifest.outputs.configure(["csv"]);
  for (let i = 0; i < frames; i += 1) {
    const filename = `image_${i}.png`;
    if (pictures) writeFileSync(join(directory, filename), "picture");
    manifest.entries.add({
      ...{ runId, capturedAtUs: NOON_US + i * 1e6, filename, filepath: directory },
      ...{ bytes: 7, sha256: "ab".repeat(32), settings: JSON.stringify({ exposure: "1/100", text: "y".repeat(90) }) },
      readings: [
        { sensor: "A", unit: "°C", value: 20 + i / 7, takenAtUs: NOON_US, error: undefined },
        { sensor: "B", unit: "°C", value: undefined, takenAtUs: NOON_US, error: "no answer" },
      ],
    });
    const [claim] = manifest.entries.claimPending(1, NOON_US);
    if (claim === undefined) throw new Error("nothing to claim");
    const position = Float64Array.from({ length: ROIS }, (_, roi) => 50 + roi + Math.sin(i + roi));
    const numbers = Float64Array.from(
      { length: ROIS * 48 },
      (_, k) => Math.round(((i + 1) * (k + 7) * 7919) % 1e5) / 1e3,
    );
    manifest.complete(
      claim,
      analysisId,
      {
        ...{ position, standardError: position.map(() => 0.01), quality: position.map(() => 0.9) },
        ...{ flags: new Uint8Array(ROIS), statistics: encodeStatistics(numbers, 48), brightness: 1, contrast: 2 },
        displacement: { dx: 0.1, dy: 0.2, turnDegrees: 0, errorPx: 0.01, patches: 3 },
      },
      NOON_US + i,
    );
  }
  manifest.outputs.advance("csv", frames, "{}");
  manifest.markers.add(NOON_US, "injection", NOON_US);
  manifest.runs.end(runId, NOON_US + frames * 1e6, "idle");
  manifest.close();
}

/** Pages by what they hold: the root of each table and index, and for tables with more pages `<name> leaf`. */
export function pagesByRole(file: string): Map<string, number> {
  const db = new Database(file, { readonly: true });
  const roots = db
    .prepare<[], { name: string; root: number }>("SELECT name, rootpage AS root FROM sqlite_schema WHERE rootpage > 0")
    .all();
  db.close();
  const pages = new Map(roots.map(({ name, root }) => [name, root]));
  const source = PageFile.open(file);
  for (const { form, pages: own } of survey(source, tableForms(MIGRATIONS.length)).tables) {
    const used = new Set<number>();
    for (const page of own) for (const _ of rowsOf(source, page, used));
    const [overflow] = used;
    if (overflow !== undefined) pages.set(`${form.name} overflow`, overflow);
    const leaf = own[Math.floor(own.length / 2)];
    if (own.length > 1 && leaf !== undefined) pages.set(`${form.name} leaf`, leaf);
  }
  source.close();
  return pages;
}

/** Copies `from` to `to` with one page damaged. */
export function damagePage(from: string, to: string, page: number, damage: (page: Buffer) => Buffer): void {
  copyFileSync(from, to);
  const bytes = readFileSync(from);
  damage(bytes.subarray((page - 1) * PAGE_BYTES, page * PAGE_BYTES)).copy(bytes, (page - 1) * PAGE_BYTES);
  writeFileSync(to, bytes);
}

const TABLES = {
  roi_manifest: "id",
  roi: "roi_manifest_id, roi",
  run: "id",
  entry: "id",
  reading: "entry_id, sensor",
  analysis: "id",
  outcome: "id",
  detail: "outcome_id",
  result: "entry_id, analysis_id, roi",
  displacement: "outcome_id",
  marker: "id",
} as const;
export type Table = keyof typeof TABLES;

/** Every row of the tables that hold data, as text, by table and key. */
export function contentOf(file: string): Map<Table, Map<string, string>> {
  const db = new Database(file, { readonly: true });
  try {
    const tables = Object.entries(TABLES) as [Table, string][];
    return new Map(
      tables.map(([table, key]) => {
        const rows = db.prepare<[], Record<string, unknown>>(`SELECT * FROM ${table}`).all();
        const keys = key.split(", ");
        return [table, new Map(rows.map((row) => [keys.map((name) => row[name]).join("/"), JSON.stringify(row)]))];
      }),
    );
  } finally {
    db.close();
  }
}
