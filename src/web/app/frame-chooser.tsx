// Chooses a frame: by moving a slider over the experiment, or by its number.
import { useEffect, useState } from "preact/hooks";
import type { FrameTimeView } from "../picture-views.ts";
import { moment } from "./time.ts";

interface ChooserProps {
  readonly name: string;
  readonly frames: readonly FrameTimeView[];
  readonly entryId: number;
  choose(entryId: number): void;
}

export function FrameChooser({ name, frames, entryId, choose }: ChooserProps) {
  const [number, setNumber] = useState(String(entryId));
  const [moving, setMoving] = useState<number>();
  useEffect(() => setNumber(String(entryId)), [entryId]);
  const at = moving ?? nearest(frames, entryId);
  const shown = frames[at];
  const take = (event: Event) => {
    event.preventDefault();
    const wanted = Number(number);
    if (Number.isInteger(wanted) && wanted > 0) choose(wanted);
  };
  const isListed = moving !== undefined || shown?.entryId === entryId;
  return (
    <form class="chooser" onSubmit={take}>
      <label class="wide">
        {name}: {shown !== undefined && isListed ? moment(shown.capturedAt) : `frame ${entryId}`}
        <input
          type="range"
          min={0}
          max={Math.max(0, frames.length - 1)}
          value={at}
          aria-valuetext={shown === undefined ? "" : `frame ${shown.entryId}, ${moment(shown.capturedAt)}`}
          onInput={(event) => setMoving(Number(event.currentTarget.value))}
          onChange={(event) => {
            setMoving(undefined);
            choose(frames[Number(event.currentTarget.value)]?.entryId ?? entryId);
          }}
        />
      </label>
      <label>
        frame
        <input
          type="number"
          class="short"
          min={1}
          value={moving === undefined ? number : String(shown?.entryId ?? "")}
          onInput={(event) => setNumber(event.currentTarget.value)}
          onBlur={take}
        />
      </label>
    </form>
  );
}

/** Returns the index of the frame with the nearest number. */
function nearest(frames: readonly FrameTimeView[], entryId: number): number {
  let best = 0;
  frames.forEach((frame, at) => {
    const gap = Math.abs(frame.entryId - entryId);
    if (gap < Math.abs((frames[best]?.entryId ?? Number.POSITIVE_INFINITY) - entryId)) best = at;
  });
  return best;
}
