// Curves in RIU instead of px, each with its own sensitivity.
import { inRiu as valueInRiu } from "../../assay/precision.ts";
import type { CurvesView, CurveView } from "../views.ts";

/** Whether any of the curves can be shown in RIU. */
export const hasRiu = ({ curves }: CurvesView): boolean => curves.some(({ sensitivity }) => sensitivity !== undefined);

/** Returns the view with all values in RIU. A curve without a sensitivity has none. */
export function inRiu(view: CurvesView): CurvesView {
  return { ...view, curves: view.curves.map(curveInRiu) };
}

const NONE: CurveView["flagged"] = { times: [], values: [], errors: [], flags: [] };

function curveInRiu(curve: CurveView): CurveView {
  const { sensitivity, values, errors, flagged } = curve;
  const of = (px: number | null) => (px === null || sensitivity === undefined ? null : px / sensitivity.pxPerRiu);
  const withError = (px: number | null, error: number | null) =>
    px === null || error === null || sensitivity === undefined ? null : valueInRiu(px, error, sensitivity).error;
  return {
    ...curve,
    values: values.map(of),
    errors: errors.map((error, at) => withError(values[at] ?? null, error)),
    flagged:
      sensitivity === undefined ? NONE : { ...flagged, values: flagged.values.map((px) => px / sensitivity.pxPerRiu) },
    noise: of(curve.noise),
    noiseError: withError(curve.noise, curve.noiseError),
    driftPerHour: of(curve.driftPerHour),
    driftError: withError(curve.driftPerHour, curve.driftError),
    detectionLimit: of(curve.detectionLimit),
    detectionLimitError: withError(curve.detectionLimit, curve.detectionLimitError),
  };
}
