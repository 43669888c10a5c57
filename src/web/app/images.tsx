// Images: the difference of two chosen images (has the sample moved?), the profiles of one ROI in several, and the time resolution.
import { useEffect, useState } from "preact/hooks";
import type { DifferenceView, FramesView, FrameTimeView, ProfilesView } from "../picture-views.ts";
import type { ChipView, StateView } from "../views.ts";
import { useAnalysis } from "./analysis.tsx";
import { useAnswer, usePictureAddress } from "./answer.ts";
import { get, getBlob } from "./api.ts";
import { curveColour, curveDash } from "./colours.ts";
import { fixed } from "./format.ts";
import { FrameChooser } from "./frame-chooser.tsx";
import { Intervals } from "./intervals.tsx";
import { LineKey } from "./legend.tsx";
import { LineChart } from "./line-chart.tsx";
import { moment } from "./time.ts";

const MOST_PROFILES = 8;

export function Images({ state }: { state: StateView }) {
  const analysis = useAnalysis();
  const [frames, setFrames] = useState<FramesView>();
  const [chip, setChip] = useState<ChipView>();
  const [message, setMessage] = useState("");
  const [chosen, setChosen] = useState<readonly [number, number]>();
  const none = state.lastFrame === undefined;
  useEffect(() => {
    if (none) {
      setMessage("No frame has been captured yet.");
      return;
    }
    get<FramesView>("/api/frames").then(
      (seen) => {
        setFrames(seen);
        setMessage(seen.frames.length === 0 ? "No frame has an image." : "");
      },
      (error: Error) => setMessage(error.message),
    );
  }, [none]);
  useEffect(() => {
    if (state.method !== undefined)
      get<ChipView>(analysis.of("/api/chip")).then(setChip, (error: Error) => setMessage(error.message));
  }, [state.method, analysis.name]);
  const list = frames?.frames ?? [];
  const [first, last] = [list[0], list.at(-1)];
  if (frames === undefined || first === undefined || last === undefined)
    return <p role="status">{message || "Loading the list of frames …"}</p>;
  const [a, b] = chosen ?? [first.entryId, last.entryId];
  return (
    <div class="split">
      <section class="card">
        <h2>Difference of two images</h2>
        <div class="row">
          <FrameChooser name="A" frames={list} entryId={a} choose={(entry) => setChosen([entry, b])} />
          <FrameChooser name="B" frames={list} entryId={b} choose={(entry) => setChosen([a, entry])} />
        </div>
        <Difference a={a} b={b} />
      </section>
      <div class="column">
        {chip !== undefined && <Profiles chip={chip} frames={list} a={a} b={b} />}
        {frames.intervals !== undefined && <Intervals intervals={frames.intervals} />}
      </div>
    </div>
  );
}

function Difference({ a, b }: { a: number; b: number }) {
  const query = new URLSearchParams({ a: String(a), b: String(b) });
  const found = useAnswer(`/api/difference?${query}`, (path) => get<DifferenceView>(path));
  const picture = useAnswer(found.value && `/api/difference.png?${query}`, getBlob);
  const address = usePictureAddress(picture.value);
  const message = found.message || picture.message;
  const view = found.value;
  if (view === undefined) {
    return message === "" ? (
      <p role="status">Comparing the images …</p>
    ) : (
      <p class="error" role="alert">
        {message}
      </p>
    );
  }
  return (
    <>
      <p role="status">
        <strong>{movement(view)}</strong>
      </p>
      {address !== undefined && (
        <img
          class="difference"
          src={address}
          width={view.width}
          height={view.height}
          alt={`Difference of frame ${b} and frame ${a}. ${movement(view)}`}
        />
      )}
      <p class="quiet">
        Red: B is brighter. Blue: A is brighter. White: equal. The strongest colour is {view.fullScale} counts or more.
        {Math.abs(view.gain - 1) >= 0.0005 && ` B was multiplied by ${fixed(view.gain, 3)} to be as bright as A.`} A
        sample that has moved has a red and a blue side on every edge.
      </p>
    </>
  );
}

/** Movements below this many standard errors count as none. */
const SURE = 3;

function movement({ moved }: DifferenceView): string {
  if (moved === undefined) return "Movement unknown: too little in the two images is alike.";
  const { dx, dy, errorPx, turnDegrees } = moved;
  const size = Math.hypot(dx, dy);
  const parts = `dx ${fixed(dx, 3)}, dy ${fixed(dy, 3)}, each ± ${fixed(errorPx, 3)} px; turned by ${fixed(turnDegrees, 4)}°`;
  return size > SURE * errorPx ? `B has moved by ${fixed(size, 3)} px: ${parts}.` : `B has not moved: ${parts}.`;
}

interface ProfilesProps {
  readonly chip: ChipView;
  readonly frames: readonly FrameTimeView[];
  readonly a: number;
  readonly b: number;
}

function Profiles({ chip, frames, a, b }: ProfilesProps) {
  const analysis = useAnalysis();
  const [label, setLabel] = useState(chip.rois[chip.rois.length >> 1]?.label ?? "");
  const [entries, setEntries] = useState<readonly number[]>([frames[0]?.entryId ?? a, frames.at(-1)?.entryId ?? b]);
  const query = new URLSearchParams({ roi: label });
  for (const entry of entries) query.append("entry", String(entry));
  const path = entries.length === 0 ? undefined : analysis.of(`/api/profiles?${query}`);
  const { value, message } = useAnswer(path, (asked) => get<ProfilesView>(asked));
  const add = (entry: number) => setEntries([...new Set([...entries, entry])].slice(-MOST_PROFILES));
  return (
    <section class="card">
      <h2>Profiles of one ROI</h2>
      <div class="bar">
        <label class="inline">
          ROI
          <select value={label} onChange={(event) => setLabel(event.currentTarget.value)}>
            {chip.rois.map((roi) => (
              <option key={roi.label} value={roi.label}>
                {roi.label}
              </option>
            ))}
          </select>
        </label>
        <button type="button" onClick={() => add(a)}>
          Add A
        </button>
        <button type="button" onClick={() => add(b)}>
          Add B
        </button>
        <button type="button" onClick={() => setEntries([])} disabled={entries.length === 0}>
          Remove all
        </button>
      </div>
      {message !== "" && (
        <p class="error" role="alert">
          {message}
        </p>
      )}
      {entries.length === 0 && (
        <p class="quiet">Choose frames as A or B and add them here, for example an exposure series.</p>
      )}
      {value !== undefined && (
        <>
          <LineChart
            name={`Profiles of ${label}`}
            x={Array.from(value.profiles[0]?.profile ?? [], (_v, at) => at)}
            lines={value.profiles.map(({ profile }, at) => ({
              values: profile,
              colour: curveColour(at),
              dash: curveDash(at),
            }))}
            xLabel="px from the left edge of the ROI"
            yLabel="mean of the rows, counts"
          />
          <ul class="plain">
            {value.profiles.map(({ entryId, capturedAt }, at) => (
              <li key={entryId}>
                <LineKey colour={curveColour(at)} dash={curveDash(at)} /> frame {entryId}, {moment(capturedAt)}
                <button
                  type="button"
                  class="plain"
                  aria-label={`Remove frame ${entryId}`}
                  onClick={() => setEntries(entries.filter((entry) => entry !== entryId))}
                >
                  ✕
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
