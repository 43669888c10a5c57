// The CSV that `phorest report` writes.
import { join } from "node:path";
import type { Analysis } from "../manifest/analyses.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { BEFORE_ALL } from "../manifest/outcome-ids.ts";
import { updateCsv } from "../outputs/csv/file/append.ts";
import { currentCsv } from "../outputs/csv/file/current.ts";
import {
  analysisCsvName,
  CSV_FILENAME,
  CSV_OUTPUT,
  type CsvState,
  parseCsvState,
  type ReadOutcomes,
} from "../outputs/csv/file/state.ts";

/**
 * Writes the results of an analysis to a directory. In the results directory (`isOwn`), `communicating_results.csv` belongs to
 * the run: the results of any other analysis get a file with its name.
 */
export async function writeReportCsv(
  manifest: Manifest,
  analysis: Analysis | undefined,
  directory: string,
  isOwn: boolean,
): Promise<{ readonly csv: string; readonly lines: number; readonly keptAside: string | undefined }> {
  const isAgain = analysis?.remeasuredAtUs !== undefined;
  const analyses = analysis && manifest.analyses.sameMeasure(analysis);
  const known = isOwn ? parseCsvState(manifest.outputs.state(CSV_OUTPUT).state) : undefined;
  const current = currentCsv(manifest, known);
  const isOfRun = isOwn && !isAgain && isCurrent(current.state, analyses);
  if (isOfRun && current.state !== undefined) {
    // The recorded state of the experiment's own CSV shows whether another program changed the file.
    const csv = join(directory, CSV_FILENAME);
    const recorded = current.state.bytes === 0 ? undefined : current.state;
    const { lines, keptAside } = await updateCsv(csv, recorded, current.read, { rewrite: true, from: current.from });
    return { csv, lines, keptAside };
  }
  const read: ReadOutcomes = (cursor, limit) => manifest.outcomes.after(cursor, limit, { analyses });
  const csv = join(
    directory,
    isOwn && !isOfRun && analysis !== undefined ? analysisCsvName(analysis.name) : CSV_FILENAME,
  );
  const { lines, keptAside } = await updateCsv(csv, undefined, read, { rewrite: true, from: isAgain ? BEFORE_ALL : 0 });
  return { csv, lines, keptAside };
}

/** Whether the run's file belongs to one of these analyses, or to none yet. */
function isCurrent(state: CsvState | undefined, analyses: ReadonlySet<number> | undefined): boolean {
  return state?.analysis === undefined || analyses === undefined || analyses.has(state.analysis);
}
