// The kinetics section of an experiment's report: figures for publication, tables with units, what was left out and why, and
// every setting.

import type { ExperimentKinetics } from "../assay/kinetics/experiment/experiment-kinetics.ts";
import type { KineticsFit, NoFit } from "../assay/kinetics/fit.ts";
import { modelName } from "../assay/kinetics/models.ts";
import { affinityFigure, MOST_DRAWN, overlayFigure } from "../evaluation/kinetics.ts";
import { estimateText, meanText, spreadText } from "../evaluation/kinetics-text.ts";
import { kineticsMap, mapCells } from "../evaluation/maps.ts";
import { mapFigure } from "../figures/map-figure.ts";
import { type Picture, renderVegaLite } from "../figures/render.ts";
import type { Analysis } from "../manifest/analyses.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { concentrationText } from "../measurement/concentration.ts";
import type { TimeZone } from "../system/time-zone.ts";
import type { HtmlSection } from "./html-report.ts";

/** File beside the report with the full record of its fits. */
export const KINETICS_RECORD = "kinetics.json";

export interface KineticsReport {
  readonly found: ExperimentKinetics;
  readonly overlay: Picture;
  readonly affinity: Picture | undefined;
  readonly map: Picture | undefined;
}

/** Draws the figures. `title`: title of the experiment. */
export async function kineticsReport(
  manifest: Manifest,
  analysis: Analysis,
  found: ExperimentKinetics,
  title: string,
): Promise<KineticsReport> {
  const fits = found.gratings.map((one) => one.found);
  const affinity = affinityFigure(found, `${title}: ${found.plan.solution}`);
  const map = kineticsMap(found, "KD", analysis);
  const cells = mapCells(manifest, map);
  const isMapped = cells.some(({ value }) => Number.isFinite(value));
  const options = {
    title: `${title}: ${map.name}`,
    subtitle: [map.detail],
    name: map.name,
    unit: map.unit,
    diverging: false,
    limits: undefined,
  };
  return {
    found,
    overlay: await renderVegaLite(overlayFigure(fits, "px", `${title}: ${found.plan.solution}`)),
    affinity: affinity && (await renderVegaLite(affinity)),
    map: isMapped ? await renderVegaLite(mapFigure(cells, options)) : undefined,
  };
}

export function kineticsSections({ found, overlay, affinity, map }: KineticsReport, zone: TimeZone): HtmlSection[] {
  const { plan, gratings, groups, notes } = found;
  const { solution } = plan;
  const sections: HtmlSection[] = [
    {
      title: `Kinetics of ${solution}: curves and fits`,
      note: `Responses (colours), fits (black) and residuals (below); the first ${Math.min(MOST_DRAWN, gratings.length)} of ${gratings.length} curves.`,
      figure: { alt: `Sensorgrams of ${solution} with their fits and residuals`, png: overlay.png },
    },
  ];
  if (affinity !== undefined) {
    sections.push({
      title: "Association and dissociation rates",
      figure: { alt: "ka against kd of each grating, with lines of equal KD", png: affinity.png },
    });
  }
  if (map !== undefined)
    sections.push({ title: "Affinity on the chip", figure: { alt: "KD of each grating on the chip", png: map.png } });
  if (groups.length > 0) {
    const head = ["group", "gratings", "ka 1/(M s)", "spread", "kd 1/s", "spread", "KD M", "spread"];
    const rows = groups.map(({ name, gratings: count, ka, kd, KD }) => [
      name,
      String(count),
      ...[ka, kd, KD].flatMap((mean) => [meanText(mean), spreadText(mean)]),
    ]);
    const note =
      "Mean of the gratings with its standard error; the number of gratings with a value is in brackets. The spread is that between gratings, * where their errors do not explain it.";
    sections.push({ title: "Rates of the groups", note, table: { head, rows } });
  }
  const head = [
    "grating",
    "model",
    "ka 1/(M s)",
    "kd 1/s",
    "KD M",
    "Rmax px",
    "χ²",
    "autocorrelation",
    "frames",
    "left out",
    "flags",
  ];
  const rows = gratings.map(({ found: one, frames, unusable }) => [
    ...rowOf(one),
    String(frames),
    String(unusable),
    "why" in one ? "" : one.flags.join(" "),
  ]);
  const note =
    "Values with one standard error; < and > are bounds (95 %) where the data do not determine a quantity. χ² is per degree of freedom, from the errors of the frames.";
  sections.push({ title: "Rates of the gratings", note, table: { head, rows } });
  sections.push({
    title: "How the kinetics were fitted",
    ...(notes.length === 0 ? {} : { note: notes.map((one) => `${one[0]?.toUpperCase()}${one.slice(1)}.`).join(" ") }),
    table: { head: ["", ""], rows: settingsOf(found, zone) },
  });
  return sections;
}

function rowOf(found: KineticsFit | NoFit): string[] {
  if ("why" in found) return [found.set.name, `not fitted: ${found.why}`, "-", "-", "-", "-", "-", "-"];
  const { set, model, ka, kd, KD, Rmax, fit } = found;
  const chi2 = fit.cost / Math.max(1, fit.points - fit.parameters);
  const values = [ka, kd, KD, Rmax].map(estimateText);
  return [set.name, modelName(model), ...values, chi2.toPrecision(3), fit.noise.neighbours.toFixed(2)];
}

function settingsOf({ plan, references, sha256 }: ExperimentKinetics, zone: TimeZone): string[][] {
  const span = (fromUs: number, toUs: number) => zone.shown(`${isoFromUs(fromUs)} to ${isoFromUs(toUs)}`);
  const cycles = (["samples", "blanks"] as const).flatMap((kind) =>
    plan[kind].map(({ cycle, fromUs, toUs, injections }) => [
      kind === "blanks" ? `blank, cycle ${cycle}` : `cycle ${cycle}`,
      [
        `frames ${span(fromUs, toUs)}`,
        ...injections.map(
          ({ injectionId, concentration, startUs, endUs }) =>
            `injection ${injectionId}: ${concentrationText(concentration)}, ${span(startUs, endUs)}`,
        ),
      ].join("; "),
    ]),
  );
  return [
    ["analysis", plan.analysis],
    ["solution", plan.solution],
    ["model", plan.model],
    ["references", references.labels.join(", ") || "none"],
    ["baseline of the shifts", span(plan.baseline.fromUs, plan.baseline.toUs)],
    ["delay from injection to chip", `${plan.delayS} s`],
    ["blanks", plan.subtractBlanks ? "subtracted" : "not subtracted"],
    ...cycles,
    ...plan.leftOut.map(({ injection, why }) => [`injection ${injection}`, `left out: ${why}`]),
    ["SHA-256 of the fitted data", sha256],
    ["repeat these fits, to the last digit", `phorest kinetics --repeat ${KINETICS_RECORD}`],
  ];
}
