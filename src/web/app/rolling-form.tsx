// Chooses what is drawn: the values of the curves, a rolling median, or a rolling difference.
import { useEffect, useState } from "preact/hooks";

export interface Shown {
  readonly show: "measured" | "median" | "difference";
  /** Frames of the median. */
  readonly frames: number;
}

export const AS_MEASURED: Shown = { show: "measured", frames: 10 };

const WORDS: Readonly<Record<Shown["show"], string>> = {
  measured: "as measured",
  median: "rolling median",
  difference: "difference of rolling medians",
};

/** Returns the quantity of the y-axis. */
export function quantityOf({ show, frames }: Shown): string {
  if (show === "measured") return "shift";
  return show === "median" ? `shift, median of ${frames} frames` : `step of the median of ${frames} frames`;
}

const FEWEST = 2;
const MOST = 1000;

export function RollingForm({ shown, set }: { readonly shown: Shown; set(next: Shown): void }) {
  const [frames, setFrames] = useState(String(shown.frames));
  useEffect(() => setFrames(String(shown.frames)), [shown.frames]);
  const take = (text: string) => {
    setFrames(text);
    const count = Number(text);
    if (Number.isInteger(count) && count >= FEWEST && count <= MOST) set({ ...shown, frames: count });
  };
  return (
    <span class="range">
      <label class="inline">
        show
        <select
          aria-label="show the curves as"
          value={shown.show}
          onChange={(event) => {
            const wanted = event.currentTarget.value;
            set({ ...shown, show: wanted === "median" || wanted === "difference" ? wanted : "measured" });
          }}
        >
          {Object.entries(WORDS).map(([show, words]) => (
            <option key={show} value={show}>
              {words}
            </option>
          ))}
        </select>
      </label>
      {shown.show !== "measured" && (
        <label class="inline">
          frames
          <input
            type="number"
            class="short"
            aria-label="frames of the median"
            min={FEWEST}
            max={MOST}
            list="rolling-frames"
            value={frames}
            onInput={(event) => take(event.currentTarget.value)}
          />
          <datalist id="rolling-frames">
            <option value="10" />
            <option value="20" />
            <option value="50" />
          </datalist>
        </label>
      )}
    </span>
  );
}
