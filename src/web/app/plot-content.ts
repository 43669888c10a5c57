// What the plot of curves shows.
import type { CurvesView, MarkerView } from "../views.ts";

export interface PlotContent {
  readonly view: CurvesView;
  readonly markers: readonly MarkerView[];
  readonly unit: string;
  /** Values are multiplied by this for the unit. */
  readonly factor: number;
  /** Shown time range, ms, of both the curves and the temperatures. */
  readonly from: number;
  readonly to: number;
}
