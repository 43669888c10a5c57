// Rates for people: tables for the terminal.
import type { Estimate } from "../assay/kinetics/estimates.ts";
import type { GroupKinetics, GroupMean } from "../assay/kinetics/experiment/groups.ts";
import type { KineticsFit, NoFit } from "../assay/kinetics/fit.ts";
import { modelName } from "../assay/kinetics/models.ts";
import { alignedLines } from "../terminal/text-table.ts";

const DOUBTS: Readonly<Record<NonNullable<Estimate["doubt"]>, string>> = {
  upper_bound: "",
  lower_bound: "",
  not_determined: "not determined",
  no_binding: "no binding",
  not_in_model: "-",
  local: "per cycle",
};

/** Exit code where a curve set could not be fitted. */
export const SOME_FAILED = 3;

/** Notes and failures of a set, a line each. */
export function linesOf(found: KineticsFit | NoFit): string[] {
  if ("why" in found) return [`${found.set.name}: not fitted: ${found.why}`];
  return found.notes.map((note) => `${found.set.name}: ${note}`);
}

/** "1.00e-8 ± 2e-10 M", or the bound: "< 2.0e-5". */
function shown({ value, standardError, low95, high95, doubt }: Estimate): string {
  if (value !== null) return `${value.toPrecision(4)} ± ${(standardError ?? 0).toPrecision(2)}`;
  if (doubt === "upper_bound" && high95 !== null) return `< ${high95.toPrecision(2)}`;
  if (doubt === "lower_bound" && low95 !== null) return `> ${low95.toPrecision(2)}`;
  return doubt === undefined ? "-" : DOUBTS[doubt];
}

/** The table for a terminal. `unit`: of the response. */
export function kineticsTable(fits: readonly (KineticsFit | NoFit)[], unit: string): string {
  const rows = [
    ["curve", "model", "ka, 1/(M s)", "kd, 1/s", "KD, M", `Rmax, ${unit}`, "flags"],
    ...fits.map((found) => {
      if ("why" in found) return [found.set.name, "failed", "-", "-", "-", "-", ""];
      const { set, model, ka, kd, KD, Rmax, flags } = found;
      return [set.name, modelName(model), shown(ka), shown(kd), shown(KD), shown(Rmax), flags.join(" ")];
    }),
    ...fits.flatMap((found) => {
      if ("why" in found || found.second === undefined) return [];
      const { ka, kd, KD, Rmax } = found.second;
      return [[found.set.name, "second site", shown(ka), shown(kd), shown(KD), shown(Rmax), ""]];
    }),
  ];
  return `${alignedLines(rows).join("\n")}\n`;
}

/** Groups for a terminal; empty without any. */
export function groupsTable(groups: readonly GroupKinetics[]): string {
  if (groups.length === 0) return "";
  const rows = [["group", "gratings", "", "ka, 1/(M s)", "spread", "kd, 1/s", "spread", "KD, M", "spread"]];
  for (const { name, gratings, pooled, notPooled, ...means } of groups) {
    const cells = RATES.flatMap((rate) => [meanText(means[rate]), spreadText(means[rate])]);
    rows.push([name, String(gratings), "mean", ...cells]);
    if (pooled !== undefined) {
      const { ka, kd, KD } = pooled;
      rows.push([name, String(pooled.gratings), "pooled", shown(ka), "", shown(kd), "", shown(KD), ""]);
    }
    if (notPooled !== undefined) rows.push([name, "", `not pooled: ${notPooled}`, "", "", "", "", "", ""]);
  }
  return `\n${alignedLines(rows).join("\n")}\n`;
}

const RATES = ["ka", "kd", "KD"] as const;

function meanText({ value, standardError, used }: GroupMean): string {
  return value === null ? "-" : `${value.toPrecision(4)} ± ${(standardError ?? 0).toPrecision(2)} (${used})`;
}

/** "12 %", with a star where gratings differ beyond doubt. */
function spreadText({ spread, differs }: GroupMean): string {
  return spread === null ? "-" : `${(100 * spread).toPrecision(2)} %${differs ? " *" : ""}`;
}
