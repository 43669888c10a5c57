// Sensorgrams: live curves of the chosen ROIs or groups, with baseline, references, markers and downloads.
import { useRef, useState } from "preact/hooks";
import { counted } from "../../system/counted.ts";
import type { CurvesView, StateView } from "../views.ts";
import { Changes, useAnalysis, withChanges } from "./analysis.tsx";
import { change, reasonOf } from "./api.ts";
import { useChosenCurves } from "./chosen-curves.ts";
import { Comparison } from "./comparison.tsx";
import { ChoiceForm, curvesAddress } from "./curve-choice.tsx";
import { CurveFiles } from "./curve-files.tsx";
import { Plot } from "./curve-plot.tsx";
import { useInjections } from "./evaluation.ts";
import { number } from "./format.ts";
import { hasRiu, inRiu } from "./in-riu.ts";
import { Legend } from "./legend.tsx";
import { type Range, TimeLimits, YLimits } from "./limits.tsx";
import { Markers } from "./markers.tsx";
import { Readout } from "./readout.tsx";
import { AS_MEASURED, quantityOf, RollingForm } from "./rolling-form.tsx";
import { period } from "./time.ts";
import { zoomed } from "./zoom.ts";
import { ZoomButtons } from "./zoom-buttons.tsx";

/** Returns the same object while its content is equal, so that an effect that depends on it does not run again. */
function useSame<T>(value: T): T {
  const kept = useRef(value);
  if (JSON.stringify(kept.current) !== JSON.stringify(value)) kept.current = value;
  return kept.current;
}

type Click = "zoom" | "baseline" | "marker";

export function Sensorgrams({ state }: { state: StateView }) {
  const analysis = useAnalysis();
  const [range, setRange] = useState<Range>();
  /** Limits of the y-axis and their unit: px say nothing of RIU. */
  const [limits, setLimits] = useState<{ readonly unit: string; readonly range: Range | undefined }>();
  const [shown, setShown] = useState(AS_MEASURED);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [highlighted, setHighlighted] = useState<string>();
  /** Why the last change was refused. New frames do not clear it. */
  const [refused, setRefused] = useState("");
  const [wantsRiu, setWantsRiu] = useState(false);
  const [click, setClick] = useState<Click>("zoom");
  const [markAt, setMarkAt] = useState<number>();
  const [pointed, setPointed] = useState<{ at: number | undefined; values: readonly (number | null | undefined)[] }>({
    at: undefined,
    values: [],
  });
  const host = useRef<HTMLDivElement>(null);
  const [version, setVersion] = useState(0);
  const isMeasured = state.method !== undefined;
  const {
    chip,
    choice,
    wanted,
    choose,
    columns,
    view: measured,
    message,
  } = useChosenCurves({
    ...{ isMeasured, joined: true, range, shown, news: [version], host },
  });
  const canBeRiu = measured !== undefined && hasRiu(measured);
  const unit = wantsRiu && canBeRiu ? "RIU" : "px";
  const view = unit === "RIU" && measured !== undefined ? inRiu(measured) : measured;
  const markers = useSame(view === undefined ? state.markers : withChanges(state.markers, view));
  const injections = useInjections(state)?.list;
  const act = async (what: Promise<void>): Promise<boolean> => {
    try {
      await what;
    } catch (error) {
      setRefused(reasonOf(error));
      return false;
    }
    setRefused("");
    setVersion((known) => known + 1);
    return true;
  };
  const setBaseline = (from: number, to: number) => {
    setClick("zoom");
    void act(change("PUT", "/api/baseline", { from, to }));
  };
  const events = {
    ranged: (from: number, to: number) => (click === "baseline" ? setBaseline(from, to) : setRange([from, to])),
    clicked: (at: number) => {
      if (click === "baseline" && view !== undefined) setBaseline(at, at + (view.baseline.to - view.baseline.from));
      if (click === "marker") {
        setMarkAt(at);
        setClick("zoom");
      }
    },
    pointed: (at: number | undefined, values: readonly (number | null | undefined)[]) => setPointed({ at, values }),
    near: setHighlighted,
    reset: () => setRange(undefined),
  };
  /** Zooms around the cursor, or around the middle if there is none. */
  const zoom = (factor: number) => {
    if (view === undefined) return;
    const { from, to } = shownTime(view, range);
    setRange(zoomed([from, to], factor, pointed.at) ?? range);
  };
  /** Highlights the next or previous shown curve. */
  const step = (by: number) => {
    const labels = view?.curves.map(({ label }) => label).filter((label) => !hidden.has(label)) ?? [];
    const at = highlighted === undefined ? (by > 0 ? -1 : 0) : labels.indexOf(highlighted);
    setHighlighted(labels[(at + by + labels.length) % labels.length]);
  };
  const yLimits = limits?.unit === unit ? limits.range : undefined;
  const content = view && {
    ...{ view, markers, injections, quantity: quantityOf(shown), unit, hidden, highlighted },
    limits: yLimits,
    ...shownTime(view, range),
  };
  const origin = state.camera?.simulated === true ? " (simulated chip)" : "";
  const named = analysis.name === undefined ? "" : `, analysis “${analysis.name}”`;
  const title = `${state.title}${origin}${named}: shift from baseline${view !== undefined && view.references.length > 0 ? ", minus references" : ""}`;
  return (
    <>
      <section class="card">
        <ChoiceForm choice={choice} chip={chip} choose={choose} />
        <div class="bar" role="group" aria-label="Click or drag in the plot to">
          {(["zoom", "baseline", "marker"] as const).map((name) => (
            <button type="button" key={name} aria-pressed={click === name} onClick={() => setClick(name)}>
              {CLICKS[name]}
            </button>
          ))}
          <ZoomButtons zoom={zoom} isZoomed={range !== undefined} showAll={() => setRange(undefined)} />
          {view?.baseline.chosen === true && (
            <button type="button" onClick={() => void act(change("DELETE", "/api/baseline"))}>
              Reset baseline
            </button>
          )}
          {canBeRiu && (
            <label class="inline">
              <input
                type="checkbox"
                checked={wantsRiu}
                onChange={(event) => setWantsRiu(event.currentTarget.checked)}
              />{" "}
              in RIU
            </label>
          )}
        </div>
        <div class="bar">
          <YLimits unit={unit} range={yLimits} set={(next) => setLimits({ unit, range: next })} />
          <TimeLimits range={range} set={setRange} />
          <RollingForm shown={shown} set={setShown} />
        </div>
        {[refused, message].map(
          (line) =>
            line !== "" && (
              <p class="error" role="alert" key={line}>
                {line}
              </p>
            ),
        )}
        <div ref={host} class="plot" role="img" tabIndex={0} aria-label={`${spoken(view, unit)}. ${PLOT_KEYS}`} />
        {content !== undefined && <Plot host={host} content={content} events={events} zoom={zoom} step={step} />}
        {view !== undefined && (
          <Legend view={view} hidden={hidden} highlighted={highlighted} hide={setHidden} highlight={setHighlighted} />
        )}
        {view !== undefined && (
          <p class="quiet">
            {view.frames} frames. Baseline (shaded): {period(view.baseline.from, view.baseline.to)}, {view.baseline.why}
            .{view.references.length > 0 && ` The mean of ${view.references.length} references is subtracted.`}
            {view.more > 0 && ` ${view.more} more curves match; the first ${view.curves.length} are shown.`} Open
            circles mark flagged points. Drag to zoom, double-click to show all.
          </p>
        )}
        {view !== undefined && <Changes joined={view.joined} changes={view.changes} />}
        {content !== undefined && wanted !== undefined && (
          <CurveFiles
            drawing={{ title, ...content }}
            address={analysis.of(curvesAddress("/api/curves.csv", wanted, range, columns))}
            failed={setRefused}
          />
        )}
      </section>
      <div class="split">
        {view !== undefined && (
          <Readout view={view} pointed={pointed} unit={unit} quantity={quantityOf(shown)} highlighted={highlighted} />
        )}
        <Markers state={state} at={markAt} act={act} />
      </div>
      {wanted !== undefined && <Comparison state={state} choice={wanted} />}
    </>
  );
}

const PLOT_KEYS =
  "Left and right move the cursor, up and down highlight a curve, Enter clicks at the cursor, plus and minus zoom, 0 shows all.";

function shownTime({ span }: CurvesView, range: readonly [number, number] | undefined): { from: number; to: number } {
  const [from, to] = range ?? span;
  return { from, to };
}

const CLICKS: Readonly<Record<Click, string>> = {
  zoom: "Zoom",
  baseline: "Set baseline",
  marker: "Add marker",
};

function spoken(view: CurvesView | undefined, unit: string): string {
  if (view === undefined) return "Curves";
  const last = view.curves.map(
    ({ label, values }) =>
      `${label} ${number(
        values.findLast((value) => value !== null),
        unit === "RIU" ? 7 : 4,
      )} ${unit}`,
  );
  return `Shift from baseline, ${counted(view.curves.length, "curve")}. Last values: ${last.join(", ")}`;
}
