// Sensorgrams: curves of chosen ROIs or groups as they come, with baseline, references, markers, and files of what is shown.
import { useEffect, useRef, useState } from "preact/hooks";
import type { ChipView, CurvesView, StateView } from "../views.ts";
import { change, get } from "./api.ts";
import {
  type Choice,
  ChoiceForm,
  curvesAddress,
  firstChoice,
  keepChoice,
  keptChoice,
  listOf,
} from "./curve-choice.tsx";
import { CurveFiles } from "./curve-files.tsx";
import { Plot } from "./curve-plot.tsx";
import { broughtUpToDate } from "./drawn.ts";
import { clock, moment, number } from "./format.ts";
import { Markers } from "./markers.tsx";
import type { Drawing } from "./picture-file.ts";
import { Readout } from "./readout.tsx";

type Click = "zoom" | "baseline" | "marker";

export function Sensorgrams({ state }: { state: StateView }) {
  const [chip, setChip] = useState<ChipView>();
  const [choice, setChoice] = useState(keptChoice);
  const [range, setRange] = useState<readonly [number, number]>();
  const [view, setView] = useState<CurvesView>();
  const shown = useRef<CurvesView>();
  const [said, setSaid] = useState("");
  const [inRiu, setInRiu] = useState(false);
  const [click, setClick] = useState<Click>("zoom");
  const [markAt, setMarkAt] = useState<number>();
  const [pointed, setPointed] = useState<{ at: number | undefined; values: readonly (number | null | undefined)[] }>({
    at: undefined,
    values: [],
  });
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    get<ChipView>("/api/chip").then(
      (seen) => {
        setChip(seen);
        setChoice((known) => known ?? firstChoice(seen));
      },
      (error: Error) => setSaid(error.message),
    );
  }, [state.method]);
  const columns = Math.max(200, Math.min(2000, host.current?.clientWidth ?? 900));
  const [version, setVersion] = useState(0);
  const wanted = choice === undefined || listOf(choice.wanted).length === 0 ? undefined : choice;
  useEffect(() => {
    if (wanted === undefined) return;
    const ending = new AbortController();
    const address = curvesAddress("/api/curves", wanted, range, columns);
    const before = shown.current;
    const known = before === undefined ? "" : `&key=${before.key}&after=${before.outcome}`;
    get<CurvesView>(`${address}${known}`, ending.signal).then(
      (answer) => {
        const seen = broughtUpToDate(before, answer);
        shown.current = seen;
        setView(seen);
        setSaid(strangersSaid(seen));
      },
      (error: Error) => {
        if (!ending.signal.aborted) setSaid(error.message);
      },
    );
    return () => ending.abort();
  }, [wanted, range, state.outcome, version]);
  const choose = (next: Choice) => {
    setChoice(next);
    keepChoice(next);
  };
  const act = async (what: Promise<void>): Promise<boolean> => {
    try {
      await what;
    } catch (error) {
      setSaid(error instanceof Error ? error.message : String(error));
      return false;
    }
    setSaid("");
    setVersion((known) => known + 1);
    return true;
  };
  const pxPerRiu = view?.pxPerRiu;
  const factor = inRiu && pxPerRiu !== undefined ? 1 / pxPerRiu : 1;
  const unit = factor === 1 ? "px" : "RIU";
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
    reset: () => setRange(undefined),
  };
  const drawing: Drawing | undefined = view && {
    title: `${state.title}: shift since the baseline${view.references.length > 0 ? ", minus references" : ""}`,
    view,
    markers: state.markers,
    unit,
    factor,
    ...shownTime(view, range),
  };
  return (
    <>
      <section class="card">
        <ChoiceForm choice={choice} chip={chip} choose={choose} />
        <div class="bar" role="group" aria-label="What a click or drag in the plot does">
          {(["zoom", "baseline", "marker"] as const).map((name) => (
            <button type="button" key={name} aria-pressed={click === name} onClick={() => setClick(name)}>
              {CLICKS[name]}
            </button>
          ))}
          <button type="button" onClick={() => setRange(undefined)} disabled={range === undefined}>
            Whole time
          </button>
          {view?.baseline.chosen === true && (
            <button type="button" onClick={() => void act(change("DELETE", "/api/baseline"))}>
              Baseline as configured
            </button>
          )}
          {pxPerRiu !== undefined && (
            <label class="inline">
              <input type="checkbox" checked={inRiu} onChange={(event) => setInRiu(event.currentTarget.checked)} /> in
              RIU
            </label>
          )}
        </div>
        {said !== "" && (
          <p class="error" role="alert">
            {said}
          </p>
        )}
        <div ref={host} class="plot" role="img" aria-label={spoken(view)} />
        {view !== undefined && (
          <Plot
            host={host}
            content={{ view, markers: state.markers, unit, factor, ...shownTime(view, range) }}
            events={events}
          />
        )}
        {view !== undefined && (
          <p class="quiet">
            {view.frames} frames. Baseline {moment(view.baseline.from)} to {clock(view.baseline.to)} (shaded).
            {view.references.length > 0 && ` Minus the mean of ${view.references.length} references.`}
            {view.more > 0 && ` ${view.more} more match; sixteen are drawn.`} Open circles: doubtful points. Drag to
            zoom, double-click for all.
          </p>
        )}
        {view !== undefined && wanted !== undefined && drawing !== undefined && (
          <CurveFiles
            drawing={drawing}
            address={curvesAddress("/api/curves.csv", wanted, range, columns)}
            failed={setSaid}
          />
        )}
      </section>
      <div class="split">
        {view !== undefined && <Readout view={view} pointed={pointed} factor={factor} unit={unit} />}
        <Markers state={state} at={markAt} act={act} />
      </div>
    </>
  );
}

function shownTime({ span }: CurvesView, range: readonly [number, number] | undefined): { from: number; to: number } {
  const [from, to] = range ?? span;
  return { from, to };
}

const CLICKS: Readonly<Record<Click, string>> = {
  zoom: "Drag: zoom",
  baseline: "Click: baseline",
  marker: "Click: marker",
};

/** A reference that is none must not go unnoticed: the curves would look referenced. */
function strangersSaid({ unknown, references }: CurvesView): string {
  if (unknown.length === 0) return "";
  return `No ROI or group is called ${unknown.join(", ")}.${references.length === 0 ? " No reference is subtracted." : ""}`;
}

function spoken(view: CurvesView | undefined): string {
  if (view === undefined) return "Curves";
  const last = view.curves.map(
    ({ label, values }) => `${label} ${number(values.findLast((value) => value !== null))} px`,
  );
  return `Shift since the baseline of ${view.curves.length} curves; last values: ${last.join(", ")}`;
}
