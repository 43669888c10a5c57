// Shows the precision of each ROI, as a figure and as CSV: frame-to-frame noise, drift per hour, limit of detection.
import { writeToString } from "fast-csv";
import type { TopLevelSpec } from "vega-lite";
import { inRiu } from "../assay/precision.ts";
import type { WorkedSensorgram } from "../assay/worked-sensorgram.ts";
import { medianOf } from "../measurement/statistics.ts";
import { SIMULATED, YES } from "../outputs/csv/file/frame-columns.ts";
import { safeText } from "../outputs/csv/file/text.ts";
import { counted } from "../system/counted.ts";
import { COLOURS, DOUBTFUL_COLOUR, STYLE } from "./figure-style.ts";

/** One ROI's precision in the baseline. */
export type RoiPrecision = Pick<WorkedSensorgram, "label" | "precision" | "sensitivity">;

const WIDTH = 690;
const HEIGHT = 150;
/** Maximum number of labels; more would overlap. */
const MOST_LABELS = 60;

/** Draws noise, drift and limit of detection of every ROI, in their order on the chip; undefined if they are not known yet. */
export function precisionFigure(title: string, rois: readonly RoiPrecision[]): TopLevelSpec | undefined {
  const told = rois.filter(({ precision }) => Number.isFinite(precision.noise));
  if (told.length === 0) return undefined;
  const values = told.map(({ label, precision }) => ({
    label,
    noise: precision.noise * 1000,
    ...ends("noise", precision.noise * 1000, precision.noiseError * 1000),
    drift: orNull(precision.driftPerHour),
    ...ends("drift", precision.driftPerHour, precision.driftError),
    limit: precision.detectionLimit * 1000,
    ...ends("limit", precision.detectionLimit * 1000, precision.detectionLimitError * 1000),
  }));
  const middle = medianOf(Float64Array.from(told, ({ precision }) => precision.noise)) * 1000;
  const repeating = rois.filter(({ precision }) => precision.repeats).length;
  const doubtful = rois.filter(({ precision }) => precision.doubts.length > 0).length;
  const left = rois.length - told.length - repeating;
  const subtitle = [
    `${counted(told.length, "ROI")}  ·  median noise ${middle.toFixed(2)} · 10⁻³ px, limit of detection ${(3 * middle).toFixed(2)} · 10⁻³ px (3σ)`,
    ...(left > 0 ? [`too few frames without flags in the baseline: ${left} of ${rois.length} ROIs`] : []),
    ...(doubtful > 0
      ? [`the baseline is not flat, or contains a step or a marker: ${doubtful} of ${rois.length} ROIs`]
      : []),
    ...(repeating > 0 ? [`values repeat exactly, noise unknown: ${repeating} of ${rois.length} ROIs`] : []),
  ];
  const crowded = told.length > MOST_LABELS;
  const x = (labelled: boolean) => ({
    field: "label",
    type: "nominal",
    sort: null,
    axis: {
      title: labelled ? "ROI" : null,
      labels: labelled,
      ticks: labelled,
      labelAngle: -90,
      labelFontSize: 8.5,
      labelOverlap: crowded ? "greedy" : false,
    },
  });
  const y = (field: string, name: string, zero: boolean) => ({
    field,
    type: "quantitative",
    scale: { zero },
    axis: { title: name, tickCount: 4 },
  });
  const errorRules = (field: string, labelled: boolean) => ({
    mark: { type: "rule", color: "#999999" },
    encoding: {
      x: x(labelled),
      y: y(`${field}Low`, "", field !== "drift"),
      y2: { field: `${field}High` },
    },
  });
  const panel = (layer: object[]) => ({ width: WIDTH, height: HEIGHT, layer });
  const dots = { type: "circle", color: COLOURS[0], size: 26, opacity: 0.9 };
  const line = (datum: number) => ({
    mark: { type: "rule", color: DOUBTFUL_COLOUR, strokeDash: [4, 3] },
    encoding: { y: { datum } },
  });
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: STYLE,
    title: { text: `Noise and drift in the baseline, ${title}`, subtitle, anchor: "start" },
    data: { values },
    spacing: 12,
    vconcat: [
      panel([
        errorRules("noise", false),
        { mark: dots, encoding: { x: x(false), y: y("noise", "Noise (10⁻³ px)", true) } },
        line(middle),
      ]),
      panel([
        errorRules("drift", false),
        { mark: dots, encoding: { x: x(false), y: y("drift", "Drift (px/h)", false) } },
        line(0),
      ]),
      panel([
        errorRules("limit", true),
        { mark: dots, encoding: { x: x(true), y: y("limit", "LOD, 3σ (10⁻³ px)", true) } },
        line(3 * middle),
      ]),
    ],
  } as TopLevelSpec;
}

const COLUMNS = [
  ...["label", "frames", "left_out", "noise_px", "noise_plain_px", "drift_px_per_hour", "drift_standard_error"],
  ...["detection_limit_px", "detection_limit_riu", "noise_standard_error_px", "drift_half_width_95"],
  ...["detection_limit_standard_error_px", "detection_limit_standard_error_riu", "baseline_doubts"],
];

/**
 * Returns the same as CSV, one line per ROI, with an empty cell for an unknown value. `simulated`: there are frames of the
 * simulated chip, which an additional last column states.
 */
export async function precisionCsv(rois: readonly RoiPrecision[], simulated: boolean): Promise<string> {
  const marked = simulated ? [SIMULATED] : [];
  const lines = rois.map(({ label, precision, sensitivity }) => {
    const limit = sensitivity && inRiu(precision.detectionLimit, precision.detectionLimitError, sensitivity);
    return [
      safeText(label),
      precision.points,
      precision.excluded,
      cell(precision.noise, 6),
      cell(precision.noisePlain, 6),
      cell(precision.driftPerHour, 5),
      cell(precision.driftError, 5),
      cell(precision.detectionLimit, 6),
      cell(limit?.value, 10),
      cell(precision.noiseError, 6),
      cell(precision.driftError95, 5),
      cell(precision.detectionLimitError, 6),
      cell(limit?.error, 10),
      precision.doubts.join("|"),
      ...marked.map(() => YES),
    ];
  });
  return await writeToString([[...COLUMNS, ...marked], ...lines], { headers: false, includeEndRowDelimiter: true });
}

function cell(value: number | undefined, decimals: number): string {
  return value !== undefined && Number.isFinite(value) ? String(Number(value.toFixed(decimals))) : "";
}

/** Returns the ends of an error bar; none if the error is unknown. */
function ends(field: string, value: number, error: number): Record<string, number | null> {
  return { [`${field}Low`]: orNull(value - error), [`${field}High`]: orNull(value + error) };
}

function orNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
