// Finds the ROI manifest of an established experiment: where its services kept one, or where users put it.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../failure/failure.ts";
import { type RoiManifest, readRoiManifestNow } from "../measurement/roi.ts";
import type { Findings } from "./import-findings.ts";

const NAME = "ROI_manifest.json";
const PLACES = ["", "data", "generated_files", "../generated_files", "configs"] as const;

export interface EstablishedRois {
  readonly file: string;
  readonly manifest: RoiManifest;
}

/**
 * Returns the first ROI manifest in `root` that can be used; undefined if there is none. An unusable one, or one that differs
 * from the first, becomes a finding; the frames are imported in any case.
 */
export function establishedRois(root: string, findings: Findings): EstablishedRois | undefined {
  const usable = PLACES.map((place) => join(root, place, NAME)).flatMap((file): EstablishedRois[] => {
    if (!existsSync(file)) return [];
    try {
      return [{ file, manifest: readRoiManifestNow(file) }];
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      findings.add("ROI manifests not usable, left out", error.message);
      return [];
    }
  });
  const [first, ...others] = usable;
  for (const { file, manifest } of others) {
    if (manifest.sha256 === first?.manifest.sha256) continue;
    findings.add(`ROI manifests that differ from ${first?.file}, left out`, file);
  }
  return first;
}
