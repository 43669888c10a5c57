// The ROI manifest of an established experiment: where its services kept one, or the scientists put it.
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
 * The first ROI manifest in `root` that can be used; undefined where there is none. An unusable one is no reason to leave the
 * frames behind: it becomes a finding, and so does one that differs from the first.
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
