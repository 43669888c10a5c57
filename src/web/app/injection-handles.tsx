// The edges of injections over a plot: dragged by pointer, moved by keys.
import { useRef } from "preact/hooks";
import type { InjectionView } from "../evaluation-views.ts";
import type { PlotBox } from "./plot.ts";
import { moment } from "./time.ts";

export type Edge = "start" | "end" | "dissociationEnd";

const EDGES: Readonly<Record<Edge, string>> = {
  start: "Start",
  end: "End",
  dissociationEnd: "End of the dissociation",
};
/** Keys move an edge by a second, with Shift by ten. */
const STEP_MS = 1000;
const LONG_STEP_MS = 10_000;

interface HandlesProps {
  readonly injections: readonly InjectionView[];
  readonly box: PlotBox;
  /** Shown time, ms. */
  readonly from: number;
  readonly to: number;
  /** Called while an edge moves, with the resulting injection. */
  move(injection: InjectionView): void;
  /** Called when the edge is dropped; `edge` is the one that changed. */
  commit(injection: InjectionView, edge: Edge): void;
  /** Called when the move is cancelled: the edge returns to its old position. */
  cancel(): void;
}

export function InjectionHandles({ injections, box, from, to, ...acts }: HandlesProps) {
  const shown = injections.flatMap((injection) =>
    (Object.keys(EDGES) as Edge[]).flatMap((edge) => {
      const at = injection[edge];
      return at === null || at < from || at > to ? [] : [{ injection, edge, at }];
    }),
  );
  return (
    <>
      {shown.map(({ injection, edge, at }) => (
        <Handle
          key={`${injection.id} ${edge}`}
          injection={injection}
          edge={edge}
          leftPx={box.left + ((at - from) / (to - from)) * box.width}
          msPerPx={(to - from) / box.width}
          box={box}
          limits={limitsOf(injections, injection, edge, from, to)}
          {...acts}
        />
      ))}
    </>
  );
}

/** Returns the allowed range of an edge: between the other edges of its injection and its neighbours. */
function limitsOf(all: readonly InjectionView[], own: InjectionView, edge: Edge, from: number, to: number) {
  const before = all.filter(({ end, id }) => id !== own.id && end <= own.start).map(({ end }) => end);
  const after = all.filter(({ start, id }) => id !== own.id && start >= own.end).map(({ start }) => start);
  const [earliest, latest] = [Math.max(from, ...before), Math.min(to, ...after)];
  switch (edge) {
    case "start":
      return { least: earliest, most: own.end - STEP_MS };
    case "end":
      return { least: own.start + STEP_MS, most: own.dissociationEnd ?? latest };
    case "dissociationEnd":
      return { least: own.end, most: latest };
  }
}

interface HandleProps extends Pick<HandlesProps, "box" | "move" | "commit" | "cancel"> {
  readonly injection: InjectionView;
  readonly edge: Edge;
  readonly leftPx: number;
  readonly msPerPx: number;
  readonly limits: { readonly least: number; readonly most: number };
}

function Handle({ injection, edge, leftPx, msPerPx, box, limits, move, commit, cancel }: HandleProps) {
  const grip = useRef<{ readonly x: number; readonly at: number; readonly msPerPx: number }>();
  /** Whether it is being moved with keys, until Enter or until the focus leaves. */
  const isMoved = useRef(false);
  const at = injection[edge] ?? 0;
  const to = (ms: number): InjectionView => ({
    ...injection,
    [edge]: Math.round(Math.min(Math.max(ms, limits.least), limits.most)),
  });
  const settle = () => {
    if (!isMoved.current) return;
    isMoved.current = false;
    commit(injection, edge);
  };
  const keys: Readonly<Record<string, (step: number) => void>> = {
    ArrowLeft: (step) => move(to(at - step)),
    ArrowRight: (step) => move(to(at + step)),
  };
  const pressed = (event: KeyboardEvent) => {
    const step = keys[event.key];
    if (step !== undefined) {
      event.preventDefault();
      isMoved.current = true;
      step(event.shiftKey ? LONG_STEP_MS : STEP_MS);
    } else if (event.key === "Enter") {
      event.preventDefault();
      settle();
    } else if (event.key === "Escape" && isMoved.current) {
      isMoved.current = false;
      cancel();
    }
  };
  return (
    <div
      class={`handle ${edge}`}
      role="slider"
      tabIndex={0}
      aria-label={`${EDGES[edge]} of injection ${injection.id}, ${injection.solution}`}
      aria-orientation="horizontal"
      aria-valuemin={Math.round(limits.least / 1000)}
      aria-valuemax={Math.round(limits.most / 1000)}
      aria-valuenow={Math.round(at / 1000)}
      aria-valuetext={moment(at)}
      title={`${EDGES[edge]} of ${injection.solution}: ${moment(at)}. Drag it, or move it with the arrow keys and press Enter.`}
      style={{ left: `${leftPx}px`, top: `${box.top}px`, height: `${box.height}px` }}
      onKeyDown={pressed}
      onBlur={settle}
      onPointerDown={(event) => {
        event.preventDefault();
        event.currentTarget.focus();
        event.currentTarget.setPointerCapture(event.pointerId);
        grip.current = { x: event.clientX, at, msPerPx };
      }}
      onPointerMove={(event) => {
        const held = grip.current;
        if (held !== undefined) move(to(held.at + (event.clientX - held.x) * held.msPerPx));
      }}
      onPointerUp={(event) => {
        const held = grip.current;
        grip.current = undefined;
        if (held !== undefined && event.clientX !== held.x) commit(injection, edge);
      }}
      onPointerCancel={() => {
        grip.current = undefined;
        cancel();
      }}
    />
  );
}
