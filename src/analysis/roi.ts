// The ROI manifest: where on the (rotated) picture each resonance is measured. Read strictly, written in the
// established form, because scientists' notebooks read the same file.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Failure } from "../failure.ts";

/** One rectangle to measure: px in the picture after rotation by `-imageAngle`; y, x are its top-left corner. */
export interface Roi {
  readonly label: string;
  /** Reverse each row, so that index 0 is at the middle of the bow-tie. */
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
  /** Hash of what the manifest says: the same for two spellings of the same angle and ROIs. */
  readonly sha256: string;
  /** The text as read. */
  readonly json: string;
}

const HINT_CALIBRATE = "make the file anew by calibration, or mend the entry";

/** Reads an ROI manifest file. Throws Failure `rois.missing` or `rois.invalid`. */
export async function readRoiManifest(path: string): Promise<RoiManifest> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "EISDIR")) {
      throw new Failure("rois.missing", `${path}: no ROI manifest there`, {
        hint: "make one by calibration and put it there, or name another in Paths.roi_manifest_filename",
        cause: error,
      });
    }
    throw error;
  }
  return parseRoiManifest(text, path);
}

/** The ROI manifest in `text`; `where` names its origin in errors. Throws Failure `rois.invalid` naming ROI and field. */
export function parseRoiManifest(text: string, where: string): RoiManifest {
  const plain = text.replace(/^\uFEFF/, "");
  const content = parseObject(plain, where);
  const imageAngle = content.image_angle;
  if (typeof imageAngle !== "number" || !(Math.abs(imageAngle) <= 360)) {
    throw invalid(
      where,
      `image_angle: expected degrees as a number, -360 to 360, got ${shown(imageAngle)}`,
      HINT_CALIBRATE,
    );
  }
  refuseRepeatedKeys(plain, where);
  const rois = Object.entries(content)
    .filter(([key]) => key.includes("ROI"))
    .map(([key, value]) => parseRoi(key, value, where));
  if (rois.length === 0) throw invalid(where, 'no ROI in it (no key holds "ROI")', HINT_CALIBRATE);
  const seen = new Set<string>();
  for (const { label } of rois) {
    if (seen.has(label)) throw invalid(where, `label "${label}" is used by two ROIs`, "give each ROI its own label");
    seen.add(label);
  }
  return { imageAngle, rois, sha256: hashOf(imageAngle, rois), json: text };
}

/** The text of an ROI manifest in the established form: one key `ROI_<label>` per ROI, then `image_angle`. */
export function formatRoiManifest(manifest: Pick<RoiManifest, "imageAngle" | "rois">): string {
  const entries = manifest.rois.map(({ label, flip, y, x, height, width }): [string, unknown] => [
    `ROI_${label}`,
    { label, flip, coords: [y, x], size: [height, width] },
  ]);
  return JSON.stringify(Object.fromEntries([...entries, ["image_angle", manifest.imageAngle]]), null, 1);
}

function parseObject(text: string, where: string): Record<string, unknown> {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Failure("rois.invalid", `${where}: not JSON: ${reason}`, {
      hint: "is this the ROI manifest?",
      cause: error,
    });
  }
  if (!isRecord(content)) throw invalid(where, "expected one JSON object", "is this the ROI manifest?");
  return content;
}

function parseRoi(key: string, value: unknown, where: string): Roi {
  if (!isRecord(value)) throw invalid(where, `${key}: expected an object, got ${shown(value)}`, HINT_CALIBRATE);
  const { label, flip, coords, size } = value;
  if (typeof label !== "string" || label === "") {
    throw invalid(where, `${key}.label: expected a name, got ${shown(label)}`, HINT_CALIBRATE);
  }
  if (typeof flip !== "boolean") {
    throw invalid(where, `${key}.flip: expected true or false, got ${shown(flip)}`, HINT_CALIBRATE);
  }
  if (!isPixelPair(coords)) {
    throw invalid(where, `${key}.coords: expected [y, x] in whole pixels, got ${shown(coords)}`, HINT_CALIBRATE);
  }
  if (!isPixelPair(size) || size[0] < 1 || size[1] < 1) {
    throw invalid(
      where,
      `${key}.size: expected [height, width] of at least 1 pixel each, got ${shown(size)}`,
      HINT_CALIBRATE,
    );
  }
  return { label, flip, y: coords[0], x: coords[1], height: size[0], width: size[1] };
}

/** JSON.parse keeps the last of two equal keys without a word, and one ROI would be gone. */
function refuseRepeatedKeys(text: string, where: string): void {
  const seen = new Set<string>();
  for (const [, key = ""] of text.matchAll(/"((?:[^"\\]|\\.)*)"\s*:\s*\{/g)) {
    if (seen.has(key)) throw invalid(where, `"${key}" is there twice`, "give each ROI its own key and label");
    seen.add(key);
  }
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

function shown(value: unknown): string {
  return value === undefined ? "nothing" : (JSON.stringify(value)?.slice(0, 60) ?? String(value));
}

function invalid(where: string, what: string, hint: string): Failure {
  return new Failure("rois.invalid", `${where}: ${what}`, { hint });
}
