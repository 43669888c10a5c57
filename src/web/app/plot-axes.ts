// The axes of the plot: titles with unit and time zone, dates as "29 Nov", minus signs.
import uPlot from "uplot";
import { fixed } from "./format.ts";
import { theme } from "./theme.ts";
import { decimalsOf } from "./ticks.ts";
import { clock, day, zoneName } from "./time.ts";

/** Space between time ticks: the width of their labels and a margin. */
const TIME_SPACE_PX = 80;
const DAY_SECONDS = 86_400;

/** Returns a time on the clock of the page's zone, for the plot's time ticks. */
export const inZone = (seconds: number) => uPlot.tzDate(new Date(seconds * 1000), zoneName());

/** Formats time ticks on a 24-hour clock. Adds the date where it changes; shows only the date for steps of a day or more. */
function timeTicks(_plot: uPlot, splits: number[], _axis: number, _space: number, step: number): string[] {
  return splits.map((at, place) => {
    const today = day(at * 1000);
    const before = place === 0 ? "" : day((splits[place - 1] as number) * 1000);
    if (step >= DAY_SECONDS) return today;
    const time = clock(at * 1000, step < 60);
    return today === before ? time : `${time}\n${today}`;
  });
}

/** Uses enough decimals to tell neighbouring ticks apart, also for small units. */
function numberTicks(_plot: uPlot, splits: number[], _axis: number, _space: number, step: number): string[] {
  return splits.map((value) => fixed(value, decimalsOf(step)));
}

/** Returns the axes: time, and a quantity with its unit; `titled`: whether the time axis has its title. */
export function axes(label: string, titled: boolean): uPlot.Axis[] {
  const common = () => ({
    stroke: theme("--text"),
    grid: { stroke: theme("--line"), width: 1 },
    ticks: { stroke: theme("--line"), width: 1 },
    labelFont: "13px system-ui, sans-serif",
  });
  const title = titled ? { label: `time, ${zoneName()}`, labelSize: 20 } : {};
  return [
    { ...common(), ...title, space: TIME_SPACE_PX, values: timeTicks },
    { ...common(), label, size: 62, labelSize: 22, values: numberTicks },
  ];
}
