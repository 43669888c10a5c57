// ROIs over time, kept in memory and brought up to date with what is new. Reading one of 26,000 frames takes a tenth of a
// second; adding the last frame takes a thousandth.
import type { SensorgramSource } from "../delivery/sensorgrams.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { Sensorgram, SensorgramQuery } from "../manifest/results.ts";
import { lowerBound } from "../manifest/timestamps.ts";

/** About 60 MB at 26,000 frames. */
const MOST_CURVES = 64;

interface Kept {
  curve: Sensorgram;
  /** The last outcome it knows. */
  outcome: number;
}

export class CurveCache implements SensorgramSource {
  readonly #manifest: Manifest;
  readonly #kept = new Map<string, Kept>();
  #archive = 0;

  constructor(manifest: Manifest) {
    this.#manifest = manifest;
  }

  roiManifest(roiManifestId: number) {
    return this.#manifest.roiManifest(roiManifestId);
  }

  /** One ROI over all frames, as the manifest has it now. */
  sensorgram({ analysisId, roi }: SensorgramQuery): Sensorgram {
    const archive = this.#manifest.lastArchive();
    if (archive !== this.#archive) this.#kept.clear();
    this.#archive = archive;
    const key = `${analysisId}/${roi}`;
    const outcome = this.#manifest.lastOutcomeId();
    const kept = this.#kept.get(key);
    const curve =
      kept === undefined ? this.#manifest.sensorgram({ analysisId, roi }) : this.#upToDate(kept, analysisId, roi);
    this.#kept.delete(key);
    this.#kept.set(key, { curve, outcome });
    const oldest = this.#kept.size > MOST_CURVES ? this.#kept.keys().next().value : undefined;
    if (oldest !== undefined) this.#kept.delete(oldest);
    return curve;
  }

  /** Frames may be measured out of order: everything from the earliest new one on is read again. */
  #upToDate({ curve, outcome }: Kept, analysisId: number, roi: number): Sensorgram {
    let fromUs = Number.POSITIVE_INFINITY;
    for (const { capturedAtUs } of this.#manifest.curves(analysisId, outcome)) fromUs = Math.min(fromUs, capturedAtUs);
    if (fromUs === Number.POSITIVE_INFINITY) return curve;
    const known = lowerBound(curve.capturedAtUs, fromUs);
    const fresh = this.#manifest.sensorgram({ analysisId, roi, fromUs });
    return {
      entryId: joined(curve.entryId, known, fresh.entryId, Float64Array),
      capturedAtUs: joined(curve.capturedAtUs, known, fresh.capturedAtUs, Float64Array),
      position: joined(curve.position, known, fresh.position, Float64Array),
      standardError: joined(curve.standardError, known, fresh.standardError, Float64Array),
      quality: joined(curve.quality, known, fresh.quality, Float64Array),
      flags: joined(curve.flags, known, fresh.flags, Uint8Array),
    };
  }
}

function joined<T extends Float64Array | Uint8Array>(
  known: T,
  count: number,
  fresh: T,
  Numbers: new (length: number) => T,
): T {
  const all = new Numbers(count + fresh.length);
  all.set(known.subarray(0, count));
  all.set(fresh, count);
  return all;
}
