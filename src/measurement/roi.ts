// Reads and writes the ROI manifest: where in the (rotated) picture each resonance is measured. It is read strictly and written
// in the established form, because scientists' notebooks read the same file.
import { createHash } from "node:crypto";
import { hasCode } from "../failure/error-code.ts";
import { Failure } from "../failure/failure.ts";
import { excerpt, quoted } from "../failure/quote.ts";
import { type GivenKind, parseGivenJson, readGivenFile } from "../system/given-file.ts";
import { refuseOtherKind } from "./known-file.ts";
import { keptLabelProblem, labelProblem } from "./label-rules.ts";

/** One rectangle to measure: px in the picture after rotation by `-imageAngle`; y, x are its top-left corner. */
export interface Roi {
  readonly label: string;
  /** Whether each row is reversed, so that index 0 is at the middle of the bow-tie. */
  readonly flip: boolean;
  readonly y: number;
  readonly x: number;
  readonly height: number;
  readonly width: number;
}

export interface RoiManifest {
  /** Rotation of the chip in the picture, degrees. */
  readonly imageAngle: number;
  readonly rois: readonly Roi[];
  /** Hash of the content: two spellings of the same angle and ROIs have the same hash. */
  readonly sha256: string;
  /** The text as read. */
  readonly json: string;
}

const HINT_CALIBRATE = "calibrate again, or fix the entry";
/** Limits on file size: a chip with a thousand gratings takes 300 kB. */
const KIND: GivenKind = {
  what: "an ROI manifest",
  code: "rois.invalid",
  mostBytes: 16e6,
  hint: "check that this is the ROI manifest; calibration creates it",
};
/** Maximum number of ROIs, more than any chip has. */
const MOST_ROIS = 20_000;
/** Limit for coordinates, farther than the border of any picture, px. */
const FARTHEST_PX = 1_000_000;
/** Maximum side of an ROI, px, and maximum number of pixels in it. */
const LARGEST_SIDE_PX = 65_535;
const MOST_PIXELS = 100e6;
/** Maximum number of rows of all ROIs together. */
const MOST_ROWS = 50e6;

/** Reads an ROI manifest file. Throws Failure `rois.missing` or `rois.invalid`. */
export async function readRoiManifest(path: string): Promise<RoiManifest> {
  return readRoiManifestNow(path);
}

/** Does the same synchronously. */
export function readRoiManifestNow(path: string): RoiManifest {
  refuseOtherKind(path, "rois", KIND.what, KIND.code);
  let text: string;
  try {
    text = readGivenFile(path, KIND).toString("utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT", "EISDIR")) {
      throw new Failure("rois.missing", `${path}: the ROI manifest does not exist`, {
        hint: "create it with `phorest calibrate IMAGE` (`phorest capture` takes one), or set Paths.roi_manifest_filename",
        cause: error,
      });
    }
    throw error;
  }
  return parseRoiManifest(text, path);
}

/**
 * Parses the ROI manifest in `text`; `where` names its origin in errors. Throws Failure `rois.invalid`, which names ROI and
 * field. A `kept` manifest was recorded by this or an earlier version, whose labels stay readable.
 */
export function parseRoiManifest(text: string, where: string, { kept = false } = {}): RoiManifest {
  const checkLabel = kept ? keptLabelProblem : labelProblem;
  const content = parseObject(text, where);
  const imageAngle = content.image_angle;
  if (typeof imageAngle !== "number" || !(Math.abs(imageAngle) <= 360)) {
    throw invalid(
      where,
      `image_angle: expected degrees as a number, -360 to 360, got ${quoted(imageAngle)}`,
      HINT_CALIBRATE,
    );
  }
  const rois = Object.entries(content)
    .filter(([key]) => key.includes("ROI"))
    .map(([key, value]) => parseRoi(key, value, where, checkLabel));
  if (rois.length > MOST_ROIS) throw invalid(where, `${rois.length} ROIs; the limit is ${MOST_ROIS}`, KIND.hint);
  if (rois.length === 0) throw invalid(where, 'no ROI in it (no key contains "ROI")', HINT_CALIBRATE);
  const rows = rois.reduce((sum, { height }) => sum + height, 0);
  if (rows > MOST_ROWS)
    throw invalid(where, `the ROIs have ${rows} rows in total; the limit is ${MOST_ROWS}`, KIND.hint);
  const seen = new Set<string>();
  for (const { label } of rois) {
    if (seen.has(label)) throw invalid(where, `label "${label}" is used by two ROIs`, "give each ROI its own label");
    seen.add(label);
  }
  return { imageAngle, rois, sha256: hashOf(imageAngle, rois), json: text };
}

/** Text of a manifest with labels only; its ROIs are recorded with sizes of 0. */
const LABELS_ONLY = "{}";

/** Makes a manifest of which only the labels are known, for results that another program measured. */
export function labelsOnly(labels: readonly string[]): RoiManifest {
  const rois = labels.map((label) => ({ label, flip: false, y: 0, x: 0, height: 0, width: 0 }));
  const content = JSON.stringify(["labels only", labels]);
  return { imageAngle: 0, rois, sha256: createHash("sha256").update(content).digest("hex"), json: LABELS_ONLY };
}

/** Returns the ROIs in a recorded text; undefined if only their labels are known. Throws Failure `rois.invalid`. */
export function recordedRois(json: string, where: string): readonly Roi[] | undefined {
  return json === LABELS_ONLY ? undefined : parseRoiManifest(json, where, { kept: true }).rois;
}

/** Returns the text of an ROI manifest in the established form: one key `ROI_<label>` per ROI, then `image_angle`. */
export function formatRoiManifest(manifest: Pick<RoiManifest, "imageAngle" | "rois">): string {
  const entries = manifest.rois.map(({ label, flip, y, x, height, width }): [string, unknown] => [
    `ROI_${label}`,
    { label, flip, coords: [y, x], size: [height, width] },
  ]);
  return JSON.stringify(Object.fromEntries([...entries, ["image_angle", manifest.imageAngle]]), null, 1);
}

function parseObject(text: string, where: string): Record<string, unknown> {
  const content = parseGivenJson(text, where, KIND);
  if (!isRecord(content)) throw invalid(where, "expected one JSON object", KIND.hint);
  return content;
}

function parseRoi(key: string, value: unknown, where: string, checkLabel: typeof labelProblem): Roi {
  const wrong = (field: string, what: string) => invalid(where, `${excerpt(key)}${field}: ${what}`, HINT_CALIBRATE);
  if (!isRecord(value)) throw wrong("", `expected an object, got ${quoted(value)}`);
  const { label, flip, coords, size } = value;
  const problem = checkLabel(label);
  if (typeof label !== "string" || problem !== undefined) throw wrong(".label", problem ?? "expected a name");
  if (typeof flip !== "boolean") throw wrong(".flip", `expected true or false, got ${quoted(flip)}`);
  if (!isPixelPair(coords)) throw wrong(".coords", `expected [y, x] in whole pixels, got ${quoted(coords)}`);
  if (coords.some((px) => Math.abs(px) > FARTHEST_PX)) {
    throw wrong(".coords", `${quoted(coords)} px is far outside any image`);
  }
  if (!isPixelPair(size) || size[0] < 1 || size[1] < 1) {
    throw wrong(".size", `expected [height, width] of at least 1 pixel each, got ${quoted(size)}`);
  }
  if (size.some((px) => px > LARGEST_SIDE_PX) || size[0] * size[1] > MOST_PIXELS) {
    throw wrong(".size", `${quoted(size)} px is larger than any image`);
  }
  return { label, flip, y: coords[0], x: coords[1], height: size[0], width: size[1] };
}

function hashOf(imageAngle: number, rois: readonly Roi[]): string {
  const content = [
    imageAngle,
    ...rois.map(({ label, flip, y, x, height, width }) => [label, flip, y, x, height, width]),
  ];
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isPixelPair(value: unknown): value is [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every((part) => Number.isSafeInteger(part));
}

function invalid(where: string, what: string, hint: string): Failure {
  return new Failure("rois.invalid", `${where}: ${what}`, { hint });
}
