// The time resolution: a histogram of the intervals between neighbouring frames.
import { histogramAxis } from "../../assay/intervals.ts";
import type { FramesView } from "../picture-views.ts";
import { fixed } from "./format.ts";
import { decimalsOf, roundTicks } from "./ticks.ts";

const WIDTH = 320;
const HEIGHT = 150;
const LEFT = 42;
const RIGHT = 12;
const TOP = 20;
const BOTTOM = 18;

/** Seconds, to three digits. */
function seconds(value: number): string {
  return `${Number(value.toPrecision(3))} s`;
}

export function Intervals({ intervals }: { intervals: NonNullable<FramesView["intervals"]> }) {
  const { bars, medianSeconds, shortestSeconds, longestSeconds, long } = intervals;
  const [low, high] = histogramAxis(bars);
  const most = Math.max(1, ...bars.map(({ count }) => count));
  // Logarithmic, with one frame half a step high: a single gap must be visible next to thousands of regular intervals.
  const steps = Math.log10(2 * most);
  const x = (value: number) => LEFT + ((WIDTH - LEFT - RIGHT) * (value - low)) / (high - low);
  const y = (count: number) => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * Math.log10(2 * count)) / (steps || 1);
  const counts = Array.from({ length: 1 + Math.floor(Math.log10(most)) }, (_v, power) => 10 ** power);
  const { ticks, step } = roundTicks(low, high, 5);
  const [shortest, longest] = [seconds(shortestSeconds), seconds(longestSeconds)];
  const words =
    shortest === longest ? `all ${shortest}` : `median ${seconds(medianSeconds)}, ${shortest} to ${longest}`;
  return (
    <section class="card">
      <h2>Time resolution</h2>
      <figure class="chart">
        <svg
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          role="img"
          aria-label={`Histogram of the intervals between frames: ${words}`}
          fill="var(--quiet)"
          font-size="10"
        >
          {counts.map((count) => (
            <g key={count}>
              <path d={`M${LEFT} ${y(count)}H${WIDTH - RIGHT}`} stroke="var(--line)" stroke-width="0.5" />
              <text x={LEFT - 4} y={y(count) + 3.5} text-anchor="end">
                {count}
              </text>
            </g>
          ))}
          {bars.map(({ from, to, count }) =>
            count === 0 ? null : (
              <rect
                key={from}
                x={x(from)}
                y={y(count)}
                width={Math.max(1, x(to) - x(from) - 0.5)}
                height={HEIGHT - BOTTOM - y(count)}
                fill="var(--accent)"
              />
            ),
          )}
          {ticks.map((at) => (
            <text key={at} x={Math.min(x(at), WIDTH - 14)} y={HEIGHT - 5} text-anchor="middle">
              {fixed(at, decimalsOf(step))}
            </text>
          ))}
          <path d={`M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - RIGHT}`} fill="none" stroke="var(--line)" />
          <text x={4} y={11}>
            frames (logarithmic)
          </text>
        </svg>
        <figcaption>interval between frames, s</figcaption>
      </figure>
      <p class="quiet">
        {words}.{long > 0 && ` ${long === 1 ? "One interval has" : `${long} intervals have`} room for a missing frame.`}
      </p>
    </section>
  );
}
