// One grating of the small panels, enlarged: the same curve as in Sensorgrams, with its values.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { StateView } from "../views.ts";
import { useAnalysis, withChanges } from "./analysis.tsx";
import { curvesAddress, keepChoice } from "./curve-choice.tsx";
import { useCurves } from "./curve-feed.ts";
import { Plot } from "./curve-plot.tsx";
import type { Range } from "./limits.tsx";
import { Readout } from "./readout.tsx";
import { zoomed } from "./zoom.ts";
import { ZoomButtons } from "./zoom-buttons.tsx";

const COLUMNS = 900;

interface EnlargedProps {
  /** Label of the grating. */
  readonly label: string;
  /** Its curves: the grating with `pairs`, otherwise its ROIs. */
  readonly names: readonly string[];
  readonly pairs: boolean;
  readonly state: StateView;
  readonly range: Range | undefined;
  readonly limits: Range | undefined;
  /** Shows the next (1) or previous (-1) grating. */
  step(by: number): void;
  close(): void;
}

export function Enlarged({ label, names, pairs, state, range: given, limits, step, close }: EnlargedProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const host = useRef<HTMLDivElement>(null);
  const [message, setMessage] = useState("");
  const [range, setRange] = useState(given);
  const [pointed, setPointed] = useState<{ at: number | undefined; values: readonly (number | null | undefined)[] }>({
    at: undefined,
    values: [],
  });
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  const choice = { wanted: names.join(", "), pairs, references: undefined };
  const analysis = useAnalysis();
  const address = analysis.of(curvesAddress("/api/curves", choice, range, COLUMNS));
  const view = useCurves(address, [analysis.news], setMessage);
  const [from, to] = range ?? view?.span ?? [0, 1];
  const markers = useMemo(
    () => (view === undefined ? [] : withChanges(state.markers, view)),
    [state.markers, view?.joined, view?.changes],
  );
  const zoom = (factor: number) => setRange(zoomed([from, to], factor, pointed.at) ?? range);
  const events = {
    ranged: (first: number, last: number) => setRange([first, last]),
    clicked: () => undefined,
    pointed: (at: number | undefined, values: readonly (number | null | undefined)[]) => setPointed({ at, values }),
    near: () => undefined,
    reset: () => setRange(undefined),
  };
  return (
    <dialog ref={dialog} class="enlarged" aria-labelledby="enlarged-title" onClose={close}>
      <div class="bar spread">
        <h2 id="enlarged-title">{label}</h2>
        <div class="bar tight">
          <button type="button" onClick={() => step(-1)} aria-label="Previous grating">
            ‹ Previous
          </button>
          <button type="button" onClick={() => step(1)} aria-label="Next grating">
            Next ›
          </button>
          <button
            type="button"
            onClick={() => {
              keepChoice(choice);
              location.hash = "sensorgrams";
            }}
          >
            Show in Sensorgrams
          </button>
          <button type="button" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </div>
      </div>
      {message !== "" && (
        <p class="error" role="alert">
          {message}
        </p>
      )}
      <div
        ref={host}
        class="plot"
        role="img"
        tabIndex={0}
        aria-label={`Shift from baseline of ${label}. Arrow keys move the cursor, plus and minus zoom, 0 shows all.`}
      />
      {view !== undefined && (
        <>
          <Plot
            host={host}
            content={{ view, markers, quantity: "shift", unit: "px", from, to, limits }}
            events={events}
            zoom={zoom}
          />
          <Readout view={view} pointed={pointed} unit="px" />
        </>
      )}
      <div class="bar">
        <ZoomButtons zoom={zoom} isZoomed={range !== undefined} showAll={() => setRange(undefined)} />
      </div>
    </dialog>
  );
}
