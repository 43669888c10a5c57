// What is shown as a CSV: every frame of the window, not only those that are drawn.
import { lowerBound } from "../manifest/timestamps.ts";
import { CurveLines } from "../outputs/csv/file/curve-lines.ts";
import { type CurvesQuery, MOST_CURVES } from "./curves.ts";
import type { Experiment } from "./experiment.ts";

/** Part by part: the curves in the order of the chip, then the groups that were asked for. */
export async function* curvesCsv(experiment: Experiment, query: CurvesQuery): AsyncGenerator<string> {
  const { temperatures } = experiment;
  const lines = new CurveLines({ markers: experiment.events(), frames: experiment.frameFacts(), temperatures });
  yield await lines.header();
  const range = (timesUs: Float64Array): [number, number] => [
    query.fromUs === undefined ? 0 : lowerBound(timesUs, query.fromUs),
    query.toUs === undefined ? timesUs.length : lowerBound(timesUs, query.toUs),
  ];
  let curves = 0;
  for (const curve of experiment.sensorgrams(query).curves()) {
    if (++curves > MOST_CURVES) break;
    yield await lines.of(curve, ...range(curve.timesUs));
  }
  for (const group of experiment.groupCurves(query)) yield await lines.of(group, ...range(group.timesUs));
}
