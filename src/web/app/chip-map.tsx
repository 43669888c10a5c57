// A quantity of each grating in its place on the chip, with a colour scale for all of them.
import { useState } from "preact/hooks";
import type { InjectionView, MapView } from "../evaluation-views.ts";
import type { StateView } from "../views.ts";
import { useAnalysis } from "./analysis.tsx";
import { getBlob, reasonOf } from "./api.ts";
import { divergingColour, sequentialColour } from "./colours.ts";
import { useEvaluation } from "./evaluation.ts";
import { withError } from "./format.ts";
import { type Range, ValueLimits } from "./limits.tsx";
import { download } from "./picture-file.ts";

const QUANTITIES = {
  response: "Response to an injection",
  arrival: "Arrival of an injection",
  sensitivity: "Sensitivity",
  shift: "Shift",
  noise: "Noise",
  drift: "Drift",
  "detection-limit": "Limit of detection",
  quality: "Quality",
} as const;
type Quantity = keyof typeof QUANTITIES;
const POINTS = { early: "early", late: "end of injection", stability: "after it", dissociation: "end of dissociation" };
type Point = keyof typeof POINTS;
const NOT_KNOWN = "#b9bec5";

interface MapProps {
  readonly state: StateView;
  /** The injection that is chosen in this view. */
  readonly injection: InjectionView | undefined;
  /** Time of the cursor in the plot, ms. */
  readonly at: number | undefined;
  readonly chosen: string | undefined;
  choose(label: string): void;
  failed(message: string): void;
}

export function ChipMap({ state, injection, at, chosen, choose, failed }: MapProps) {
  const analysis = useAnalysis();
  const [quantity, setQuantity] = useState<Quantity>("shift");
  const [point, setPoint] = useState<Point>("late");
  const [index, setIndex] = useState("");
  const [atTime, setAtTime] = useState<number>();
  /** Typed or automatic limits, with the quantity that they belong to. */
  const [limits, setLimits] = useState<{ readonly of: Quantity; readonly range: Range }>();
  const query = new URLSearchParams({ quantity });
  const isOfInjection = quantity === "response" || quantity === "arrival";
  if (isOfInjection && injection !== undefined) query.set("injection", String(injection.id));
  if (quantity === "response") query.set("point", point);
  if (quantity === "sensitivity" && index.trim() !== "") query.set("bufferIndex", index.trim().replace(",", "."));
  if (quantity === "shift" && atTime !== undefined) query.set("at", String(atTime));
  const path = state.method === undefined ? undefined : analysis.ofOne(`/api/map?${query}`);
  const { value: map, message } = useEvaluation<MapView>(path, state);
  const own = limits?.of === quantity ? limits.range : undefined;
  const [low, high] = own ?? map?.limits ?? [0, 1];
  return (
    <section class="card">
      <h2>Map of the chip</h2>
      <div class="row">
        <label>
          Quantity
          <select value={quantity} onChange={(event) => setQuantity(event.currentTarget.value as Quantity)}>
            {Object.entries(QUANTITIES).map(([name, words]) => (
              <option key={name} value={name}>
                {words}
              </option>
            ))}
          </select>
        </label>
        {quantity === "response" && (
          <label>
            Point
            <select value={point} onChange={(event) => setPoint(event.currentTarget.value as Point)}>
              {Object.entries(POINTS).map(([name, words]) => (
                <option key={name} value={name}>
                  {words}
                </option>
              ))}
            </select>
          </label>
        )}
        {quantity === "sensitivity" && (
          <label>
            Index of the buffer
            <input
              class="short"
              value={index}
              inputMode="decimal"
              placeholder="unknown"
              onChange={(event) => setIndex(event.currentTarget.value)}
            />
          </label>
        )}
        {quantity === "shift" && (
          <button
            type="button"
            disabled={at === undefined && atTime === undefined}
            onClick={() => setAtTime(atTime === undefined ? at : undefined)}
          >
            {atTime === undefined ? "At the cursor's time" : "Newest frames"}
          </button>
        )}
      </div>
      {message !== "" && (
        <p class="quiet" role="status">
          {message}
        </p>
      )}
      {map !== undefined && (
        <>
          <Cells map={map} low={low} high={high} chosen={chosen} choose={choose} />
          <Scale map={map} low={low} high={high} />
          <p class="quiet">
            {map.detail}: {map.summary}.
          </p>
          <div class="bar">
            <ValueLimits
              name={map.unit === "" ? "scale" : `scale, ${map.unit}`}
              range={own}
              set={(range) => setLimits(range && { of: quantity, range })}
            />
            {own === undefined && (
              <button type="button" onClick={() => setLimits({ of: quantity, range: map.limits })}>
                Keep this scale
              </button>
            )}
            <button
              type="button"
              onClick={() =>
                void getBlob(analysis.ofOne(`/api/map.csv?${query}`)).then(
                  (file) => download(`map_${quantity}.csv`, file),
                  (error: unknown) => failed(reasonOf(error)),
                )
              }
            >
              Download CSV
            </button>
          </div>
        </>
      )}
    </section>
  );
}

interface CellsProps {
  readonly map: MapView;
  readonly low: number;
  readonly high: number;
  readonly chosen: string | undefined;
  choose(label: string): void;
}

/** Returns the position along the scale, 0 to 1. */
const shareOf = (value: number, low: number, high: number): number => (value - low) / (high - low);

const colourOf = (map: MapView, share: number): string =>
  map.diverging ? divergingColour(2 * share - 1) : sequentialColour(share);

export function Cells({ map, low, high, chosen, choose }: CellsProps) {
  const { places } = map;
  const values = new Map(map.values.map((one) => [one.label, one]));
  const [left, top] = [Math.min(...places.map((one) => one.left)), Math.min(...places.map((one) => one.top))];
  const [right, bottom] = [Math.max(...places.map((one) => one.right)), Math.max(...places.map((one) => one.bottom))];
  const margin = 0.02 * Math.max(right - left, bottom - top);
  const line = (right - left) / 400;
  return (
    <>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: with the keyboard, choose a grating in the list of the kinetics. */}
      <svg
        class="chip map"
        viewBox={`${left - margin} ${top - margin} ${right - left + 2 * margin} ${bottom - top + 2 * margin}`}
        role="img"
        aria-label={`${map.name} of ${places.length} gratings. ${map.detail}: ${map.summary}`}
        onClick={(event) => {
          const label = event.target instanceof Element ? event.target.getAttribute("data-label") : null;
          if (label !== null) choose(label);
        }}
      >
        {places.map((place) => {
          const { label } = place;
          const found = values.get(label);
          const value = found?.value ?? null;
          const share = value === null ? Number.NaN : shareOf(value, low, high);
          const [width, height] = [place.right - place.left, place.bottom - place.top];
          const text = value === null ? "not known" : `${withError(value, found?.standard_error)} ${map.unit}`;
          return (
            <g key={label}>
              <rect
                data-label={label}
                x={place.left}
                y={place.top}
                width={width}
                height={height}
                fill={value === null ? NOT_KNOWN : colourOf(map, Math.min(1, Math.max(0, share)))}
                stroke={label === chosen ? "var(--text)" : found?.flagged === true ? "var(--text)" : "none"}
                stroke-width={label === chosen ? 3 * line : line}
                stroke-dasharray={label !== chosen && found?.flagged === true ? `${3 * line} ${2 * line}` : undefined}
              >
                <title>{`${label}: ${text}${found?.flagged === true ? ", flagged" : ""}`}</title>
              </rect>
              {(share > 1 || share < 0) && (
                <path
                  class="beyond"
                  d={triangle(
                    place.left + width / 2,
                    place.top + height / 2,
                    0.35 * Math.min(width, height),
                    share > 1 ? -1 : 1,
                  )}
                  stroke-width={line}
                />
              )}
            </g>
          );
        })}
      </svg>
    </>
  );
}

/** Points up for -1, down for 1. */
function triangle(x: number, y: number, size: number, direction: number): string {
  return `M${x - size} ${y - direction * size * 0.6}H${x + size}L${x} ${y + direction * size}Z`;
}

const STEPS = 24;

export function Scale({ map, low, high }: Pick<CellsProps, "map" | "low" | "high">) {
  const known = map.values.flatMap(({ value }) => (value === null ? [] : [value]));
  const outside = known.filter((value) => value < low || value > high).length;
  const flagged = map.values.filter((one) => one.flagged).length;
  const unknown = map.values.length - known.length;
  const digits = Math.max(0, Math.min(9, 2 - Math.floor(Math.log10(high - low))));
  return (
    <p class="bar">
      <span class="key">
        {low.toFixed(digits).replace("-", "\u2212")}
        <svg viewBox={`0 0 ${STEPS} 2`} class="scale" aria-hidden="true" preserveAspectRatio="none">
          {Array.from({ length: STEPS }, (_v, at) => (
            <rect key={at} x={at} y={0} width={1.05} height={2} fill={colourOf(map, (at + 0.5) / STEPS)} />
          ))}
        </svg>
        {high.toFixed(digits).replace("-", "\u2212")} {map.unit}
      </span>
      {outside > 0 && <span class="key">▲▼ {outside} beyond the scale</span>}
      {flagged > 0 && <span class="key">┅ {flagged} flagged</span>}
      {unknown > 0 && <span class="key">gray: {unknown} not known</span>}
    </p>
  );
}
