// One grating's curves with their fits, the residuals below, and the prediction for the current cycle.

import type { KineticsView } from "../../assay/kinetics/experiment/view.ts";
import { concentrationText } from "../../measurement/concentration.ts";
import { durationText } from "../../system/duration-text.ts";
import type { StateView } from "../views.ts";
import { curveColour, curveDash } from "./colours.ts";
import { type Fitted, quantityText } from "./kinetics-values.ts";
import { LineKey } from "./legend.tsx";
import { LineChart } from "./line-chart.tsx";

interface FitProps {
  readonly fit: Fitted;
  readonly state: StateView;
  readonly windows: KineticsView["windows"];
}

export function FitCurves({ fit, state, windows }: FitProps) {
  const cycles = fit.cycles.flatMap(({ curve, ...rest }) => (curve === undefined ? [] : [{ ...rest, ...curve }]));
  const times = cycles.flatMap(({ time }) => time);
  if (times.length === 0) return null;
  const x = [times.reduce((a, b) => Math.min(a, b)), times.reduce((a, b) => Math.max(a, b))];
  const isSteady = fit.plateaus !== undefined;
  const xLabel = isSteady ? "concentration, M" : "seconds since the start of the injection";
  const colours = cycles.map((_cycle, at) => ({ colour: curveColour(at), dash: curveDash(at) }));
  return (
    <>
      <h3>
        {fit.curve} with its fit <span class="quiet">({fit.model})</span>
      </h3>
      <LineChart
        name={`Curves of ${fit.curve} and their fits`}
        x={x}
        lines={[
          ...cycles.map(({ time, response }, at) => ({
            x: time,
            values: response,
            ...(colours[at] as (typeof colours)[number]),
          })),
          ...cycles.map(({ time, fitted }) => ({ x: time, values: fitted, colour: "var(--text)", width: 1 })),
        ]}
        xLabel={xLabel}
        yLabel="response, px"
      />
      <LineChart
        name={`Residuals of ${fit.curve}`}
        x={x}
        height={90}
        lines={cycles.map(({ time, response, fitted }, at) => ({
          x: time,
          values: response.map((value, place) => value - (fitted[place] ?? Number.NaN)),
          width: 1,
          ...(colours[at] as (typeof colours)[number]),
        }))}
        xLabel={xLabel}
        yLabel="residual, px"
      />
      <div class="legend">
        {cycles.map(({ cycle, concentration }, at) => (
          <span class="key" key={cycle}>
            <LineKey colour={curveColour(at)} dash={curveDash(at)} />
            {cycle}, {concentrationText(concentration)}
          </span>
        ))}
      </div>
      <dl>
        {(["ka", "kd", "KD", "Rmax"] as const).map((name) => (
          <Row key={name} name={`${name}, ${UNITS[name]}`} text={quantityText(fit[name])} />
        ))}
        <Row name="χ² per degree of freedom" text={fit.chi2.toPrecision(3)} />
      </dl>
      <UnderWay fit={fit} state={state} windows={windows} />
    </>
  );
}

const UNITS = { ka: "1/(M s)", kd: "1/s", KD: "M", Rmax: "px" } as const;

function Row({ name, text }: { name: string; text: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{text}</dd>
    </>
  );
}

/** Shows the prediction for the last cycle while it is running. */
function UnderWay({ fit: { prediction }, state, windows }: FitProps) {
  const last = windows.findLast(({ type }) => type === "sample");
  const injection = last?.injections.at(-1);
  if (prediction == null || injection === undefined || state.experiment !== "running") return null;
  const [start, end] = [Date.parse(injection.start), Date.parse(injection.end)];
  const { association95, dissociation } = prediction;
  const sinceEnd = (state.now - end) / 1000;
  const lines: string[] = [];
  if (state.now < end && association95 !== null) {
    const left = association95.value - (state.now - start) / 1000;
    const limits = `${durationText(association95.low95)} to ${durationText(association95.high95)}`;
    const isInTime = start + 1000 * association95.value <= end;
    lines.push(
      left <= 0
        ? `The association has reached 95 % (${limits} after its start).`
        : `The association reaches 95 % in ${durationText(left)} (${limits} after its start)${isInTime ? "" : ": after the end of the injection"}.`,
    );
  }
  if (dissociation !== null && sinceEnd < dissociation.seconds) {
    const wanted = `${dissociation.is_at_least ? "at least " : ""}${durationText(dissociation.seconds)}`;
    lines.push(
      sinceEnd < 0
        ? `Watch the dissociation for ${wanted} to fix kd to 10 %.`
        : `Watch the dissociation for ${wanted} to fix kd to 10 %: ${durationText(dissociation.seconds - sinceEnd)} more.`,
    );
  }
  return lines.length === 0 ? null : <p role="status">{lines.join(" ")}</p>;
}
