// ROI input as it must never come: manifests damaged as text, and numbers that contradict each other.
import { measure } from "../../src/analysis/kernel.ts";
import { analysePicture } from "../../src/analysis/resonance.ts";
import type { AnalysisSettings } from "../../src/analysis/settings.ts";
import { emptyReference, trackPicture } from "../../src/analysis/tracking.ts";
import { Failure } from "../../src/failure/failure.ts";
import { METHODS, SAMPLINGS } from "../../src/measurement/method.ts";
import { formatRoiManifest, parseRoiManifest, type RoiManifest } from "../../src/measurement/roi.ts";
import { grayPicture } from "../image/picture-writers.ts";
import { damage } from "./pictures.ts";

type Random = () => number;

const WIDTH = 90;
const HEIGHT = 60;
const PICTURE = { ...grayPicture(WIDTH, HEIGHT, 8, 3), bitDepth: 8 } as const;
const MANIFEST = formatRoiManifest({
  imageAngle: -0.4,
  rois: [
    { label: "A", flip: true, y: 4, x: 5, height: 12, width: 61 },
    { label: "B", flip: false, y: 30, x: 8, height: 9, width: 40 },
  ],
});
const ODD = [Number.NaN, Number.POSITIVE_INFINITY, -1, 0, 0.5, 1, 2, 7.25, 65536, -2e5, 2.1e5, 1e300];

const pick = <Value>(values: readonly Value[], random: Random) => values[Math.floor(random() * values.length)] as Value;

/** Words of a manifest in which numbers were replaced by odd ones, or bytes damaged. */
function damagedManifest(random: Random): string {
  if (random() < 0.5) return Buffer.from(damage(Buffer.from(MANIFEST), random)).toString("utf8");
  return MANIFEST.replaceAll(/-?\d+(\.\d+)?/g, (number) => (random() < 0.8 ? number : String(pick(ODD, random))));
}

/** Reads and measures one damaged manifest; throws what the product must never throw. */
export function tryManifest(random: Random): void {
  const method = pick(METHODS, random);
  const sampling = pick(SAMPLINGS, random);
  const subRois = random() < 0.5 ? 0 : Math.ceil(random() * 20);
  try {
    const manifest = parseRoiManifest(damagedManifest(random), "fuzzed");
    const settings = { method, sampling, subRois, bitDepthScaling: "stretch", debug: false } as const;
    const result = method === "tracking" ? track(manifest, settings) : analysePicture(PICTURE, manifest, settings);
    if (result.position.length !== manifest.rois.length) throw new Error("an ROI has no result");
  } catch (error) {
    if (!(error instanceof Failure) || !error.code.startsWith("rois.")) throw error;
  }
}

/** Begins a reference with the picture, and measures the picture against it. */
function track(manifest: RoiManifest, settings: AnalysisSettings) {
  const empty = emptyReference(manifest);
  return trackPicture(PICTURE, manifest, settings, trackPicture(PICTURE, manifest, settings, empty).reference ?? empty)
    .result;
}

/** Hands the kernel numbers that nobody checked; it must answer, or refuse with a TypeError or RangeError. */
export function tryNumbers(random: Random): void {
  const numbers = Float64Array.from({ length: 5 * Math.floor(random() * 4) + (random() < 0.05 ? 1 : 0) }, (_, at) => {
    if (random() < 0.1) return pick(ODD, random);
    return at % 5 === 4 ? Math.floor(random() * 2) : Math.ceil(random() * 100);
  });
  try {
    const answer = measure({
      pixels: PICTURE.pixels,
      width: random() < 0.05 ? pick(ODD, random) : WIDTH,
      height: HEIGHT,
      angleDegrees: random() < 0.1 ? pick(ODD, random) : random() * 2 - 1,
      rois: numbers,
      method: pick(METHODS, random),
      subRois: random() < 0.1 ? pick(ODD, random) : Math.floor(random() * 5),
      sampling: pick(SAMPLINGS, random),
      bitDepthScaling: "fixed",
    });
    if (answer.rowStart.length !== numbers.length / 5 + 1) throw new Error("an ROI has no rows");
  } catch (error) {
    if (!(error instanceof TypeError) && !(error instanceof RangeError)) throw error;
  }
}
