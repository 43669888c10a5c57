// The legend of the curves: each entry shows or hides its curve, and highlights it while it is pointed at or in focus.
import type { CurvesView } from "../views.ts";
import { curveColour, curveDash, temperatureColour } from "./colours.ts";

/** Shows a piece of line as in the plot. */
export function LineKey({ colour, dash }: { readonly colour: string; readonly dash: readonly number[] }) {
  return (
    <svg viewBox="0 0 34 10" class="line" aria-hidden="true">
      <path d="M1 5H33" stroke={colour} stroke-width="2.5" stroke-dasharray={dash.join(" ")} />
    </svg>
  );
}

interface LegendProps {
  readonly view: CurvesView;
  readonly hidden: ReadonlySet<string>;
  readonly highlighted: string | undefined;
  hide(hidden: ReadonlySet<string>): void;
  highlight(label: string | undefined): void;
}

export function Legend({ view: { curves, temperatures }, hidden, highlighted, hide, highlight }: LegendProps) {
  const toggle = (label: string) => {
    const next = new Set(hidden);
    if (!next.delete(label)) next.add(label);
    hide(next);
  };
  return (
    <div class="legend" role="group" aria-label="Curves: show or hide">
      {curves.map(({ label }, at) => (
        <button
          type="button"
          key={label}
          class={label === highlighted ? "entry near" : "entry"}
          aria-pressed={!hidden.has(label)}
          onClick={() => toggle(label)}
          onPointerEnter={() => highlight(label)}
          onPointerLeave={() => highlight(undefined)}
          onFocus={() => highlight(label)}
          onBlur={() => highlight(undefined)}
        >
          <LineKey colour={curveColour(at)} dash={curveDash(at)} />
          {label}
        </button>
      ))}
      {curves.length > 1 && (
        <button
          type="button"
          class="plain"
          onClick={() => hide(hidden.size > 0 ? new Set() : new Set(curves.map(({ label }) => label)))}
        >
          {hidden.size > 0 ? "Show all curves" : "Hide all"}
        </button>
      )}
      {temperatures.map(({ sensor }, at) => (
        <span class="key" key={sensor}>
          <LineKey colour={temperatureColour(at)} dash={[]} />
          {sensor}, °C
        </span>
      ))}
    </div>
  );
}
