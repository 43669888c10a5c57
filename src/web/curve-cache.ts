// Caches the curves of ROIs in memory and adds only new points. Reading a curve of 26,000 frames takes a tenth of a second;
// adding the last frame takes a thousandth.

import type { SensorgramSource } from "../assay/curve-units.ts";
import type { CurveManifest } from "../assay/joined.ts";
import type { Sensorgram, SensorgramQuery } from "../manifest/results.ts";
import { lowerBound } from "../manifest/timestamps.ts";
import type { TimeWindow } from "../measurement/time-window.ts";

/** Maximum number of cached points, about 130 MB: both halves of 64 gratings over 26,000 frames. */
const MOST_POINTS = 3_400_000;
/** Maximum number of cached ROIs, however short their curves are. */
const MOST_CURVES = 1024;

/**
 * Number of extra points before the requested tail of a curve: they give the start of its line, and the usual distance of its
 * points.
 */
const LEAD_POINTS = 512;

interface Kept {
  curve: Sensorgram;
  /** The last outcome that it includes. */
  outcome: number;
}

export class CurveCache implements SensorgramSource {
  readonly results: SensorgramSource["results"] = { sensorgram: (query) => this.#sensorgram(query) };
  readonly analyses: SensorgramSource["analyses"];
  readonly #manifest: CurveManifest;
  readonly #kept = new Map<string, Kept>();
  #archive = 0;

  constructor(manifest: CurveManifest) {
    this.#manifest = manifest;
    this.analyses = manifest.analyses;
  }

  /**
   * Returns, for each ROI, only the baseline and the points from `tailUs` on, with some points before. The end of a drawing
   * depends on nothing else, and this is a hundredth of the points.
   */
  ends(baseline: TimeWindow, tailUs: number): SensorgramSource {
    return {
      analyses: this.analyses,
      results: { sensorgram: (query) => endsOf(this.#sensorgram(query), baseline, tailUs) },
    };
  }

  /** Returns one ROI over all frames, as the manifest has it now. */
  #sensorgram({ analysisId, roi }: SensorgramQuery): Sensorgram {
    const archive = this.#manifest.archives.last();
    if (archive !== this.#archive) this.#kept.clear();
    this.#archive = archive;
    const key = `${analysisId}/${roi}`;
    const outcome = this.#manifest.curves.lastOutcome(analysisId);
    const kept = this.#kept.get(key);
    const curve =
      kept === undefined
        ? this.#manifest.results.sensorgram({ analysisId, roi })
        : this.#upToDate(kept, analysisId, roi);
    this.#kept.delete(key);
    this.#kept.set(key, { curve, outcome });
    const most = Math.max(2, Math.min(MOST_CURVES, Math.floor(MOST_POINTS / Math.max(1, curve.entryId.length))));
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= most) break;
      this.#kept.delete(oldest);
    }
    return curve;
  }

  /** Frames may be measured out of order, so everything from the earliest new frame on is read again. */
  #upToDate({ curve, outcome }: Kept, analysisId: number, roi: number): Sensorgram {
    let fromUs = Number.POSITIVE_INFINITY;
    for (const { capturedAtUs } of this.#manifest.curves.after(analysisId, outcome))
      fromUs = Math.min(fromUs, capturedAtUs);
    if (fromUs === Number.POSITIVE_INFINITY) return curve;
    const known = lowerBound(curve.capturedAtUs, fromUs);
    return spliced(curve, 0, known, this.#manifest.results.sensorgram({ analysisId, roi, fromUs }), 0);
  }
}

function endsOf(curve: Sensorgram, { fromUs, toUs }: TimeWindow, tailUs: number): Sensorgram {
  const { capturedAtUs } = curve;
  const lead = Math.max(0, lowerBound(capturedAtUs, tailUs) - LEAD_POINTS);
  return spliced(curve, lowerBound(capturedAtUs, fromUs), Math.min(lead, lowerBound(capturedAtUs, toUs)), curve, lead);
}

/** Joins the points of one curve from index `from` up to `to` with those of another curve from index `on`. */
function spliced(one: Sensorgram, from: number, to: number, other: Sensorgram, on: number): Sensorgram {
  const numbers = (head: Float64Array, rest: Float64Array) => {
    const parts = [head.subarray(from, Math.max(from, to)), rest.subarray(on)] as const;
    const all = new Float64Array(parts[0].length + parts[1].length);
    all.set(parts[0]);
    all.set(parts[1], parts[0].length);
    return all;
  };
  const entryId = numbers(one.entryId, other.entryId);
  const flags = new Uint8Array(entryId.length);
  flags.set(one.flags.subarray(from, Math.max(from, to)));
  flags.set(other.flags.subarray(on), Math.max(0, to - from));
  return {
    entryId,
    capturedAtUs: numbers(one.capturedAtUs, other.capturedAtUs),
    position: numbers(one.position, other.position),
    standardError: numbers(one.standardError, other.standardError),
    quality: numbers(one.quality, other.quality),
    flags,
  };
}
