// Writes rates as CSV: one line for each curve set.
import { writeToString } from "fast-csv";
import type { KineticsFit, NoFit } from "../assay/kinetics/fit.ts";
import { modelName } from "../assay/kinetics/models.ts";
import { safeText } from "../outputs/csv/file/text.ts";

/** Returns the CSV, one line per curve set. */
export async function kineticsCsv(fits: readonly (KineticsFit | NoFit)[]): Promise<string> {
  const names = ["ka", "kd", "KD", "Rmax"] as const;
  const header = [
    "curve",
    "model",
    ...names.flatMap((name) => [name, `${name}_standard_error`, `${name}_low95`, `${name}_high95`, `${name}_flag`]),
    "chi2",
    "points",
    "flags",
  ];
  const rows = fits.map((found) => {
    if ("why" in found) return [safeText(found.set.name), "failed"];
    const { set, model, fit, flags } = found;
    const cells = names.flatMap((name) => {
      const { value, standardError, low95, high95, doubt } = found[name];
      return [value, standardError, low95, high95, doubt].map((cell) => cell ?? "");
    });
    const chi2 = fit.cost / Math.max(1, fit.points - fit.parameters);
    return [safeText(set.name), modelName(model), ...cells, chi2, fit.points, flags.join(" ")];
  });
  return await writeToString([header, ...rows], { includeEndRowDelimiter: true });
}
