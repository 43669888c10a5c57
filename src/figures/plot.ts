// Draws the plot of an experiment in one of two forms. Up to 20 ROIs share one panel with a legend; more are drawn as an
// overview and one small panel each, laid out like the chip.
import { join } from "node:path";
import { writeDurably } from "../system/files.ts";
import { chipFigure } from "./chip-figure.ts";
import type { PlotInput, TemperatureSeries } from "./plot-input.ts";
import { type Picture, renderVega, renderVegaLite } from "./render.ts";
import { stackedFigure } from "./stacked-figure.ts";
import { type Limits, timeSpan } from "./trace.ts";

const PLOT_NAME = "processed_data_plot";

/** Maximum number of ROIs in one panel; more are not legible. */
const MOST_IN_ONE_PANEL = 20;

/** Draws the input. Needs neither a display nor installed fonts; the same input gives the same bytes on every machine. */
export async function renderPlot(given: PlotInput): Promise<Picture> {
  const input = { ...given, temperatures: onAxis(given.temperatures, timeSpan(given.spanMs)) };
  if (input.series.length <= MOST_IN_ONE_PANEL) return await renderVegaLite(stackedFigure(input));
  return await renderVega(await chipFigure(input));
}

/**
 * Returns the readings within the time axis. Imported readings may be a year away from it, and a line far outside its panel
 * ends the whole process, because the rasteriser finds no box around it. An infinite value would leave the temperature axis
 * without limits.
 */
function onAxis(temperatures: readonly TemperatureSeries[], [begin, end]: Limits): TemperatureSeries[] {
  return temperatures.map(({ sensor, timesMs, values }) => {
    const isOn = (_value: number, at: number) => {
      const timeMs = timesMs[at] as number;
      return timeMs >= begin && timeMs <= end && Math.abs(values[at] as number) !== Number.POSITIVE_INFINITY;
    };
    return { sensor, timesMs: timesMs.filter(isOn), values: values.filter(isOn) };
  });
}

/** Writes `processed_data_plot.png` and `.svg` into a directory, completely or not at all; returns their paths. */
export async function writePlot(directory: string, { svg, png }: Picture): Promise<string[]> {
  const paths = [join(directory, `${PLOT_NAME}.png`), join(directory, `${PLOT_NAME}.svg`)] as const;
  await writeDurably(paths[0], png);
  await writeDurably(paths[1], svg);
  return [...paths];
}
