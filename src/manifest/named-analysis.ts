// Finds an analysis by the name or number that a user gives, on the command line or on the page.
import { Failure } from "../failure/failure.ts";
import { nearest } from "../failure/nearest.ts";
import type { Analyses, Analysis } from "./analyses.ts";

/** Returns the error to show if there are no analyses to choose from. */
export function unmeasured(): Failure {
  return new Failure("usage.invalid", "no frame has been measured yet", { hint: "measure with `phorest run`" });
}

/**
 * Returns the analysis with this name or number. Throws Failure `usage.invalid` if there is none; the message suggests the
 * closest name.
 */
export function namedAnalysis(analyses: Pick<Analyses, "all">, wanted: string): Analysis {
  const all = analyses.all();
  const name = wanted.trim().toLowerCase();
  const found =
    all.find((one) => one.name.toLowerCase() === name) ?? all.find(({ analysisId }) => String(analysisId) === name);
  if (found !== undefined) return found;
  if (all.length === 0) throw unmeasured();
  const names = all.map((one) => one.name);
  const near = nearest(wanted, names);
  const known = `there are ${names.map((one) => `"${one}"`).join(", ")}`;
  throw new Failure("usage.invalid", `no analysis ${wanted}`, {
    hint: near === undefined ? known : `did you mean "${near}"? ${known}`,
  });
}
