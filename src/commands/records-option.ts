// The option --records: lets a command show the records of `phorest analyse` instead of an experiment.

import { existsSync } from "node:fs";
import { roiManifestPath } from "../config/config.ts";
import type { Config } from "../config/schema.ts";
import { findingLine } from "../manifest/import-findings.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { openRecords } from "../manifest/records.ts";
import { type RoiManifest, readRoiManifest } from "../measurement/roi.ts";
import { openStored } from "./stored-experiment.ts";

/** The option `--records`. */
export const RECORDS_OPTION = {
  type: "string",
  requiresArg: true,
  describe: "Read the records of `phorest analyse` in this file instead of the experiment",
} as const;

/** The option `--rois`. */
export const RECORDS_ROIS_OPTION = {
  type: "string",
  requiresArg: true,
  implies: "records",
  describe: "ROI manifest that the records were measured with (default: as configured)",
} as const;

/** What a command reads: the experiment, or a file of records. */
export interface Shown {
  readonly manifest: Manifest;
  /** Includes the path of the database that is read. */
  readonly config: Config;
  close(): void;
}

/**
 * Opens the records in a file or, without one, the experiment. `rois`: the ROI manifest of the records, otherwise the configured
 * one if they were measured with it. Reports records that cannot be used. Throws Failure `usage.invalid` if there is nothing to
 * show.
 */
export async function openShown(config: Config, records: string | undefined, rois?: string): Promise<Shown> {
  if (records === undefined) {
    const manifest = openStored(config);
    return { manifest, config, close: () => manifest.close() };
  }
  const { manifest, findings, close } = await openRecords(records, await roiManifestOf(config, rois));
  for (const finding of findings) process.stderr.write(`${records}: ${findingLine(finding)}\n`);
  return { manifest, config: { ...config, Paths: { ...config.Paths, data_dir: manifest.directory } }, close };
}

async function roiManifestOf(config: Config, rois: string | undefined): Promise<RoiManifest | undefined> {
  if (rois !== undefined) return await readRoiManifest(rois);
  const configured = roiManifestPath(config);
  return existsSync(configured) ? await readRoiManifest(configured) : undefined;
}
