// What the plot of curves shows.
import type { InjectionView } from "../evaluation-views.ts";
import type { CurvesView, MarkerView } from "../views.ts";

export interface PlotContent {
  /** With values in `unit`. */
  readonly view: CurvesView;
  readonly markers: readonly MarkerView[];
  readonly injections?: readonly InjectionView[] | undefined;
  /** Quantity of the y-axis, without the unit: "shift". */
  readonly quantity: string;
  readonly unit: string;
  /** Shown time range, ms, of both the curves and the temperatures. */
  readonly from: number;
  readonly to: number;
  /** Limits of the y-axis, in the unit; undefined: from the curves. */
  readonly limits?: readonly [number, number] | undefined;
  /** Labels of curves that are not drawn. */
  readonly hidden?: ReadonlySet<string>;
  /** Label of the curve that stands out. */
  readonly highlighted?: string | undefined;
}
