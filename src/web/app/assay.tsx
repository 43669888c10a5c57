// Assay: injections over the curves, and what follows from them: responses, maps of the chip, kinetics.
import { useEffect, useRef, useState } from "preact/hooks";
import { counted } from "../../system/counted.ts";
import type { InjectionView, ProposalView } from "../evaluation-views.ts";
import type { StateView } from "../views.ts";
import { change, reasonOf } from "./api.ts";
import { ChipMap } from "./chip-map.tsx";
import { useChosenCurves } from "./chosen-curves.ts";
import { ChoiceForm } from "./curve-choice.tsx";
import { Plot } from "./curve-plot.tsx";
import { useEvaluation, useInjections } from "./evaluation.ts";
import type { Draft } from "./injection-form.tsx";
import { type Edge, InjectionHandles } from "./injection-handles.tsx";
import { InjectionTable, Proposals } from "./injection-table.tsx";
import { Kinetics } from "./kinetics.tsx";
import { Legend } from "./legend.tsx";
import type { Range } from "./limits.tsx";
import type { PlotBox } from "./plot.ts";
import { Responses } from "./responses.tsx";
import { moment } from "./time.ts";
import { zoomed } from "./zoom.ts";
import { ZoomButtons } from "./zoom-buttons.tsx";

type Tool = "zoom" | "injection";
const TOOLS: Readonly<Record<Tool, string>> = { zoom: "Zoom", injection: "New injection" };
/** The proposals are updated for new frames at this interval. */
const PROPOSALS_MS = 60_000;
const DRAFT_ID = 0;

export function Assay({ state: now }: { state: StateView }) {
  const [range, setRange] = useState<Range>();
  const [tool, setTool] = useState<Tool>("zoom");
  /** Why the last change was refused. New frames do not clear it. */
  const [refused, setRefused] = useState("");
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [highlighted, setHighlighted] = useState<string>();
  const [draft, setDraft] = useState<Draft>();
  /** The injection whose edge is being moved, with its new times. */
  const [moved, setMoved] = useState<InjectionView>();
  /** Time of the first click or Enter with the tool for new injections. */
  const [begun, setBegun] = useState<number>();
  const [pointed, setPointed] = useState<number>();
  const [chosenId, setChosenId] = useState<number>();
  const [box, setBox] = useState<PlotBox>();
  const host = useRef<HTMLDivElement>(null);
  const stored = useInjections(now);
  const injections = stored?.list ?? [];
  // Everything below waits for the list, so that nothing is requested for injections that no longer exist.
  const state = { ...now, injectionChange: stored?.change ?? 0 };
  // A moved edge stays in place until the server's own list arrives.
  useEffect(() => setMoved(undefined), [stored]);
  const isMeasured = state.method !== undefined;
  const { chip, choice, choose, view, message } = useChosenCurves({ isMeasured, joined: false, range, news: [], host });
  const proposals = useEvaluation<ProposalView[]>(
    isMeasured ? "/api/injections/proposed" : undefined,
    state,
    PROPOSALS_MS,
  ).value;
  const act = async (what: Promise<void>): Promise<boolean> => {
    try {
      await what;
    } catch (error) {
      setRefused(reasonOf(error));
      setMoved(undefined);
      return false;
    }
    setRefused("");
    return true;
  };
  const begin = (from: number, to: number) => {
    setTool("zoom");
    setBegun(undefined);
    setRefused("");
    setDraft({ ...usualOf(injections), start: Math.round(from), end: Math.round(to) });
  };
  const save = async ({ id, ...values }: Draft): Promise<boolean> => {
    const made =
      id === undefined ? change("POST", "/api/injections", values) : change("PUT", `/api/injections/${id}`, values);
    const isDone = await act(made);
    if (isDone) setDraft(undefined);
    return isDone;
  };
  const commit = (injection: InjectionView, edge: Edge) => {
    if (injection.id === DRAFT_ID) return;
    void act(change("PUT", `/api/injections/${injection.id}`, { [edge]: injection[edge] }));
  };
  const move = (injection: InjectionView) => {
    if (injection.id !== DRAFT_ID) return setMoved(injection);
    const { start, end, dissociationEnd } = injection;
    setDraft((known) => known && { ...known, start, end, dissociationEnd });
  };
  const shown = injections.map((one) => (one.id === moved?.id ? moved : one));
  const drawn =
    draft === undefined || draft.id !== undefined
      ? shown
      : [...shown, { ...draft, id: DRAFT_ID, cycle: draft.cycle ?? 0, solution: draft.solution || "new injection" }];
  const [from, to] = range ?? view?.span ?? [0, 1];
  const events = {
    ranged: (first: number, last: number) => (tool === "injection" ? begin(first, last) : setRange([first, last])),
    clicked: (at: number) => {
      if (tool !== "injection") return;
      if (begun === undefined || at <= begun) setBegun(at);
      else begin(begun, at);
    },
    pointed: (at: number | undefined) => at !== undefined && setPointed(at),
    near: setHighlighted,
    reset: () => setRange(undefined),
    placed: setBox,
  };
  const zoom = (factor: number) => setRange(zoomed([from, to], factor, pointed) ?? range);
  const injection = injections.find(({ id }) => id === chosenId) ?? injections.at(-1);
  return (
    <>
      <section class="card">
        <ChoiceForm choice={choice} chip={chip} choose={choose} />
        <div class="bar" role="group" aria-label="Click or drag in the plot to">
          {(Object.keys(TOOLS) as Tool[]).map((name) => (
            <button
              type="button"
              key={name}
              aria-pressed={tool === name}
              onClick={() => {
                setTool(name);
                setBegun(undefined);
              }}
            >
              {TOOLS[name]}
            </button>
          ))}
          <ZoomButtons zoom={zoom} isZoomed={range !== undefined} showAll={() => setRange(undefined)} />
          {tool === "injection" && (
            <span class="quiet" role="status">
              {begun === undefined
                ? "Drag from the start of the injection to its end, or press Enter at both."
                : `Starts ${moment(begun)}. Now its end.`}
            </span>
          )}
        </div>
        {[refused, message].map(
          (line) =>
            line !== "" && (
              <p class="error" role="alert" key={line}>
                {line}
              </p>
            ),
        )}
        <div class="overlaid">
          <div
            ref={host}
            class="plot"
            role="img"
            tabIndex={0}
            aria-label={`Curves with ${counted(injections.length, "injection")}. ${PLOT_KEYS}`}
          />
          {box !== undefined && view !== undefined && (
            <InjectionHandles
              injections={drawn}
              box={box}
              from={from}
              to={to}
              move={move}
              commit={commit}
              cancel={() => setMoved(undefined)}
            />
          )}
        </div>
        {view !== undefined && (
          <>
            <Plot
              host={host}
              content={{
                ...{
                  view,
                  markers: state.markers,
                  injections: drawn,
                  quantity: "shift",
                  unit: "px",
                  hidden,
                },
                ...{ highlighted, from, to },
              }}
              events={events}
              zoom={zoom}
            />
            <Legend view={view} hidden={hidden} highlighted={highlighted} hide={setHidden} highlight={setHighlighted} />
          </>
        )}
      </section>
      <InjectionTable
        injections={injections}
        draft={draft}
        edit={setDraft}
        save={save}
        act={act}
        failed={setRefused}
        show={(one) => {
          const length = (one.dissociationEnd ?? one.end) - one.start;
          setRange([one.start - 0.5 * length, (one.dissociationEnd ?? one.end) + length]);
          setChosenId(one.id);
        }}
      />
      <Proposals proposals={proposals ?? []} propose={({ start, end }) => begin(start, end ?? start + FALLBACK_MS)} />
      <div class="halves map-and-table">
        <ChipMap
          state={state}
          injection={injection}
          at={pointed}
          chosen={highlighted}
          choose={(label) => choose({ pairs: true, references: undefined, ...choice, wanted: label })}
          failed={setRefused}
        />
        <Responses
          state={state}
          injections={injections}
          injection={injection}
          choose={setChosenId}
          failed={setRefused}
        />
      </div>
      {injections.some(({ type }) => type === "sample") && <Kinetics state={state} chip={chip} failed={setRefused} />}
    </>
  );
}

/** Assumed length of a proposal without an end. */
const FALLBACK_MS = 60_000;
const PLOT_KEYS =
  "Left and right move the cursor, Enter marks the start and then the end of a new injection, plus and minus zoom, 0 shows all. Tab goes to the edges of the injections.";

/** Returns the most likely values of a new injection: like the last one of a sample, in a new cycle. */
function usualOf(injections: readonly InjectionView[]): Omit<Draft, "start" | "end"> {
  const last = injections.findLast(({ type }) => type === "sample");
  return {
    solution: last?.solution ?? "",
    type: "sample",
    concentration: null,
    refractiveIndex: null,
    dissociationEnd: null,
    note: "",
  };
}
