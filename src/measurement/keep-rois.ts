// Selects the ROIs of a manifest whose labels match one of several patterns.
import { Failure } from "../failure/failure.ts";
import { quoted } from "../failure/quote.ts";
import { labelMatcher } from "./labels.ts";
import { formatRoiManifest, parseRoiManifest, type Roi, type RoiManifest } from "./roi.ts";
import { refuseUnknownNames } from "./roi-names.ts";

/** Returns the patterns in a comma-separated list. Failure `usage.invalid` if one is empty; `option` names it. */
export function labelPatterns(option: string, text: string): string[] {
  const patterns = text.split(",").map((pattern) => pattern.trim());
  if (!patterns.includes("")) return patterns;
  throw new Failure("usage.invalid", `${option} needs labels of ROIs, not ${quoted(text)}`, {
    hint: `for example ${option} '01*,05*'`,
  });
}

/**
 * Returns the manifest with only the ROIs whose label matches one of the patterns (`*` for any characters, `?` for one; case is
 * ignored), in their order. Without patterns, returns all of it. Failure `usage.invalid` for a pattern that matches nothing; it
 * names the nearest label.
 */
export function keepRois(manifest: RoiManifest, patterns: readonly string[], option: string): RoiManifest {
  if (patterns.length === 0) return manifest;
  const labels = manifest.rois.map(({ label }) => label);
  refuseUnknownNames(patterns, labels, { where: option });
  const isKept = labelMatcher(patterns);
  const rois = manifest.rois.filter(({ label }) => isKept(label));
  if (rois.length === manifest.rois.length) return manifest;
  return parseRoiManifest(formatRoiManifest({ ...manifest, rois }), option, { kept: true });
}

/** Whether two manifests come from the same calibration: they have ROIs in common, all in the same places. */
export function isSameCalibration(a: RoiManifest, b: RoiManifest): boolean {
  const places = new Map(a.rois.map((roi) => [roi.label, placeOf(roi)]));
  const common = b.rois.filter(({ label }) => places.has(label));
  return (
    a.imageAngle === b.imageAngle && common.length > 0 && common.every((roi) => places.get(roi.label) === placeOf(roi))
  );
}

const placeOf = ({ flip, y, x, height, width }: Roi): string => JSON.stringify([flip, y, x, height, width]);
