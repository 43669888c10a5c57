// Experiments whose images are files of another program, for the tests that run the whole program on them.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { MANIFEST_FILENAME } from "../../src/manifest/manifest.ts";
import { formatRoiManifest } from "../../src/measurement/roi.ts";
import { createSimulator } from "../../src/simulator/simulator.ts";
import { experiment } from "./program.ts";

export type FileSource = "folder" | "file_importer";

/** The chip of the images. */
export const simulator = createSimulator({ width: 640, height: 480 });

/** Where a source finds its files, below the directory of the experiment. */
export const PLACE: Readonly<Record<FileSource, string>> = { folder: "incoming", file_importer: "data" };

/**
 * The directory of an experiment without images, with the ROIs of the simulator; `camera`: more lines of [Camera]. No page, no
 * plot. Files are read whether or not a camera is switched on: of the two sources, one has none.
 */
export function fileExperiment(source: FileSource, camera = ""): string {
  const directory = experiment(`
[Camera]
camera_type = "${source}"
watch_dir = "incoming"
folder_stable_seconds = 0.1
${camera}
[Services]
enable_camera = ${source === "folder"}
[Web]
enabled = false
[Report]
plot = false
[Timing]
collector_interval_seconds = 0.05
communicator_interval_seconds = 0.1
`);
  for (const name of ["data", "incoming", "generated_files"]) mkdirSync(join(directory, name));
  writeFileSync(join(directory, "generated_files", "ROI_manifest.json"), formatRoiManifest(simulator.roiManifest()));
  return directory;
}

/** Rows of an experiment's database. */
export function query<Row>(directory: string, sql: string): Row[] {
  const db = new Database(join(directory, "data", MANIFEST_FILENAME), { readonly: true });
  try {
    return db.prepare<[], Row>(sql).all();
  } finally {
    db.close();
  }
}
