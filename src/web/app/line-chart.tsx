// A small line chart without zoom, with an optional vertical mark. What is written below it wraps, in any width and font.
import { number } from "./format.ts";

const WIDTH = 320;
const HEIGHT = 136;
const LEFT = 46;
const BOTTOM = 6;

interface Line {
  readonly values: readonly (number | null)[];
  readonly colour: string;
}

interface ChartProps {
  readonly name: string;
  readonly x: readonly number[];
  readonly lines: readonly Line[];
  readonly xLabel: string;
  readonly yLabel: string;
  /** Position of a dashed vertical line. */
  readonly mark?: number | undefined;
}

export function LineChart({ name, x, lines, xLabel, yLabel, mark }: ChartProps) {
  const all = lines.flatMap(({ values }) => values.filter((value) => value !== null));
  if (all.length === 0) return <p class="quiet">No values yet.</p>;
  const [low, high] = [all.reduce((a, b) => Math.min(a, b)), all.reduce((a, b) => Math.max(a, b))];
  const [first, last] = [x[0] ?? 0, x.at(-1) ?? 1];
  const px = (value: number) => LEFT + ((WIDTH - LEFT - 6) * (value - first)) / (last - first || 1);
  const py = (value: number) => 8 + (HEIGHT - BOTTOM - 8) * (1 - (value - low) / (high - low || 1));
  const digits = high - low < 1 ? 3 : high - low < 20 ? 2 : 0;
  const path = ({ values }: Line) => {
    let pen = "M";
    let drawn = "";
    values.forEach((value, at) => {
      if (value === null) pen = "M";
      else {
        drawn += `${pen}${px(x[at] as number).toFixed(1)} ${py(value).toFixed(1)}`;
        pen = "L";
      }
    });
    return drawn;
  };
  return (
    <figure class="chart">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`${name}: ${yLabel} from ${number(low, digits)} to ${number(high, digits)}`}
        fill="var(--quiet)"
        font-size="10"
      >
        <path d={`M${LEFT} 6V${HEIGHT - BOTTOM}H${WIDTH - 6}`} fill="none" stroke="var(--line)" />
        {[low, high].map((value, at) => (
          <text key={at} x={LEFT - 4} y={py(value) + 4} text-anchor="end">
            {number(value, digits)}
          </text>
        ))}
        <text x={LEFT + 4} y={15}>
          {yLabel}
        </text>
        {mark !== undefined && (
          <path d={`M${px(mark)} 8V${HEIGHT - BOTTOM}`} stroke="var(--text)" stroke-dasharray="4 3" />
        )}
        {lines.map((line, at) => (
          <path key={at} d={path(line)} fill="none" stroke={line.colour} stroke-width="1.5" />
        ))}
      </svg>
      <figcaption>{xLabel}</figcaption>
    </figure>
  );
}
