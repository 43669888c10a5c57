// The values of the curves at the cursor, or the last values, with noise, drift and limit of detection.
import { counted } from "../../system/counted.ts";
import type { CurvesView, CurveView } from "../views.ts";
import { curveColour, curveDash, temperatureColour } from "./colours.ts";
import { number, withError } from "./format.ts";
import { LineKey } from "./legend.tsx";
import { moment } from "./time.ts";

export function Readout({
  view,
  pointed,
  unit,
  quantity = "shift",
  highlighted,
}: {
  /** With values in `unit`. */
  view: CurvesView;
  pointed: { at: number | undefined; values: readonly (number | null | undefined)[] };
  unit: string;
  /** What the values are, as on the y-axis. */
  quantity?: string;
  highlighted?: string | undefined;
}) {
  const digits = unit === "RIU" ? 7 : 4;
  const given = (value: number | null | undefined, error: number | null | undefined) =>
    value === null || value === undefined ? number(value) : withError(value, error, digits);
  const shown = (curve: CurveView, at: number) => {
    if (pointed.at !== undefined) return given(pointed.values[at], errorAt(curve, pointed.at));
    const last = curve.values.findLastIndex((one) => one !== null);
    return given(curve.values[last], curve.errors[last]);
  };
  return (
    <section class="card">
      <h2>{pointed.at === undefined ? "Last values" : `At ${moment(pointed.at)}`}</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Curve values">
        <table class="stack">
          <thead>
            <tr>
              <th>curve</th>
              <th class="n">
                {quantity}, {unit}
              </th>
              <th class="n">noise, {unit}</th>
              <th class="n">drift, {unit}/h</th>
              <th class="n">LOD (3σ), {unit}</th>
            </tr>
          </thead>
          <tbody>
            {view.curves.map((curve, at) => (
              <tr key={curve.label} class={curve.label === highlighted ? "near" : ""}>
                <td class="name">
                  <span class="key">
                    <LineKey colour={curveColour(at)} dash={curveDash(at)} />
                    {curve.label}
                    {curve.reference && " (reference)"}
                    {curve.members !== undefined && ` (${counted(curve.members, "ROI")})`}
                  </span>
                </td>
                <td class="n" data-head={`${quantity}, ${unit}`}>
                  {shown(curve, at)}
                </td>
                <td class="n" data-head={`noise, ${unit}`}>
                  {given(curve.noise, curve.noiseError)}
                </td>
                <td class="n" data-head={`drift, ${unit}/h`}>
                  {given(curve.driftPerHour, curve.driftError)}
                </td>
                <td class="n" data-head={`LOD (3σ), ${unit}`}>
                  {given(curve.detectionLimit, curve.detectionLimitError)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {view.baselineWords.map((words) => (
        <p key={words} class="quiet" role="note">
          {words}
        </p>
      ))}
      {view.temperatures.length > 0 && (
        <p class="bar">
          {view.temperatures.map((one, at) => (
            <span class="key" key={one.sensor}>
              <LineKey colour={temperatureColour(at)} dash={[]} />
              {one.sensor} {number(readingAt(one, pointed.at), 2)} °C
            </span>
          ))}
        </p>
      )}
    </section>
  );
}

/** Returns the standard error of a curve at a time, ms, or of the last value before. */
function errorAt({ times, values, errors }: CurveView, at = Number.POSITIVE_INFINITY): number | null | undefined {
  // The common axis is in seconds, so times are compared with a tolerance.
  const place = values.findLastIndex((value, i) => value !== null && (times[i] as number) <= at + 0.5);
  return errors[place];
}

/** Returns the last reading, or the last one until a time, ms. */
function readingAt({ times, values }: CurvesView["temperatures"][number], at: number | undefined) {
  return values.findLast((value, place) => value !== null && (at === undefined || (times[place] as number) <= at));
}
