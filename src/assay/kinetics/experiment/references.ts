// Checks the references of an experiment: whether analyte binds to them.
import { medianOf } from "../../../measurement/statistics.ts";
import { type CurveSet, highestOf } from "../curve-set.ts";
import type { KineticsFit, NoFit } from "../fit.ts";
import { hasBinding } from "../flags.ts";
import { fitModel } from "../native-kinetics.ts";
import { boundOf } from "../residuals.ts";

/** What the references show. */
export interface ReferenceFinding {
  readonly labels: readonly string[];
  /** Bound response of the references at the end of the highest association, px, and that of a typical grating. */
  readonly bound: number | undefined;
  readonly typical: number | undefined;
  /** Whether analyte binds to them: then more than background was subtracted. */
  readonly binds: boolean;
}

/** References count as binding if their response reaches this share of a typical grating's. */
const NON_SPECIFIC = 0.05;

/**
 * Checks the references. They are meant to contain bulk shifts and drift, but no binding curve.
 * `reference`: the mean of their shifts, in the windows of the fits; undefined without references.
 */
export function referenceFinding(
  labels: readonly string[],
  reference: CurveSet | undefined,
  fits: readonly (KineticsFit | NoFit)[],
): ReferenceFinding {
  const none = { labels, bound: undefined, typical: undefined, binds: false };
  if (reference === undefined || reference.cycles.length === 0) return none;
  const fit = fitModel(reference.cycles, { kind: "1:1", bulk: true, drift: true, localRmax: false }, false);
  const bound = hasBinding(fit) ? boundAtEnd(fit) : 0;
  const sizes = fits.flatMap((found) =>
    "why" in found || found.flags.includes("no_binding") ? [] : [boundAtEnd(found.fit)],
  );
  if (sizes.length === 0) return { ...none, bound, binds: bound > 0 };
  const typical = medianOf(Float64Array.from(sizes));
  return { labels, bound, typical, binds: bound > NON_SPECIFIC * typical };
}

/**
 * Returns the largest absolute bound response at the end of an association, in the cycle with the highest concentration, px.
 */
function boundAtEnd({ cycles }: Pick<KineticsFit["fit"], "cycles">): number {
  const [highest] = [...cycles].sort((a, b) => highestOf(b.cycle) - highestOf(a.cycle));
  if (highest === undefined) return 0;
  return boundOf(highest).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}
