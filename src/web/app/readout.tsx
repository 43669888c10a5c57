// The values of the curves at the cursor, or the last values, with noise, drift and limit of detection.
import type { CurvesView, CurveView } from "../views.ts";
import { curveColour, temperatureColour } from "./colours.ts";
import { moment, number } from "./format.ts";

export function Readout({
  view,
  pointed,
  factor,
  unit,
}: {
  view: CurvesView;
  pointed: { at: number | undefined; values: readonly (number | null | undefined)[] };
  /** From px to the unit. */
  factor: number;
  unit: string;
}) {
  const digits = unit === "RIU" ? 7 : 4;
  // The error of the sensitivity contributes in proportion to the shift.
  const relative = unit === "RIU" && view.pxPerRiu !== undefined ? (view.pxPerRiuError ?? 0) / view.pxPerRiu : 0;
  /** Formats a value in px and its standard error in the unit. */
  const given = (px: number | null | undefined, error: number | null | undefined, decimals = digits) => {
    if (px === null || px === undefined) return number(px);
    const value = number(px * factor, decimals);
    if (error === null || error === undefined) return value;
    return `${value} ± ${number(factor * Math.hypot(error, px * relative), decimals)}`;
  };
  const shown = (curve: CurveView, at: number) => {
    // Values under the cursor are already in the unit.
    const px = pointed.at === undefined ? undefined : pointed.values[at];
    if (px !== undefined && px !== null) return given(px / factor, errorAt(curve, pointed.at));
    if (pointed.at !== undefined) return number(px);
    const last = curve.values.findLastIndex((one) => one !== null);
    return given(curve.values[last], curve.errors[last]);
  };
  return (
    <section class="card">
      <h2>{pointed.at === undefined ? "Last values" : `At ${moment(pointed.at)}`}</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Curve values">
        <table>
          <thead>
            <tr>
              <th>curve</th>
              <th class="n">shift, {unit}</th>
              <th class="n">noise, {unit}</th>
              <th class="n">drift, {unit}/h</th>
              <th class="n">LOD (3σ), {unit}</th>
            </tr>
          </thead>
          <tbody>
            {view.curves.map((curve, at) => (
              <tr key={curve.label}>
                <td class="name">
                  <span class="key">
                    <svg viewBox="0 0 10 10" aria-hidden="true">
                      <rect width="10" height="10" fill={curveColour(at)} />
                    </svg>
                    {curve.label}
                    {curve.reference && " (reference)"}
                    {curve.members !== undefined && ` (${curve.members} ROIs)`}
                  </span>
                </td>
                <td class="n">{shown(curve, at)}</td>
                <td class="n">{given(curve.noise, curve.noiseError)}</td>
                <td class="n">{given(curve.driftPerHour, curve.driftError, digits - 2)}</td>
                <td class="n">{given(curve.detectionLimit, curve.detectionLimitError)}</td>
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
              <svg viewBox="0 0 10 10" aria-hidden="true">
                <rect width="10" height="10" fill={temperatureColour(at)} />
              </svg>
              {one.sensor} {number(readingAt(one, pointed.at), 2)} °C
            </span>
          ))}
        </p>
      )}
    </section>
  );
}

/** The standard error of a curve at a time, ms, or of the last value before. */
function errorAt({ times, values, errors }: CurveView, at = Number.POSITIVE_INFINITY): number | null | undefined {
  // The common axis is in seconds, so times are compared with a tolerance.
  const place = values.findLastIndex((value, i) => value !== null && (times[i] as number) <= at + 0.5);
  return errors[place];
}

/** The last reading, or the last one until a time, ms. */
function readingAt({ times, values }: CurvesView["temperatures"][number], at: number | undefined) {
  return values.findLast((value, place) => value !== null && (at === undefined || (times[place] as number) <= at));
}
