// Writes the files of `phorest kinetics`: rates as CSV, and curves with their fits.
import type { KineticsFit, NoFit } from "../assay/kinetics/fit.ts";
import { overlayFigure } from "../evaluation/kinetics.ts";
import { kineticsCsv } from "../evaluation/kinetics-csv.ts";
import { renderVegaLite } from "../figures/render.ts";
import { writeOutput } from "../system/output-file.ts";
import { type FigureFile, writeFigure } from "./figure-file.ts";

export interface FitFiles {
  readonly csv: string | undefined;
  readonly figure: FigureFile | undefined;
}

/** Writes the files that were asked for. If no curve was fitted there is nothing to write: says so, and leaves files as they are. */
export async function writeFitFiles(
  fits: readonly (KineticsFit | NoFit)[],
  { csv, figure }: FitFiles,
  unit: string,
  title?: string,
): Promise<void> {
  if (fits.every((found) => "why" in found)) {
    const asked = [csv, figure?.path].filter((name) => name !== undefined);
    if (asked.length > 0) process.stderr.write(`no curve was fitted: ${asked.join(" and ")} not written\n`);
    return;
  }
  if (csv !== undefined) await writeOutput(csv, await kineticsCsv(fits));
  if (figure !== undefined) await writeFigure(figure, await renderVegaLite(overlayFigure(fits, unit, title)));
}
