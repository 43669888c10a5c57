// Writes the shown curves as CSV: every frame of the window, not only the drawn points.
import { withChangeMarks } from "../assay/analysis-changes.ts";
import { lowerBound } from "../manifest/timestamps.ts";
import { CurveLines } from "../outputs/csv/file/curve-lines.ts";
import { type CurvesQuery, MOST_CURVES } from "./curves.ts";
import type { Experiment } from "./experiment.ts";
import type { ShownAnalysis } from "./shown-analyses.ts";

/** Yields the file in parts: the curves in the order of the chip, then the requested groups. */
export async function* curvesCsv(
  experiment: Pick<Experiment, "events">,
  { analysis, curves: source, about }: ShownAnalysis,
  query: CurvesQuery,
): AsyncGenerator<string> {
  const changes = about.joined ? about.changes.map(({ at, text }) => ({ atUs: at * 1000, text })) : [];
  const lines = new CurveLines({
    markers: withChangeMarks(experiment.events(), changes),
    frames: source.frameFacts(analysis),
    temperatures: source.temperatures,
  });
  yield await lines.header();
  const range = (timesUs: Float64Array): [number, number] => [
    query.fromUs === undefined ? 0 : lowerBound(timesUs, query.fromUs),
    query.toUs === undefined ? timesUs.length : lowerBound(timesUs, query.toUs),
  ];
  let curves = 0;
  const { window } = source.baseline(analysis);
  for (const curve of source.sensorgrams(analysis, query, window, query.wanted).curves()) {
    if (++curves > MOST_CURVES) break;
    yield await lines.of(curve, ...range(curve.timesUs));
  }
  for (const group of source.groupCurves(analysis, query)) yield await lines.of(group, ...range(group.timesUs));
}
