// Round ticks for number and time axes.
const FACTORS = [1, 2, 2.5, 5, 10] as const;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TIME_STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((count) => count * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE),
  ...[1, 2, 3, 6, 12].map((count) => count * HOUR),
  ...[1, 2, 7, 14, 28].map((count) => count * DAY),
];
const MOST_DECIMALS = 12;

/** Returns the number of decimals that values `step` apart need. */
export function decimalsOf(step: number): number {
  for (let decimals = 0; decimals < MOST_DECIMALS; decimals += 1) {
    const scaled = step * 10 ** decimals;
    if (Math.abs(scaled - Math.round(scaled)) < 1e-6 * scaled) return decimals;
  }
  return MOST_DECIMALS;
}

/** Returns at most `most` round numbers from `low` to `high`, with their step. */
export function roundTicks(low: number, high: number, most: number): { step: number; ticks: number[] } {
  const least = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = power * (FACTORS.find((factor) => factor * power >= least * (1 - 1e-9)) ?? 10);
  return { step, ticks: multiples(low, high, step) };
}

/** Does the same for times, ms; `offset`: how far the shown clock is ahead of UTC, ms. */
export function timeTicks(from: number, to: number, most: number, offset = 0): { step: number; ticks: number[] } {
  const step = TIME_STEPS.find((one) => (to - from) / one <= most) ?? DAY * Math.ceil((to - from) / (most * DAY));
  return { step, ticks: multiples(from + offset, to + offset, step).map((at) => at - offset) };
}

function multiples(low: number, high: number, step: number): number[] {
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_v, at) => (first + at) * step);
}
