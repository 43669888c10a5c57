// Calibration: choose an image, check the chip that was found in it, name two labels manually if it was not found, and accept
// the new ROIs.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { CalibrationFound, CalibrationView } from "../calibration-views.ts";
import type { StateView } from "../views.ts";
import { ask, get, reasonOf } from "./api.ts";
import { GRADES } from "./colours.ts";
import { bytes, number } from "./format.ts";
import { NamedPlaces, type Naming } from "./named-places.tsx";
import type { Outlines } from "./overlays.ts";
import { Picture } from "./picture.tsx";

const LABEL_COLOUR = "#66ccee";
const POLL_MS = 400;
const BUSY: ReadonlySet<CalibrationView["state"]> = new Set(["receiving", "searching", "writing"]);
const NOTHING_NAMED: Naming = { chip: "", active: 0, places: [{ label: "" }, { label: "" }] };

export function Calibration({ state }: { state: StateView }) {
  const [view, setView] = useState<CalibrationView>();
  const [message, setMessage] = useState("");
  const [naming, setNaming] = useState(NOTHING_NAMED);
  /** While waiting for the next frame: the newest frame at the start of the wait. */
  const [after, setAfter] = useState<{ readonly filename: string | undefined }>();
  const [page, setPage] = useState(1);
  const busy = view !== undefined && BUSY.has(view.state);
  const read = () =>
    get<CalibrationView>("/api/calibration").then(setView, (error: Error) => setMessage(error.message));
  useEffect(() => {
    void read();
  }, []);
  useEffect(() => {
    if (!busy) return;
    const timer = setInterval(() => void read(), POLL_MS);
    return () => clearInterval(timer);
  }, [busy]);
  const act = async (asked: Promise<CalibrationView>) => {
    setMessage("");
    try {
      setView(await asked);
    } catch (error) {
      setMessage(reasonOf(error));
      await read();
    }
  };
  const begin = (asked: Promise<CalibrationView>) => {
    setNaming(NOTHING_NAMED);
    return act(asked);
  };
  const takeFile = (file: File | undefined) => {
    if (file === undefined) return;
    if (view !== undefined && file.size > view.largestBytes) {
      setMessage(`${file.name} is too large: ${bytes(file.size)}. The limit is ${bytes(view.largestBytes)}.`);
      return;
    }
    void begin(
      ask("POST", `/api/calibration/picture?${new URLSearchParams({ name: file.name, page: `${page}` })}`, file),
    );
  };
  useDropped(takeFile);
  const newest = state.lastFrame?.filename;
  useEffect(() => {
    if (after === undefined || newest === after.filename) return;
    setAfter(undefined);
    void begin(ask("POST", "/api/calibration/frame", {}));
  }, [newest, after]);
  const outlines = useMemo(() => view?.found && outlinesOf(view.found), [view?.found]);
  const places = useMemo(
    () =>
      naming.places.flatMap(({ label, x, y }) => (x === undefined || y === undefined ? [] : [{ text: label, x, y }])),
    [naming],
  );
  const search = () => {
    const named = naming.places.flatMap(({ label, x, y }) =>
      label === "" || x === undefined || y === undefined ? [] : [{ label, x, y }],
    );
    const chip = naming.chip === "" ? {} : { chip: naming.chip };
    void act(ask("POST", "/api/calibration/search", { id: view?.id, places: named, ...chip }));
  };
  return (
    <section class="card">
      <h2>Calibration</h2>
      <Sources
        busy={busy}
        waiting={after !== undefined}
        take={takeFile}
        page={page}
        setPage={setPage}
        last={() => void begin(ask("POST", "/api/calibration/frame", {}))}
        next={() => setAfter(after === undefined ? { filename: newest } : undefined)}
      />
      {message !== "" && (
        <p class="error" role="alert">
          {message}
        </p>
      )}
      {view !== undefined && <Progress view={view} />}
      {view?.picture !== undefined && (
        <>
          <Picture
            frame={view.picture}
            outlines={outlines}
            tiles="/api/calibration/tile"
            places={places}
            clicked={(x, y) => setNaming((known) => placed(known, known.active, x, y))}
            dragged={(place, x, y) => setNaming((known) => placed(known, indexOf(known, place), x, y))}
          />
          {view.found !== undefined && <Found found={view.found} />}
          {view.warning !== "" && <p class="error">{view.warning}</p>}
          <div class="bar">
            {view.found !== undefined && view.state !== "accepted" && (
              <button
                type="button"
                disabled={busy}
                onClick={() => void act(ask("POST", "/api/calibration/accept", { id: view.id }))}
              >
                Accept and measure with these ROIs
              </button>
            )}
            <button type="button" disabled={busy} onClick={() => void begin(ask("DELETE", "/api/calibration"))}>
              {view.state === "accepted" ? "Close" : "Discard"}
            </button>
          </div>
          <NamedPlaces naming={naming} change={setNaming} search={search} busy={busy} open={view.state === "doubt"} />
        </>
      )}
    </section>
  );
}

/** Takes files dropped anywhere on the page; by default a browser would leave the page and open the file. */
function useDropped(take: (file: File | undefined) => void): void {
  const latest = useRef(take);
  latest.current = take;
  useEffect(() => {
    const over = (event: DragEvent) => event.preventDefault();
    const drop = (event: DragEvent) => {
      event.preventDefault();
      latest.current(event.dataTransfer?.files[0]);
    };
    addEventListener("dragover", over);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", over);
      removeEventListener("drop", drop);
    };
  }, []);
}

/** Returns the index among all labels of the nth label shown in the image. */
function indexOf(naming: Naming, shown: number): number {
  const known = naming.places.flatMap(({ x }, at) => (x === undefined ? [] : [at]));
  return known[shown] ?? naming.active;
}

/** Sets the place of a label in whole px, and activates the next label that has no place. */
function placed(naming: Naming, at: number, x: number, y: number): Naming {
  const places = naming.places.map((place, i) => (i === at ? { ...place, x: Math.round(x), y: Math.round(y) } : place));
  const open = places.findIndex((place) => place.x === undefined);
  return { ...naming, places, active: open < 0 ? at : open };
}

function outlinesOf({ summary, imageAngle, rois, labels }: CalibrationFound): Outlines {
  const doubtful = new Set([...summary.without_resonance, ...summary.saturated]);
  const unseen = new Set(summary.labels.filter(({ used }) => !used).map(({ label }) => label));
  return {
    imageAngle,
    boxes: [
      ...rois.map((roi) => {
        return { ...roi, colour: GRADES[doubtful.has(roi.label) ? "bad" : "good"].colour, at: null };
      }),
      ...labels.map((label) => {
        return { ...label, colour: unseen.has(label.label) ? GRADES.none.colour : LABEL_COLOUR, at: null };
      }),
    ],
  };
}

interface SourcesProps {
  readonly busy: boolean;
  readonly waiting: boolean;
  take(file: File | undefined): void;
  /** Page of the next file to choose, from 1. */
  readonly page: number;
  setPage(page: number): void;
  last(): void;
  next(): void;
}

function Sources({ busy, waiting, take, page, setPage, last, next }: SourcesProps) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <div class="row">
      <label class="wide">
        Image: choose a file, or drop one here
        <input
          ref={input}
          type="file"
          accept=".png,.tif,.tiff,.btf,.tf2,.tf8,.bmp,.jpg,.jpeg,.gz"
          disabled={busy}
          onChange={(event) => {
            take(event.currentTarget.files?.[0]);
            event.currentTarget.value = "";
          }}
        />
      </label>
      <label>
        Page, of a file with several images
        <input
          type="number"
          min={1}
          step={1}
          value={page}
          disabled={busy}
          onInput={(event) => setPage(Math.max(1, Math.round(event.currentTarget.valueAsNumber) || 1))}
        />
      </label>
      <button type="button" disabled={busy} onClick={last}>
        Use the last frame
      </button>
      <button type="button" disabled={busy} aria-pressed={waiting} onClick={next}>
        {waiting ? "Waiting for the next frame …" : "Use the next frame"}
      </button>
    </div>
  );
}

const WORDS: Readonly<Record<CalibrationView["state"], string>> = {
  none: "Finds the chip in an image and computes the ROIs. Nothing changes until you accept.",
  receiving: "Uploading the image …",
  searching: "Looking for the chip …",
  found: "The chip was found. Check that the outlines match the gratings.",
  doubt: "Chip position not certain:",
  failed: "Calibration failed:",
  writing: "Writing the ROI manifest …",
  accepted: "Accepted. From the next frame on, phorest measures with these ROIs, as a new analysis. Files written:",
};

function Progress({ view: { state, message, name, page, pages } }: { view: CalibrationView }) {
  const hasProblem = state === "doubt" || state === "failed";
  return (
    <p class={hasProblem ? "error" : "quiet"} role={hasProblem ? "alert" : "status"}>
      {state !== "none" && name !== "" && (
        <strong>{pages > 1 ? `${name}, page ${page} of ${pages}: ` : `${name}: `}</strong>
      )}
      {WORDS[state]} {message}
    </p>
  );
}

function Found({ found: { summary } }: { found: CalibrationFound }) {
  const used = summary.labels.filter((label) => label.used).length;
  const residual = summary.label_residual_px ?? summary.edge_residual_px;
  return (
    <dl>
      <dt>chip</dt>
      <dd>
        {summary.chip_type}, {summary.orientation}
      </dd>
      <dt>angle</dt>
      <dd>{number(summary.image_angle, 3)}°</dd>
      <dt>scale</dt>
      <dd>{number(summary.px_per_um, 5)} px/µm</dd>
      <dt>labels found</dt>
      <dd>
        {used} of {summary.labels.length} in view
      </dd>
      <dt>{summary.label_residual_px === null ? "residual of the edges" : "residual of the labels"}</dt>
      <dd>{number(residual, 2)} px</dd>
      <dt>ROIs</dt>
      <dd>{summary.rois}</dd>
      {summary.without_resonance.length > 0 && (
        <>
          <dt>ROIs without a resonance</dt>
          <dd>{summary.without_resonance.length}</dd>
        </>
      )}
      {summary.dropped.map(({ reason, gratings }) => (
        <>
          <dt>left out</dt>
          <dd>
            {gratings.length} gratings {reason}
          </dd>
        </>
      ))}
      {summary.notes.map((note) => (
        <>
          <dt>note</dt>
          <dd>{note}</dd>
        </>
      ))}
    </dl>
  );
}
