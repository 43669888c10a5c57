// The iso-affinity plot: ka against kd of each grating, with lines of equal KD.
import type { GratingView } from "../../assay/kinetics/experiment/view.ts";
import { isoAffinityLines } from "../../figures/iso-affinity-lines.ts";
import { concentrationText } from "../../measurement/concentration.ts";
import { isFit, power, scientific } from "./kinetics-values.ts";

const [WIDTH, HEIGHT] = [320, 230];
const [LEFT, RIGHT, TOP, BOTTOM] = [42, 10, 18, 30];

interface Props {
  readonly curves: readonly GratingView[];
  readonly chosen: string | undefined;
  choose(label: string): void;
}

interface Point {
  readonly label: string;
  /** Powers of ten, with their 95 % limits. */
  readonly kd: readonly [low: number, value: number, high: number];
  readonly ka: readonly [low: number, value: number, high: number];
  readonly flagged: boolean;
}

export function IsoAffinity({ curves, chosen, choose }: Props) {
  const points = curves.flatMap((one): Point[] => {
    if (!isFit(one)) return [];
    const [ka, kd] = [limitsOf(one.ka), limitsOf(one.kd)];
    return ka === undefined || kd === undefined ? [] : [{ label: one.curve, ka, kd, flagged: one.flags.length > 0 }];
  });
  if (points.length === 0) return <p class="quiet">No grating has both rates fixed: there is no iso-affinity plot.</p>;
  const [x0, x1] = decades(points.map(({ kd }) => kd[1]));
  const [y0, y1] = decades(points.map(({ ka }) => ka[1]));
  const px = (x: number) => LEFT + ((WIDTH - LEFT - RIGHT) * (clamped(x, x0, x1) - x0)) / (x1 - x0);
  const py = (y: number) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - (clamped(y, y0, y1) - y0) / (y1 - y0));
  const whole = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_v, at) => from + at);
  return (
    <>
      <h3>Iso-affinity plot</h3>
      <figure class="chart">
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: with the keyboard, choose a grating in the list above. */}
        <svg
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          role="img"
          aria-label={`ka against kd of ${points.length} gratings, on logarithmic axes with lines of equal KD`}
          fill="var(--quiet)"
          font-size="10"
          onClick={(event) => {
            const label = event.target instanceof Element ? event.target.getAttribute("data-label") : null;
            if (label !== null) choose(label);
          }}
        >
          {isoAffinityLines([x0, x1], [y0, y1]).map(({ power: KD, from, to }) => (
            <g key={KD}>
              <path
                d={`M${px(from.kd)} ${py(from.ka)}L${px(to.kd)} ${py(to.ka)}`}
                stroke="var(--line)"
                stroke-dasharray="4 3"
              />
              <text x={px(to.kd) - 3} y={py(to.ka) + 11} text-anchor="end">
                {concentrationText(10 ** KD)}
              </text>
            </g>
          ))}
          {whole(x0, x1).map((at) => (
            <text key={at} x={px(at)} y={HEIGHT - BOTTOM + 13} text-anchor="middle">
              {power(at)}
            </text>
          ))}
          {whole(y0, y1).map((at) => (
            <text key={at} x={LEFT - 4} y={py(at) + 3.5} text-anchor="end">
              {power(at)}
            </text>
          ))}
          <path d={`M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - RIGHT}`} fill="none" stroke="var(--line)" />
          <text x={4} y={11}>
            ka, 1/(M s)
          </text>
          {points.map(({ label, ka, kd, flagged }) => (
            <g key={label} stroke={label === chosen ? "var(--text)" : "var(--accent)"}>
              <path
                d={`M${px(kd[0])} ${py(ka[1])}H${px(kd[2])}M${px(kd[1])} ${py(ka[0])}V${py(ka[2])}`}
                stroke-width="0.7"
                opacity="0.6"
              />
              <circle
                data-label={label}
                cx={px(kd[1])}
                cy={py(ka[1])}
                r={label === chosen ? 4 : 2.6}
                fill={flagged ? "var(--card)" : label === chosen ? "var(--text)" : "var(--accent)"}
              >
                <title>{`${label}: ka ${scientific(10 ** ka[1], null)} 1/(M s), kd ${scientific(10 ** kd[1], null)} 1/s`}</title>
              </circle>
            </g>
          ))}
        </svg>
        <figcaption>kd, 1/s; dashed: equal KD; bars: 95 %; open circles: flagged</figcaption>
      </figure>
    </>
  );
}

function limitsOf({
  value,
  low95,
  high95,
}: {
  readonly value: number | null;
  readonly low95: number | null;
  readonly high95: number | null;
}): readonly [number, number, number] | undefined {
  if (value === null || !(value > 0)) return undefined;
  return [Math.log10(low95 ?? value), Math.log10(value), Math.log10(high95 ?? value)];
}

/** Returns the powers of ten around the values. */
function decades(values: readonly number[]): readonly [number, number] {
  const low = Math.floor(Math.min(...values) - 0.1);
  return [low, Math.max(low + 1, Math.ceil(Math.max(...values) + 0.1))];
}

const clamped = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
