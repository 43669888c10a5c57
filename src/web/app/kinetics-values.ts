// Rates of the kinetics as the page shows them: as text, and as a map of the chip.
import type { GratingView, KineticsView } from "../../assay/kinetics/experiment/view.ts";
import type { QuantityRecord } from "../../assay/kinetics/record.ts";
import { gratingOf } from "../../figures/chip-layout.ts";
import type { MapView } from "../evaluation-views.ts";
import type { RoiView } from "../views.ts";

export type KineticsAnswer = KineticsView;
export const RATES = ["ka", "kd", "KD"] as const;
export type Rate = (typeof RATES)[number];
const UNITS: Readonly<Record<Rate, string>> = { ka: "1/(M s)", kd: "1/s", KD: "M" };

export type Fitted = Exclude<GratingView, { readonly failed: string }>;

export const isFit = (one: GratingView): one is Fitted => !("failed" in one);

/** Returns a flag in words: "not_1_1" is "not 1:1". */
export const wordsOf = (flag: string): string => flag.replace("1_1", "1:1").replaceAll("_", " ");

const RAISED = ["⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"] as const;
/** Numbers between these are written without a power of ten. */
const [SMALL, LARGE] = [0.01, 1e4];

/** "10⁻⁵" */
export function power(exponent: number): string {
  const digits = [...String(Math.abs(exponent))].map((digit) => RAISED[Number(digit)]).join("");
  return `10${exponent < 0 ? "⁻" : ""}${digits}`;
}

/** "(1.02 ± 0.03)·10⁵", "0.215 ± 0.004". */
export function scientific(value: number, error: number | null): string {
  const size = Math.abs(value);
  const exponent = size === 0 || (size >= SMALL && size < LARGE) ? 0 : Math.floor(Math.log10(size));
  const scaled = (x: number) => x / 10 ** exponent;
  const digits =
    error === null || !(error > 0) ? 2 : Math.min(6, Math.max(0, 1 - Math.floor(Math.log10(scaled(error)))));
  const minus = (x: number) => x.toFixed(digits).replace("-", "\u2212");
  const text = error === null ? minus(scaled(value)) : `${minus(scaled(value))} ± ${minus(scaled(error))}`;
  if (exponent === 0) return text;
  return error === null ? `${text}·${power(exponent)}` : `(${text})·${power(exponent)}`;
}

/** Returns a value with its error, or the bound, or why there is none. */
export function quantityText({
  value,
  standard_error: error,
  low95,
  high95,
  flag,
}: Omit<QuantityRecord, "flag"> & { readonly flag: string | null }): string {
  if (value !== null) return scientific(value, error);
  if (flag === "upper_bound" && high95 !== null) return `< ${scientific(high95, null)}`;
  if (flag === "lower_bound" && low95 !== null) return `> ${scientific(low95, null)}`;
  return flag === null || flag === "not_in_model" ? "–" : wordsOf(flag);
}

/** Returns the map of a rate: its power of ten for each grating, because rates differ by factors. */
export function rateMap(curves: readonly GratingView[], rois: readonly RoiView[], rate: Rate): MapView {
  const values = curves.map((one) => {
    const { value, standard_error: error } = isFit(one) ? one[rate] : { value: null, standard_error: null };
    const isKnown = value !== null && value > 0;
    return {
      label: one.curve,
      value: isKnown ? Math.log10(value) : null,
      standard_error: isKnown && error !== null ? error / value / Math.LN10 : null,
      flagged: isFit(one) && one.flags.length > 0,
    };
  });
  const places = values.flatMap(({ label }) => {
    const own = rois.filter((roi) => roi.label === label || gratingOf(roi.label) === label);
    if (own.length === 0) return [];
    return [
      {
        label,
        left: Math.min(...own.map(({ x }) => x)),
        top: Math.min(...own.map(({ y }) => y)),
        right: Math.max(...own.map(({ x, width }) => x + width)),
        bottom: Math.max(...own.map(({ y, height }) => y + height)),
      },
    ];
  });
  const known = values.flatMap(({ value }) => (value === null ? [] : [value])).sort((a, b) => a - b);
  const at = (share: number) => known[Math.round(share * (known.length - 1))] ?? 0;
  const [low, high] = [at(0.02), at(0.98)];
  const unit = `log₁₀ of ${UNITS[rate]}`;
  const summary = `${known.length} of ${values.length} are known`;
  return {
    quantity: rate,
    unit,
    values,
    name: rate,
    detail: `Power of ten of ${rate}`,
    summary,
    places,
    diverging: false,
    limits: high > low ? [low, high] : [low - 0.1, low + 0.1],
  };
}
