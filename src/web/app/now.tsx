// Now: is it well, what does the camera see, what comes next.
import { useEffect, useMemo, useState } from "preact/hooks";
import type { BrightfieldView, ChipView, FrameView, StageView, StateView } from "../views.ts";
import { change, get, isForNow, reasonOf } from "./api.ts";
import { GRADES, type Grade } from "./colours.ts";
import { bytes, clock, duration, moment, percent } from "./format.ts";
import { Picture, roiOutlines } from "./picture.tsx";

/** A picture that could not be shown for lack of time or memory is asked for again. */
const AGAIN_MS = 5000;

export function Now({ state }: { state: StateView }) {
  const { frame, chip, said } = useLastFrame(state);
  const outlines = useMemo(() => chip && roiOutlines(chip), [chip]);
  return (
    <div class="split">
      <div class="column">
        {state.alarms.length > 0 && (
          <section class="card" aria-label="Alarms">
            {state.alarms.map(({ what, cure }) => (
              <p class="alarm" role="alert" key={what}>
                <strong>{what}</strong>
                {cure !== "" && <span>{cure}</span>}
              </p>
            ))}
          </section>
        )}
        {state.notes.length > 0 && (
          <section class="card" aria-label="Notes">
            {state.notes.map((note) => (
              <p class="note" key={note}>
                {note}
              </p>
            ))}
          </section>
        )}
        <section class="card">
          <h2>Last frame {frame !== undefined && <span class="quiet">{moment(frame.capturedAt)}</span>}</h2>
          {frame !== undefined && <Picture frame={frame} outlines={outlines} tiles="/api/frame" />}
          {said !== "" && <p class="quiet">{said}</p>}
          <p class="bar">
            {(Object.keys(GRADES) as Grade[]).map((grade) => (
              <span class="key" key={grade}>
                <svg viewBox="0 0 10 10" aria-hidden="true">
                  <rect width="10" height="10" fill={GRADES[grade].colour} />
                </svg>
                {GRADES[grade].words}
              </span>
            ))}
          </p>
        </section>
      </div>
      <div class="column">
        <Frames state={state} />
        {state.brightfield !== undefined && <Brightfield brightfield={state.brightfield} />}
        {frame !== undefined && <Light frame={frame} />}
        <Stages stages={state.stages} experiment={state.experiment} />
        <Storage state={state} />
      </div>
    </div>
  );
}

/** The last frame and its ROIs, read again whenever there is a new one. */
function useLastFrame(state: StateView) {
  const [frame, setFrame] = useState<FrameView>();
  const [chip, setChip] = useState<ChipView>();
  const [said, setSaid] = useState("");
  const newest = state.lastFrame?.filename;
  const none = state.lastFrame === undefined;
  useEffect(() => {
    if (none) {
      setSaid("No frame was captured yet.");
      return;
    }
    const ending = new AbortController();
    let again: ReturnType<typeof setTimeout> | undefined;
    const read = async () => {
      try {
        setFrame(await get<FrameView>("/api/frame", ending.signal));
        setSaid("");
      } catch (error) {
        if (ending.signal.aborted) return;
        setSaid(reasonOf(error));
        if (isForNow(error)) again = setTimeout(() => void read(), AGAIN_MS);
      }
    };
    void read();
    return () => {
      clearTimeout(again);
      ending.abort();
    };
  }, [newest, none]);
  useEffect(() => {
    if (state.method === undefined) return;
    const ending = new AbortController();
    get<ChipView>("/api/chip", ending.signal).then(setChip, () => undefined);
    return () => ending.abort();
  }, [state.outcome]);
  return { frame, chip, said };
}

function Frames({ state: { camera, counts, nextCapture, now, lastFrame, method } }: { state: StateView }) {
  const waiting = counts === undefined ? 0 : counts.pending + counts.processing;
  return (
    <section class="card">
      <h2>Frames</h2>
      <dl>
        <dt>camera</dt>
        <dd>
          {camera === undefined
            ? "none"
            : camera.simulated
              ? "none: the simulated chip, its pictures are computed"
              : camera.type}
        </dd>
        <dt>next capture in</dt>
        <dd>
          <Countdown to={nextCapture} now={now} />
        </dd>
        <dt>last</dt>
        <dd>
          {lastFrame === undefined ? "none yet" : `${clock(Date.parse(lastFrame.capturedAt))} UTC, ${lastFrame.status}`}
        </dd>
        <dt>measured</dt>
        <dd>
          {counts?.processed ?? 0}
          {method !== undefined && ` by ${method}`}
        </dd>
        <dt>waiting to be measured</dt>
        <dd>{waiting}</dd>
        <dt>not yet in the CSV</dt>
        <dd>{counts === undefined ? 0 : Math.max(0, counts.processed - counts.transmitted)}</dd>
        <dt>failed</dt>
        <dd>{counts?.failed ?? 0}</dd>
      </dl>
    </section>
  );
}

const BRIGHTFIELD: Readonly<Record<BrightfieldView["state"], string>> = {
  none: "None taken since the start of the run.",
  asked: "Asked for; taken after the next capture.",
  taking: "Being taken …",
  taken: "Taken:",
  failed: "None taken:",
};

function Brightfield({ brightfield: { state, said } }: { brightfield: BrightfieldView }) {
  const [refused, setRefused] = useState("");
  const take = () =>
    change("POST", "/api/brightfield", {}).then(
      () => setRefused(""),
      (error: Error) => setRefused(error.message),
    );
  return (
    <section class="card">
      <h2>Brightfield</h2>
      <button type="button" disabled={state === "asked" || state === "taking"} onClick={() => void take()}>
        Brightfield now
      </button>
      <p class={`path ${state === "failed" ? "error" : "quiet"}`} role="status">
        {BRIGHTFIELD[state]} {said}
      </p>
      {refused !== "" && (
        <p class="error" role="alert">
          {refused}
        </p>
      )}
    </section>
  );
}

/** Counts down by itself between two states. The server's clock is the one that counts. */
function Countdown({ to, now }: { to: number | undefined; now: number }) {
  const [leftMs, setLeft] = useState<number>();
  useEffect(() => {
    if (to === undefined) return setLeft(undefined);
    const ends = performance.now() + to - now;
    const tick = () => setLeft(Math.max(0, ends - performance.now()));
    tick();
    const timer = setInterval(tick, 250);
    return () => clearInterval(timer);
  }, [to, now]);
  return <>{leftMs === undefined ? "–" : duration(leftMs / 1000)}</>;
}

function Light({ frame: { histogram, saturated, brightness, focus, width, height, bitDepth } }: { frame: FrameView }) {
  // Logarithmic: a few saturated pixels among millions must be seen.
  const top = Math.log1p(Math.max(...histogram));
  const path = histogram.map(
    (count, at) => `${at === 0 ? "M" : "L"}${at} ${(60 - (60 * Math.log1p(count)) / top).toFixed(1)}`,
  );
  return (
    <section class="card">
      <h2>Light</h2>
      <svg
        class="histogram"
        viewBox="0 0 255 60"
        preserveAspectRatio="none"
        role="img"
        aria-label={`Histogram of brightness; mean ${percent(brightness)} of the scale`}
      >
        <path d={`${path.join("")}V60H0Z`} fill="var(--accent)" opacity="0.75" />
      </svg>
      <dl>
        <dt>brightness</dt>
        <dd>{percent(brightness)} of the scale</dd>
        <dt>saturated</dt>
        <dd class={saturated > 0.001 ? "error" : ""}>{percent(saturated)} of the pixels</dd>
        <dt title="Variance of the Laplacian, as in phorest preview: higher is sharper; compare images of the same exposure">
          focus
        </dt>
        <dd>{focus.toFixed(1)}</dd>
        <dt>picture</dt>
        <dd>
          {width} × {height}, {bitDepth} bit
        </dd>
      </dl>
    </section>
  );
}

const LAMPS: Readonly<Record<string, string>> = { faulted: "bad", backing_off: "warn", stopped: "off", idle: "off" };
const STALE_SECONDS = 30;

function Stages({ stages, experiment }: { stages: readonly StageView[]; experiment: string }) {
  return (
    <section class="card">
      <h2>Stages</h2>
      <table>
        <thead>
          <tr>
            <th>stage</th>
            <th>state</th>
            <th class="n">heard</th>
          </tr>
        </thead>
        <tbody>
          {stages.map(({ stage, state, ageSeconds, detail }) => {
            const stale = experiment === "running" && ageSeconds > STALE_SECONDS;
            const lamp = experiment === "running" ? (stale ? "bad" : (LAMPS[state] ?? "")) : "off";
            return (
              <tr key={stage}>
                <td class={`name lamp ${lamp}`}>{stage}</td>
                <td>
                  {state.replace("_", " ")}
                  {detail !== "" && <div class="quiet">{detail}</div>}
                </td>
                <td class="n">{ageSeconds < 1 ? "just now" : `${duration(ageSeconds)} ago`}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

function Storage({ state: { disk, share, counts } }: { state: StateView }) {
  return (
    <section class="card">
      <h2>Storage</h2>
      {disk !== undefined && (
        <label class="wide">
          disk: {bytes(disk.freeBytes)} of {bytes(disk.totalBytes)} free
          <meter
            min={0}
            max={disk.totalBytes}
            low={disk.minFreeBytes}
            optimum={disk.totalBytes}
            value={disk.freeBytes}
          />
        </label>
      )}
      {disk?.full !== undefined && <p>{disk.full}</p>}
      {share !== undefined && (
        <label class="wide">
          share: {share.copied} copied, {share.waiting} waiting
          <meter min={0} max={Math.max(1, share.copied + share.waiting)} value={share.copied} />
        </label>
      )}
      {counts !== undefined && (
        <p class="quiet">
          {counts.localImages} pictures here, {bytes(counts.localBytes)}
        </p>
      )}
    </section>
  );
}
