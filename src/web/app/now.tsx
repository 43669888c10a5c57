// Now: alarms, the last frame, the next capture, the stages and storage.

import { useEffect, useMemo, useState } from "preact/hooks";
import { agoText, durationText } from "../../system/duration-text.ts";
import type { FrameView } from "../picture-views.ts";
import type { BrightfieldView, ChipView, StageView, StateView } from "../views.ts";
import { useAnalysis } from "./analysis.tsx";
import { change, get, isForNow, reasonOf } from "./api.ts";
import { bytes, percent } from "./format.ts";
import { GradeKey } from "./grade-key.tsx";
import { OutputQueues } from "./output-queues.tsx";
import { Picture, roiOutlines } from "./picture.tsx";
import { clock, moment, zoneName } from "./time.ts";

/** Retry interval for an image that the server could not decode in time or for lack of memory. */
const AGAIN_MS = 5000;

export function Now({ state }: { state: StateView }) {
  const { frame, chip, message } = useLastFrame(state);
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
          {message !== "" && <p class="quiet">{message}</p>}
          <p class="bar">
            <GradeKey outline />
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

/** Returns the last frame and its ROIs; reads them again whenever there is a new one. */
function useLastFrame(state: StateView) {
  const analysis = useAnalysis();
  const [frame, setFrame] = useState<FrameView>();
  const [chip, setChip] = useState<ChipView>();
  const [message, setMessage] = useState("");
  const newest = state.lastFrame?.filename;
  const none = state.lastFrame === undefined;
  useEffect(() => {
    if (none) {
      setMessage("No frame has been captured yet.");
      return;
    }
    const ending = new AbortController();
    let again: ReturnType<typeof setTimeout> | undefined;
    const read = async () => {
      try {
        setFrame(await get<FrameView>("/api/frame", ending.signal));
        setMessage("");
      } catch (error) {
        if (ending.signal.aborted) return;
        setMessage(reasonOf(error));
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
    get<ChipView>(analysis.of("/api/chip"), ending.signal).then(setChip, () => undefined);
    return () => ending.abort();
  }, [analysis.news, analysis.name]);
  return { frame, chip, message };
}

function Frames({ state: { camera, counts, outputs, nextCapture, now, lastFrame, method } }: { state: StateView }) {
  const waiting = counts === undefined ? 0 : counts.pending + counts.processing;
  return (
    <section class="card">
      <h2>Frames</h2>
      <dl>
        <dt>camera</dt>
        <dd>{camera === undefined ? "off" : camera.simulated ? "none: the chip is simulated" : camera.type}</dd>
        <dt>next capture in</dt>
        <dd>
          <Countdown to={nextCapture} now={now} />
        </dd>
        <dt>last capture</dt>
        <dd>
          {lastFrame === undefined
            ? "none yet"
            : `${clock(Date.parse(lastFrame.capturedAt))} ${zoneName()}, ${lastFrame.status}`}
        </dd>
        <dt>measured</dt>
        <dd>
          {counts?.processed ?? 0}
          {method !== undefined && ` by ${method}`}
        </dd>
        <dt>waiting to be measured</dt>
        <dd>{waiting}</dd>
        <OutputQueues outputs={outputs} />
        <dt>failed</dt>
        <dd>{counts?.failed ?? 0}</dd>
      </dl>
    </section>
  );
}

const BRIGHTFIELD: Readonly<Record<BrightfieldView["state"], string>> = {
  unavailable: "Not available:",
  none: "No brightfield image in this run yet.",
  asked: "Requested. It will be taken after the next capture.",
  taking: "Taking it …",
  taken: "Saved:",
  failed: "Failed:",
};

function Brightfield({ brightfield: { state, message } }: { brightfield: BrightfieldView }) {
  const [refused, setRefused] = useState("");
  const take = () =>
    change("POST", "/api/brightfield", {}).then(
      () => setRefused(""),
      (error: Error) => setRefused(error.message),
    );
  return (
    <section class="card">
      <h2>Brightfield</h2>
      <button
        type="button"
        disabled={state === "asked" || state === "taking" || state === "unavailable"}
        onClick={() => void take()}
      >
        Take a brightfield image
      </button>
      <p class={`path ${state === "failed" ? "error" : "quiet"}`} role="status">
        {BRIGHTFIELD[state]} {message}
      </p>
      {refused !== "" && (
        <p class="error" role="alert">
          {refused}
        </p>
      )}
    </section>
  );
}

/** Counts down between two states, by the server's clock. */
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
  return <>{leftMs === undefined ? "–" : leftMs < 1000 ? "now" : durationText(leftMs / 1000)}</>;
}

function Light({ frame: { histogram, saturated, brightness, focus, width, height, bitDepth } }: { frame: FrameView }) {
  // Logarithmic, so that a few saturated pixels among millions are visible.
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
        aria-label={`Brightness histogram, mean ${percent(brightness)} of full scale`}
      >
        <path d={`${path.join("")}V60H0Z`} fill="var(--accent)" opacity="0.75" />
      </svg>
      <p class="ends quiet">
        <span>0</span>
        <span>brightness, share of full scale; pixels, logarithmic</span>
        <span>1</span>
      </p>
      <dl>
        <dt>brightness</dt>
        <dd>{percent(brightness)} of full scale</dd>
        <dt>saturated</dt>
        <dd class={saturated > 0.001 ? "error" : ""}>{percent(saturated)} of pixels</dd>
        <dt title="Variance of the Laplacian, as in phorest preview: higher is sharper; compare images of the same exposure">
          focus
        </dt>
        <dd>{focus.toFixed(1)}</dd>
        <dt>image</dt>
        <dd>
          {width} × {height} px, {bitDepth} bit
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
            <th class="n">last seen</th>
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
                <td class="n">{agoText(ageSeconds)}</td>
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
          {counts.localImages} images on this computer, {bytes(counts.localBytes)}
        </p>
      )}
    </section>
  );
}
