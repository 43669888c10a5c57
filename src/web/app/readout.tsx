// The curves in numbers: their values at the cursor, else the last ones, with noise, drift and limit of detection.
import type { CurvesView } from "../views.ts";
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
  factor: number;
  unit: string;
}) {
  const digits = unit === "RIU" ? 7 : 4;
  const value = (px: number | null | undefined) => number(px === null || px === undefined ? px : px * factor, digits);
  return (
    <section class="card">
      <h2>{pointed.at === undefined ? "Last values" : `At ${moment(pointed.at)}`}</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Values of the curves">
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
                <td class="n">
                  {pointed.at === undefined
                    ? value(curve.values.findLast((one) => one !== null))
                    : number(pointed.values[at], digits)}
                </td>
                <td class="n">{value(curve.noise)}</td>
                <td class="n">
                  {number(curve.driftPerHour === null ? null : curve.driftPerHour * factor, digits - 2)}
                </td>
                <td class="n">{value(curve.detectionLimit)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
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

/** The last reading, or the last one until a time, ms. */
function readingAt({ times, values }: CurvesView["temperatures"][number], at: number | undefined) {
  return values.findLast((value, place) => value !== null && (at === undefined || (times[place] as number) <= at));
}
