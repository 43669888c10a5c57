// Sensorgrams: curves of chosen ROIs or groups as they come, with baseline, references, markers, and files of what is shown.
import { useEffect, useRef, useState } from "preact/hooks";
import type { ChipView, CurvesView, StateView } from "../views.ts";
import { change, get, getBlob } from "./api.ts";
import { curveColour, temperatureColour } from "./colours.ts";
import { broughtUpToDate } from "./drawn.ts";
import { clock, moment, number } from "./format.ts";
import { curvesSvg, type Drawing, download, pngOf } from "./picture-file.ts";
import { CurvePlot } from "./plot.ts";

interface Choice {
  /** As typed: labels with * and group:NAME, by commas. */
  readonly wanted: string;
  readonly pairs: boolean;
  /** As typed; undefined: as configured. */
  readonly references: string | undefined;
}

const KEPT = "phorest-curves";

function keptChoice(): Choice | undefined {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEPT) ?? "null");
    if (typeof kept !== "object" || kept === null || !("wanted" in kept) || typeof kept.wanted !== "string")
      return undefined;
    const references = "references" in kept && typeof kept.references === "string" ? kept.references : undefined;
    return { wanted: kept.wanted, pairs: "pairs" in kept && kept.pairs === true, references };
  } catch {
    // Kept by another version: begin anew.
    return undefined;
  }
}

const FIRST_CURVES = 4;

/** Some of the middle of the chip, so that there is something to see. */
function firstChoice(chip: ChipView): Choice {
  const pairs = chip.gratings.length > 0;
  const all = pairs ? chip.gratings : chip.rois.map(({ label }) => label);
  const middle = Math.max(0, (all.length >> 1) - (FIRST_CURVES >> 1));
  return { wanted: all.slice(middle, middle + FIRST_CURVES).join(", "), pairs, references: undefined };
}

const listOf = (typed: string) =>
  typed
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");

export function curvesAddress(
  path: string,
  choice: Choice,
  range: readonly [number, number] | undefined,
  columns: number,
): string {
  const query = new URLSearchParams({ pairs: choice.pairs ? "1" : "0", columns: String(columns) });
  for (const roi of listOf(choice.wanted)) query.append("roi", roi);
  if (choice.references !== undefined) {
    query.set("own", "1");
    for (const reference of listOf(choice.references)) query.append("reference", reference);
  }
  if (range !== undefined) {
    query.set("from", String(Math.max(0, range[0])));
    query.set("to", String(range[1]));
  }
  return `${path}?${query}`;
}

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
    localStorage.setItem(KEPT, JSON.stringify(next));
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
          <Files
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

function Plot({
  host,
  content,
  events,
}: {
  host: { current: HTMLDivElement | null };
  content: ConstructorParameters<typeof CurvePlot>[1];
  events: ConstructorParameters<typeof CurvePlot>[2];
}) {
  const plot = useRef<CurvePlot>();
  const latest = useRef(events);
  latest.current = events;
  const shown = useRef(content);
  shown.current = content;
  useEffect(() => {
    const made = new CurvePlot(host.current as HTMLDivElement, content, {
      ranged: (from, to) => latest.current.ranged(from, to),
      clicked: (at) => latest.current.clicked(at),
      pointed: (at, values) => latest.current.pointed(at, values),
      reset: () => latest.current.reset(),
    });
    plot.current = made;
    const resized = new ResizeObserver(() => made.resize());
    resized.observe(host.current as HTMLDivElement);
    const coloured = () => made.show(shown.current);
    addEventListener("themechange", coloured);
    return () => {
      removeEventListener("themechange", coloured);
      resized.disconnect();
      made.close();
    };
  }, []);
  useEffect(() => plot.current?.show(content), [content.view, content.markers, content.unit, content.from, content.to]);
  return null;
}

function ChoiceForm({
  choice,
  chip,
  choose,
}: {
  choice: Choice | undefined;
  chip: ChipView | undefined;
  choose(next: Choice): void;
}) {
  const [typed, setTyped] = useState(choice?.wanted ?? "");
  const [references, setReferences] = useState(choice?.references ?? "");
  useEffect(() => setTyped(choice?.wanted ?? ""), [choice?.wanted]);
  const submit = (event: Event) => {
    event.preventDefault();
    choose({
      wanted: typed,
      pairs: choice?.pairs ?? false,
      references: references.trim() === "" ? undefined : references,
    });
  };
  const add = (name: string) =>
    choose({
      pairs: false,
      references: undefined,
      ...choice,
      wanted: typed.trim() === "" ? name : `${typed}, ${name}`,
    });
  return (
    <form class="row" onSubmit={submit}>
      <label class="wide">
        Curves: labels, * for any letters, by commas
        <input value={typed} list="labels" onInput={(event) => setTyped(event.currentTarget.value)} />
      </label>
      <datalist id="labels">
        {chip?.gratings.map((label) => (
          <option key={label} value={label} />
        ))}
      </datalist>
      <label class="wide">
        References (empty:{" "}
        {chip === undefined || chip.references.length === 0 ? "none" : `${chip.references.length} as configured`}
        )
        <input value={references} onInput={(event) => setReferences(event.currentTarget.value)} />
      </label>
      <label class="inline">
        <input
          type="checkbox"
          checked={choice?.pairs ?? false}
          onChange={(event) =>
            choose({ references: undefined, ...choice, wanted: typed, pairs: event.currentTarget.checked })
          }
        />
        combine bow-tie halves
      </label>
      <button type="submit">Show</button>
      {(chip?.groups ?? []).slice(0, 12).map((name) => (
        <button type="button" key={name} onClick={() => add(`group:${name}`)}>
          + group {name}
        </button>
      ))}
    </form>
  );
}

function Readout({
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

function Files({ drawing, address, failed }: { drawing: Drawing; address: string; failed(said: string): void }) {
  const save = (name: string, make: () => Promise<Blob>) => async () => {
    try {
      download(name, await make());
    } catch (error) {
      failed(error instanceof Error ? error.message : String(error));
    }
  };
  const svg = () => curvesSvg(drawing);
  return (
    <div class="bar" role="group" aria-label="Download what is shown">
      <span class="quiet">Download what is shown:</span>
      <button type="button" onClick={save("sensorgrams.csv", () => getBlob(address))}>
        CSV
      </button>
      <button type="button" onClick={save("sensorgrams.png", () => pngOf(svg()))}>
        PNG
      </button>
      <button type="button" onClick={save("sensorgrams.svg", async () => new Blob([svg()], { type: "image/svg+xml" }))}>
        SVG
      </button>
    </div>
  );
}

const day = (ms: number) => moment(ms).slice(0, 10);
const local = (ms: number) => new Date(ms).toISOString().slice(0, 19);

function Markers({
  state,
  at,
  act,
}: {
  state: StateView;
  at: number | undefined;
  /** Whether it was done. */
  act(what: Promise<void>): Promise<boolean>;
}) {
  const [text, setText] = useState("");
  const [time, setTime] = useState("");
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (at === undefined) return;
    setTime(local(at));
    field.current?.focus();
  }, [at]);
  const submit = (event: Event) => {
    event.preventDefault();
    const ms = time === "" ? Date.now() : Date.parse(`${time}Z`);
    void act(change("POST", "/api/markers", { at: ms, text })).then((done) => {
      // What was typed stays until it is kept.
      if (!done) return;
      setText("");
      setTime("");
    });
  };
  return (
    <section class="card">
      <h2>Markers</h2>
      <form class="row" onSubmit={submit}>
        <label class="wide">
          Text, such as an injection
          <input
            ref={field}
            required
            maxLength={200}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <label>
          Time, UTC (empty: now)
          <input type="datetime-local" step={1} value={time} onInput={(event) => setTime(event.currentTarget.value)} />
        </label>
        <button type="submit">Add</button>
      </form>
      <table>
        <tbody>
          {state.markers.map((marker) => (
            <tr key={marker.id}>
              <td class="time">
                {day(marker.at)}
                <br />
                {clock(marker.at)} UTC
              </td>
              <td class="words">{marker.text}</td>
              <td class="n">
                <button
                  type="button"
                  class="plain"
                  aria-label={`Remove ${marker.text}`}
                  onClick={() => void act(change("DELETE", `/api/markers/${marker.id}`))}
                >
                  ✕
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {state.markers.length === 0 && <p class="quiet">None yet.</p>}
    </section>
  );
}
