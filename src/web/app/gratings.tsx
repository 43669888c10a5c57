// Gratings: a small curve for each grating at its place on the chip, live, on one canvas. A click or Enter enlarges one.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ChipView, MarkerView, PanelsView, StateView } from "../views.ts";
import { Changes, useAnalysis, withChanges } from "./analysis.tsx";
import { get } from "./api.ts";
import { curveColour } from "./colours.ts";
import { Enlarged } from "./enlarged.tsx";
import { useFeed } from "./feed.ts";
import { number } from "./format.ts";
import { type Range, TimeLimits, YLimits } from "./limits.tsx";
import { commonLimits, lastValue, ownLimits, withChangedColumns } from "./panel-data.ts";
import { drawPanels } from "./panel-drawing.ts";
import { type Direction, gridOf, neighbour, type Panel, panelAt, panelsOf } from "./panel-layout.ts";
import { period } from "./time.ts";

/**
 * The number of columns of a panel is requested in steps, so that dragging the window's edge does not send a request for each
 * px.
 */
const COLUMN_STEP = 32;
const FEWEST_COLUMNS = 32;
const MOST_COLUMNS = 128;

export function Gratings({ state }: { state: StateView }) {
  const analysis = useAnalysis();
  const [chip, setChip] = useState<ChipView>();
  const [message, setMessage] = useState("");
  const [pairs, setPairs] = useState(true);
  const [own, setOwn] = useState(false);
  const [typed, setTyped] = useState<Range>();
  const [range, setRange] = useState<Range>();
  const [chosen, setChosen] = useState<string>();
  const [enlarged, setEnlarged] = useState<string>();
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (state.method === undefined) {
      setMessage("No frame has been measured yet.");
      return;
    }
    get<ChipView>(analysis.of("/api/chip")).then(setChip, (error: Error) => setMessage(error.message));
  }, [state.method, analysis.name]);
  const address = chip && analysis.of(addressOf({ pairs, range, columns: columnsFor(chip, width) }));
  const view = useFeed<PanelsView>(address, [analysis.news], withChangedColumns, setMessage);
  const labels = view?.units.map(({ label }) => label).join();
  const panels = useMemo(() => (chip === undefined || view === undefined ? [] : panelsOf(chip, view)), [chip, labels]);
  const markers = useMemo(
    () => (view === undefined ? [] : withChanges(state.markers, view)),
    [state.markers, view?.joined, view?.changes],
  );
  if (view === undefined || chip === undefined) return <p role="status">{message || "Loading the gratings …"}</p>;
  const all = typed ?? commonLimits(view);
  const limitsOf = (panel: Panel) =>
    ownLimits(view, panel) === undefined ? undefined : typed === undefined && own ? ownLimits(view, panel) : all;
  const current = panels.find(({ label }) => label === chosen) ?? panels[panels.length >> 1];
  const span = range ?? view.span;
  const step = (label: string, by: number) => {
    const at = panels.findIndex((panel) => panel.label === label) + by;
    const next = panels[(at + panels.length) % panels.length]?.label;
    setChosen(next);
    setEnlarged(next);
  };
  return (
    <section class="card">
      <h2>
        {panels.length} gratings <span class="quiet">{period(span[0], span[1])}</span>
      </h2>
      <div class="bar">
        <div class="bar tight" role="group" aria-label="Limits of the panels">
          <button type="button" aria-pressed={!own && typed === undefined} onClick={() => choose(false)}>
            Common limits
          </button>
          <button type="button" aria-pressed={own && typed === undefined} onClick={() => choose(true)}>
            Own limits
          </button>
        </div>
        {chip.gratings.length > 0 && (
          <label class="inline">
            <input type="checkbox" checked={pairs} onChange={(event) => setPairs(event.currentTarget.checked)} />{" "}
            combine the halves of each bow-tie
          </label>
        )}
        <label class="inline apart">
          Grating
          <select value={current?.label} onChange={(event) => setChosen(event.currentTarget.value)}>
            {panels.map(({ label }) => (
              <option key={label} value={label}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <button type="button" onClick={() => setEnlarged(current?.label)}>
          Enlarge
        </button>
      </div>
      <div class="bar">
        <YLimits range={typed} set={setTyped} unit="px" />
        <TimeLimits range={range} set={setRange} />
      </div>
      {message !== "" && (
        <p class="error" role="alert">
          {message}
        </p>
      )}
      <Canvas
        markers={markers}
        view={view}
        panels={panels}
        span={span}
        chosen={current}
        limitsOf={limitsOf}
        choose={setChosen}
        enlarge={setEnlarged}
        resized={setWidth}
      />
      <p class="bar quiet">
        <span>
          {own && typed === undefined
            ? "Each panel has its own limits"
            : `Each panel: ${number(all?.[0], 2)} to ${number(all?.[1], 2)} px`}
          , shift from baseline{view.references.length > 0 && `, minus ${view.references.length} references`}. Grey
          line: 0 px. Dashed: markers. Crossed out: no value. Triangle: most frames are flagged.
        </span>
        {!pairs && <Halves view={view} panel={current} />}
      </p>
      <p class="bar" role="status">
        {current !== undefined && spoken(current, view)}
      </p>
      <Changes joined={view.joined} changes={view.changes} />
      {enlarged !== undefined && (
        <Enlarged
          label={enlarged}
          names={panels
            .filter(({ label }) => label === enlarged)
            .flatMap(({ units }) => units.flatMap((unit) => view.units[unit]?.label ?? []))}
          pairs={pairs && chip.gratings.includes(enlarged)}
          state={state}
          range={range}
          limits={typed}
          step={(by) => step(enlarged, by)}
          close={() => setEnlarged(undefined)}
        />
      )}
    </section>
  );

  function choose(isOwn: boolean) {
    setOwn(isOwn);
    setTyped(undefined);
  }
}

/** Returns the last values of a panel as text, for users who cannot see it and for panels too small for their names. */
function spoken({ label, units }: Panel, view: PanelsView): string {
  const values = units.map((unit) => {
    const half = view.units[unit]?.label.slice(label.length + 1) ?? "";
    return `${half === "" ? "" : `${half} `}${number(lastValue(view, unit))} px`;
  });
  return `Grating ${label}: ${values.join(", ")}`;
}

function Halves({ view, panel }: { view: PanelsView; panel: Panel | undefined }) {
  return (
    <>
      {panel?.units.map((unit, at) => (
        <span class="key" key={unit}>
          <svg viewBox="0 0 20 10" aria-hidden="true" class="line">
            <path
              d="M0 5H20"
              stroke={curveColour(at)}
              stroke-width="2"
              stroke-dasharray={at === 0 ? undefined : "5 3"}
            />
          </svg>
          half {view.units[unit]?.label.slice(panel.label.length + 1)}
        </span>
      ))}
    </>
  );
}

function columnsFor(chip: ChipView, width: number): number {
  const side = Math.sqrt(Math.max(1, chip.gratings.length || chip.rois.length));
  const columns = COLUMN_STEP * Math.round(width / side / COLUMN_STEP);
  return Math.max(FEWEST_COLUMNS, Math.min(MOST_COLUMNS, columns));
}

interface Asked {
  readonly pairs: boolean;
  readonly range: Range | undefined;
  readonly columns: number;
}

function addressOf({ pairs, range, columns }: Asked): string {
  const query = new URLSearchParams({ pairs: pairs ? "1" : "0", columns: String(columns) });
  if (range !== undefined) {
    query.set("from", String(range[0]));
    query.set("to", String(range[1]));
  }
  return `/api/panels?${query}`;
}

interface CanvasProps {
  readonly markers: readonly MarkerView[];
  readonly view: PanelsView;
  readonly panels: readonly Panel[];
  readonly span: Range;
  readonly chosen: Panel | undefined;
  limitsOf(panel: Panel): Range | undefined;
  choose(label: string): void;
  enlarge(label: string): void;
  resized(width: number): void;
}

const KEYS: Readonly<Record<string, Direction>> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};

function Canvas({ markers, view, panels, span, chosen, limitsOf, choose, enlarge, resized }: CanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [shade, setShade] = useState(0);
  useEffect(() => {
    const element = canvas.current as HTMLCanvasElement;
    const observer = new ResizeObserver(() => {
      setWidth(element.clientWidth);
      resized(element.clientWidth);
    });
    observer.observe(element);
    const coloured = () => setShade((known) => known + 1);
    addEventListener("themechange", coloured);
    return () => {
      observer.disconnect();
      removeEventListener("themechange", coloured);
    };
  }, []);
  const grid = gridOf(panels, width);
  useLayoutEffect(() => {
    if (canvas.current === null || width === 0) return;
    drawPanels(canvas.current, width, { panels, grid, view, markers, span, chosen: chosen?.label, limitsOf });
  }, [view, panels, width, span[0], span[1], chosen?.label, limitsOf, shade, markers]);
  const under = (event: MouseEvent) => panelAt(panels, grid, event.offsetX, event.offsetY);
  const pressed = (event: KeyboardEvent) => {
    if (chosen === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const direction = KEYS[event.key];
    if (direction === undefined && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    if (direction === undefined) enlarge(chosen.label);
    else choose(neighbour(panels, chosen, direction).label);
  };
  return (
    <canvas
      ref={canvas}
      class="panels"
      style={{ height: `${grid.height}px` }}
      tabIndex={0}
      role="img"
      aria-label={`Curves of ${panels.length} gratings, arranged as on the chip. Arrow keys choose a grating, Enter enlarges it.`}
      onKeyDown={pressed}
      onPointerMove={(event) => {
        const panel = event.pointerType === "mouse" ? under(event) : undefined;
        if (panel !== undefined && panel.label !== chosen?.label) choose(panel.label);
      }}
      onClick={(event) => {
        const panel = under(event);
        if (panel === undefined) return;
        choose(panel.label);
        enlarge(panel.label);
      }}
    />
  );
}
