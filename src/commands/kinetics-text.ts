// Formats rates as tables for the terminal.
import type { GroupKinetics } from "../assay/kinetics/experiment/groups.ts";
import type { KineticsFit, NoFit } from "../assay/kinetics/fit.ts";
import { modelName } from "../assay/kinetics/models.ts";
import { estimateText, meanText, spreadText } from "../evaluation/kinetics-text.ts";
import { alignedLines } from "../terminal/text-table.ts";

/** Exit code if a curve set could not be fitted. */
export const SOME_FAILED = 3;

/** Returns the notes and failures of a set, one line each. */
export function linesOf(found: KineticsFit | NoFit): string[] {
  if ("why" in found) return [`${found.set.name}: not fitted: ${found.why}`];
  return found.notes.map((note) => `${found.set.name}: ${note}`);
}

/** Formats the table for a terminal. `unit`: of the response. */
export function kineticsTable(fits: readonly (KineticsFit | NoFit)[], unit: string): string {
  const rows = [
    ["curve", "model", "ka, 1/(M s)", "kd, 1/s", "KD, M", `Rmax, ${unit}`, "flags"],
    ...fits.map((found) => {
      if ("why" in found) return [found.set.name, "failed", "-", "-", "-", "-", ""];
      const { set, model, ka, kd, KD, Rmax, flags } = found;
      return [
        set.name,
        modelName(model),
        estimateText(ka),
        estimateText(kd),
        estimateText(KD),
        estimateText(Rmax),
        flags.join(" "),
      ];
    }),
    ...fits.flatMap((found) => {
      if ("why" in found || found.second === undefined) return [];
      const { ka, kd, KD, Rmax } = found.second;
      return [
        [found.set.name, "second site", estimateText(ka), estimateText(kd), estimateText(KD), estimateText(Rmax), ""],
      ];
    }),
  ];
  return `${alignedLines(rows).join("\n")}\n`;
}

/** Formats groups for a terminal; empty if there are none. */
export function groupsTable(groups: readonly GroupKinetics[]): string {
  if (groups.length === 0) return "";
  const rows = [["group", "gratings", "", "ka, 1/(M s)", "spread", "kd, 1/s", "spread", "KD, M", "spread"]];
  for (const { name, gratings, pooled, notPooled, ...means } of groups) {
    const cells = RATES.flatMap((rate) => [meanText(means[rate]), spreadText(means[rate])]);
    rows.push([name, String(gratings), "mean", ...cells]);
    if (pooled !== undefined) {
      const { ka, kd, KD } = pooled;
      rows.push([
        name,
        String(pooled.gratings),
        "pooled",
        estimateText(ka),
        "",
        estimateText(kd),
        "",
        estimateText(KD),
        "",
      ]);
    }
    if (notPooled !== undefined) rows.push([name, "", `not pooled: ${notPooled}`, "", "", "", "", "", ""]);
  }
  return `\n${alignedLines(rows).join("\n")}\n`;
}

const RATES = ["ka", "kd", "KD"] as const;
