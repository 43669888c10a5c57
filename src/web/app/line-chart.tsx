// A small line chart without zoom, with an optional vertical mark. What is written below it wraps, in any width and font.
import { fixed } from "./format.ts";
import { decimalsOf, roundTicks, timeTicks } from "./ticks.ts";
import { clock, day, zoneOffsetMs } from "./time.ts";

const WIDTH = 320;
const HEIGHT = 160;
const LEFT = 46;
const RIGHT = 12;
const TOP = 20;
const BOTTOM = 18;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

interface Line {
  /** Absent: those of the chart. */
  readonly x?: readonly number[];
  readonly values: readonly (number | null)[];
  readonly colour: string;
  /** Lengths of line and gap, px; absent for a solid line. */
  readonly dash?: readonly number[];
  /** px; absent: 1.5. */
  readonly width?: number;
}

interface ChartProps {
  readonly name: string;
  readonly x: readonly number[];
  readonly lines: readonly Line[];
  /** With the unit, or the time zone. */
  readonly xLabel: string;
  /** With the unit. */
  readonly yLabel: string;
  /** Position of a dashed vertical line. */
  readonly mark?: number | undefined;
  /** px. */
  readonly height?: number;
  /** `x` is in ms since 1970. */
  readonly isTime?: boolean;
}

interface Tick {
  readonly at: number;
  readonly text: string;
}

function numberTicks(low: number, high: number, most: number): Tick[] {
  const { ticks, step } = roundTicks(low, high, most);
  return ticks.map((at) => ({ at, text: fixed(at, decimalsOf(step)) }));
}

function clockTicks(from: number, to: number, most: number): Tick[] {
  const { ticks, step } = timeTicks(from, to, most, zoneOffsetMs(from));
  return ticks.map((at) => ({ at, text: step >= DAY_MS ? day(at) : clock(at, step < MINUTE_MS) }));
}

export function LineChart({ name, x, lines, xLabel, yLabel, mark, height = HEIGHT, isTime = false }: ChartProps) {
  const all = lines.flatMap(({ values }) => values.filter((value) => value !== null));
  if (all.length === 0) return <p class="quiet">No values yet.</p>;
  const [least, most] = [all.reduce((a, b) => Math.min(a, b)), all.reduce((a, b) => Math.max(a, b))];
  const margin = 0.05 * (most - least || Math.abs(most) || 1);
  const [low, high] = [least - margin, most + margin];
  const [first, last] = [x[0] ?? 0, Math.max(x.at(-1) ?? 1, (x[0] ?? 0) + 1e-9)];
  const px = (value: number) => LEFT + ((WIDTH - LEFT - RIGHT) * (value - first)) / (last - first);
  const py = (value: number) => TOP + (height - BOTTOM - TOP) * (1 - (value - low) / (high - low));
  const yTicks = numberTicks(low, high, height < HEIGHT ? 2 : 4);
  const xTicks = last - first < 1 ? [] : isTime ? clockTicks(first, last, 4) : numberTicks(first, last, 6);
  const bottom = height - BOTTOM;
  const path = ({ values, x: own = x }: Line) => {
    let pen = "M";
    let drawn = "";
    values.forEach((value, at) => {
      if (value === null) pen = "M";
      else {
        drawn += `${pen}${px(own[at] as number).toFixed(1)} ${py(value).toFixed(1)}`;
        pen = "L";
      }
    });
    return drawn;
  };
  return (
    <figure class="chart">
      <svg
        viewBox={`0 0 ${WIDTH} ${height}`}
        role="img"
        aria-label={`${name}: ${yLabel} from ${yTicks[0]?.text ?? fixed(least, 3)} to ${yTicks.at(-1)?.text ?? fixed(most, 3)}`}
        fill="var(--quiet)"
        font-size="10"
      >
        {yTicks.map(({ at, text }) => (
          <g key={text}>
            <path d={`M${LEFT} ${py(at)}H${WIDTH - RIGHT}`} stroke="var(--line)" stroke-width="0.5" />
            <text x={LEFT - 4} y={py(at) + 3.5} text-anchor="end">
              {text}
            </text>
          </g>
        ))}
        {xTicks.map(({ at, text }) => (
          <g key={at}>
            <path d={`M${px(at)} ${bottom}v3`} stroke="var(--line)" />
            <text x={Math.min(px(at), WIDTH - 3 * text.length)} y={height - 5} text-anchor="middle">
              {text}
            </text>
          </g>
        ))}
        <path d={`M${LEFT} ${TOP}V${bottom}H${WIDTH - RIGHT}`} fill="none" stroke="var(--line)" />
        <text x={4} y={11}>
          {yLabel}
        </text>
        {mark !== undefined && <path d={`M${px(mark)} ${TOP}V${bottom}`} stroke="var(--text)" stroke-dasharray="4 3" />}
        {lines.map((line, at) => (
          <path
            key={at}
            d={path(line)}
            fill="none"
            stroke={line.colour}
            stroke-width={line.width ?? 1.5}
            stroke-dasharray={line.dash?.join(" ")}
          />
        ))}
      </svg>
      <figcaption>{xLabel}</figcaption>
    </figure>
  );
}
