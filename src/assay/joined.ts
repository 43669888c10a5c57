// Joins several analyses that continue each other into one curve. A run continues with another ROI manifest after the chip was
// found again, or with another version of phorest. Code that reads curves through this module sees all frames as one analysis.
import type { Analyses, Analysis } from "../manifest/analyses.ts";
import type { Curve } from "../manifest/frame-curve.ts";
import type { FramePositions } from "../manifest/frame-positions.ts";
import type { Manifest, ManifestPart } from "../manifest/manifest.ts";
import type { Sensorgram, SensorgramQuery } from "../manifest/results.ts";

type Reading = ManifestPart<{
  curves: "after" | "within" | "countWithin" | "latest" | "lastOutcome";
  results: "sensorgram" | "framePositions" | "simulatedFrames" | "guessedFrames";
}>;

/** A manifest whose curves may be replaced. */
export type CurveManifest = Omit<Manifest, "curves" | "results"> & Reading;

/** An analysis of a chain, and the indices of the last analysis' ROIs in it; undefined: the same indices. */
interface Part {
  readonly analysisId: number;
  /** Index by ROI of the last analysis; -1: not measured. */
  readonly places: readonly number[] | undefined;
  readonly rois: number;
}

/**
 * Returns the analyses that `analysis` continues, with itself last: same method and settings, same gratings, any ROI manifest
 * and version of phorest. Returns only itself if it cannot be joined: a repeated measurement already contains all frames, and
 * each analysis with tracking has its own reference.
 */
export function chainOf(analyses: Pick<Analyses, "measured">, analysis: Analysis): Analysis[] {
  const { analysisId, method, settings, remeasuredAtUs, labels } = analysis;
  if (remeasuredAtUs !== undefined || method === "tracking") return [analysis];
  const known = new Set(labels);
  const others = analyses
    .measured()
    .filter(
      (one) =>
        one.analysisId !== analysisId &&
        one.remeasuredAtUs === undefined &&
        one.method === method &&
        one.settings === settings &&
        one.labels.some((label) => known.has(label)),
    );
  return [...others, analysis];
}

/** Returns a manifest in which the last analysis of `chain` contains the frames of all, for the ROIs of the last. */
export function joined(manifest: CurveManifest, chain: readonly Analysis[]): CurveManifest {
  const last = chain.at(-1);
  if (last === undefined || chain.length < 2) return manifest;
  const parts = chain.map((analysis) => partOf(analysis, last.labels));
  const partsOf = (analysisId: number) =>
    analysisId === last.analysisId ? parts : [{ analysisId, places: undefined, rois: 0 }];
  const { curves, results } = manifest;
  const idsOf = (ids: readonly number[]) => ids.flatMap((id) => partsOf(id).map((part) => part.analysisId));
  return {
    ...manifest,
    curves: {
      after: (id, outcome) =>
        merged(
          partsOf(id).map((part) => placed(curves.after(part.analysisId, outcome), part)),
          ({ outcomeId }) => outcomeId,
        ),
      within: (id, fromUs, toUs) =>
        merged(
          partsOf(id).map((part) => placed(curves.within(part.analysisId, fromUs, toUs), part)),
          ({ capturedAtUs }) => capturedAtUs,
        ),
      countWithin: (id, fromUs, toUs) =>
        partsOf(id).reduce((sum, part) => sum + curves.countWithin(part.analysisId, fromUs, toUs), 0),
      latest: (id, limit) =>
        partsOf(id)
          .flatMap((part) => [...placed(curves.latest(part.analysisId, limit), part)])
          .sort((a, b) => a.outcomeId - b.outcomeId)
          .slice(-limit),
      lastOutcome: (id) => Math.max(...partsOf(id).map((part) => curves.lastOutcome(part.analysisId))),
    },
    results: {
      sensorgram: (query) => joinedSensorgram(results, query, partsOf(query.analysisId)),
      framePositions: (id, entries, rois) =>
        new Map(
          partsOf(id).flatMap((part) => {
            const found = results.framePositions(
              part.analysisId,
              entries,
              part.places === undefined ? rois : part.rois,
            );
            return [...found].map(([entry, frame]) => [entry, placedFrame(frame, part)] as const);
          }),
        ),
      simulatedFrames: (...ids) => results.simulatedFrames(...idsOf(ids)),
      guessedFrames: (...ids) => results.guessedFrames(...idsOf(ids)),
    },
  };
}

function partOf({ analysisId, labels }: Analysis, wanted: readonly string[]): Part {
  const places = wanted.map((label) => labels.indexOf(label));
  const isSame = labels.length === wanted.length && places.every((place, roi) => place === roi);
  return { analysisId, places: isSame ? undefined : places, rois: labels.length };
}

function* placed(frames: Iterable<Curve>, { places }: Part): Generator<Curve> {
  for (const frame of frames) {
    if (places === undefined) yield frame;
    else {
      const position = Float32Array.from(places, (place) => frame.position[place] ?? Number.NaN);
      yield { ...frame, position, flags: Uint8Array.from(places, (place) => frame.flags[place] ?? 0) };
    }
  }
}

function placedFrame(frame: FramePositions, { places }: Part): FramePositions {
  if (places === undefined) return frame;
  const of = (values: Float64Array) => Float64Array.from(places, (place) => values[place] ?? Number.NaN);
  return { position: of(frame.position), standardError: of(frame.standardError) };
}

/** Merges several ordered series. */
function* merged<T>(series: readonly Iterator<T>[], order: (item: T) => number): Generator<T> {
  const heads = series.map((items) => ({ items, next: items.next() }));
  for (;;) {
    const first = heads.reduce<(typeof heads)[number] | undefined>((least, head) => {
      if (head.next.done === true) return least;
      return least?.next.done === false && order(least.next.value) <= order(head.next.value) ? least : head;
    }, undefined);
    if (first === undefined || first.next.done === true) return;
    yield first.next.value;
    first.next = first.items.next();
  }
}

function joinedSensorgram(results: Reading["results"], query: SensorgramQuery, parts: readonly Part[]): Sensorgram {
  const pieces = parts.flatMap(({ analysisId, places }) => {
    const roi = places === undefined ? query.roi : (places[query.roi] ?? -1);
    return roi < 0 ? [] : [results.sensorgram({ ...query, analysisId, roi })];
  });
  const [only] = pieces;
  if (pieces.length === 1 && only !== undefined) return only;
  const all = pieces.flatMap((piece) => Array.from(piece.entryId, (_id, at) => ({ piece, at })));
  const timeOf = ({ piece, at }: (typeof all)[number]) => piece.capturedAtUs[at] as number;
  const order = all.sort((a, b) => timeOf(a) - timeOf(b));
  const numbers = (of: (piece: Sensorgram) => Float64Array) =>
    Float64Array.from(order, ({ piece, at }) => of(piece)[at] as number);
  return {
    entryId: numbers(({ entryId }) => entryId),
    capturedAtUs: numbers(({ capturedAtUs }) => capturedAtUs),
    position: numbers(({ position }) => position),
    standardError: numbers(({ standardError }) => standardError),
    quality: numbers(({ quality }) => quality),
    flags: Uint8Array.from(order, ({ piece, at }) => piece.flags[at] as number),
  };
}
