// Compares two experiments, or two analyses of one, for the command and for pages.
import type { TopLevelSpec } from "vega-lite";
import { type Compared, type CurveFigures, compare, figuresOf } from "../assay/comparison.ts";
import { PAIR_TEXTS, type PairForm } from "../assay/curve-units.ts";
import type { CurveManifest } from "../assay/joined.ts";
import type { WorkedSensorgram } from "../assay/worked-sensorgram.ts";
import { experimentName } from "../config/identity.ts";
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import { comparisonFigure, type TimedCurve } from "../figures/comparison-figure.ts";
import type { Analysis } from "../manifest/analyses.ts";
import { shortList } from "../system/counted.ts";
import { type CurveChoice, configuredSensorgrams, pairFormOf } from "./configured-sensorgrams.ts";

/** Largest number of curves in a figure; more would not be legible. */
export const MOST_COMPARED_CURVES = 8;
/** Number of labels in a message. */
const NAMED = 5;

/** What is compared of an experiment. */
export interface ComparisonSide {
  /** The experiment with its analysis. */
  readonly name: string;
  /** What the curves of gratings are; undefined for curves of ROIs. */
  readonly pairs: PairForm | undefined;
  readonly figures: ReadonlyMap<string, CurveFigures>;
  readonly curves: ReadonlyMap<string, TimedCurve>;
}

export interface Comparison {
  readonly a: ComparisonSide;
  readonly b: ComparisonSide;
  readonly compared: readonly Compared[];
  /** "only in A: 001A_N, 002A_N and 3 more", if there are any. */
  readonly left: readonly string[];
}

/**
 * Reads one side. The other side must be read with the same form of pairs, whatever its own configuration says. Failure
 * `usage.invalid` for a name that no curve has.
 */
export function comparisonSide(
  source: CurveManifest,
  config: Config,
  analysis: Analysis,
  choice: CurveChoice,
): ComparisonSide {
  const figures = new Map<string, CurveFigures>();
  const curves = new Map<string, TimedCurve>();
  for (const curve of configuredSensorgrams(source, analysis, config, choice).curves()) {
    figures.set(curve.label, figuresOf(curve));
    curves.set(curve.label, timed(curve));
  }
  const name = `${experimentName(config)} (${analysis.method}, analysis "${analysis.name}")`;
  return { name, pairs: pairFormOf(choice, config), figures, curves };
}

function timed({ timesUs, result, flags }: WorkedSensorgram): TimedCurve {
  const firstUs = timesUs[0] ?? 0;
  return {
    seconds: timesUs.map((timeUs) => (timeUs - firstUs) / 1e6),
    values: result.map((value, at) => (flags[at] === 0 ? value : Number.NaN)),
  };
}

/** Returns the choice for the other side of a comparison: the form of pairs of the first. */
export const forOtherSide = ({ pairs }: ComparisonSide, given: CurveChoice["pairs"]): CurveChoice["pairs"] =>
  pairs ?? given;

/** Compares the curves that both have. Failure `usage.invalid` if there is none. */
export function comparisonOf(a: ComparisonSide, b: ComparisonSide): Comparison {
  const { compared, onlyA, onlyB } = compare(a.figures, b.figures);
  if (compared.length === 0) {
    const first = (labels: readonly string[]) => labels.slice(0, NAMED).join(", ");
    throw new Failure("usage.invalid", "the two have no ROI in common", {
      hint: `A has ${first(onlyA)}; B has ${first(onlyB)}`,
    });
  }
  const left = [onlyA, onlyB].flatMap((only, at) =>
    only.length === 0 ? [] : [`only in ${at === 0 ? "A" : "B"}: ${shortList(only, NAMED)}`],
  );
  return { a, b, compared, left };
}

/** Says that not all curves are drawn; undefined if all are. */
export function drawnText(count: number): string | undefined {
  return count > MOST_COMPARED_CURVES ? `The first ${MOST_COMPARED_CURVES} of ${count} are drawn.` : undefined;
}

/** Draws the first curves of both over each other, and their difference. */
export function comparisonDrawing({ a, b, compared }: Comparison): TopLevelSpec {
  const pairs = compared.slice(0, MOST_COMPARED_CURVES).map(({ label }) => ({
    label,
    a: a.curves.get(label) as TimedCurve,
    b: b.curves.get(label) as TimedCurve,
  }));
  return comparisonFigure("Comparison", a.name, b.name, pairs);
}

const NOTE = "All in px; end shift: median of the last tenth of the frames, from the baseline";

/** Says what the values of a comparison are. */
export const comparisonNote = ({ a: { pairs } }: Comparison): string =>
  pairs === undefined ? NOTE : `${NOTE}; values of gratings: ${PAIR_TEXTS[pairs]}`;

/** Returns what the values are, what only one of the two has, and how many curves are drawn, if not all. */
export function comparisonNotes(found: Comparison): string[] {
  const { compared, left } = found;
  return [`${comparisonNote(found)}.`, ...left, drawnText(compared.length) ?? ""].filter((line) => line !== "");
}

/** Returns the table as text, its head first. */
export function comparisonRows({ compared }: Comparison): string[][] {
  // A zero has no sign.
  const px = (value: number, decimals = 4) =>
    Number.isFinite(value) ? value.toFixed(decimals).replace(/^-(?=[0.]+$)/, "") : "-";
  return [
    ["label", "end shift A", "end shift B", "B-A", "noise A", "noise B", "drift/h A", "drift/h B", "LOD A", "LOD B"],
    ...compared.map(({ label, a, b }) => [
      label,
      px(a.endShiftMedian),
      px(b.endShiftMedian),
      px(b.endShiftMedian - a.endShiftMedian),
      px(a.noise),
      px(b.noise),
      px(a.driftPerHour, 3),
      px(b.driftPerHour, 3),
      px(a.detectionLimit),
      px(b.detectionLimit),
    ]),
  ];
}

/** Returns the comparison in the form for other programs. */
export function comparisonJson({ a, b, compared }: Comparison) {
  const plain = ({ endShiftMedian, noise, driftPerHour, detectionLimit }: CurveFigures) => ({
    end_shift_median_px: endShiftMedian,
    noise_px: noise,
    drift_px_per_hour: driftPerHour,
    detection_limit_px: detectionLimit,
  });
  return {
    a: a.name,
    b: b.name,
    pairs: a.pairs ?? null,
    curves: compared.map((one) => ({ label: one.label, a: plain(one.a), b: plain(one.b) })),
  };
}
