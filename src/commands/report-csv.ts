// The CSV that `phorest report` writes.
import { join } from "node:path";
import type { Analysis } from "../manifest/analyses.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { BEFORE_ALL } from "../manifest/outcome-ids.ts";
import { updateCsv } from "../outputs/csv/file/append.ts";
import {
  analysisCsvName,
  CSV_FILENAME,
  CSV_OUTPUT,
  parseCsvState,
  type ReadOutcomes,
} from "../outputs/csv/file/state.ts";

/**
 * Writes the results of an analysis to a directory. In the results directory (`isOwn`), `communicating_results.csv` is that of the
 * run, with all that it has measured; what was measured again gets a file with the name of its analysis.
 */
export async function writeReportCsv(
  manifest: Manifest,
  analysis: Analysis | undefined,
  directory: string,
  isOwn: boolean,
): Promise<{ readonly csv: string; readonly lines: number; readonly keptAside: string | undefined }> {
  const isAgain = analysis?.remeasuredAtUs !== undefined;
  const isOfRun = isOwn && !isAgain;
  const analyses = isOfRun || analysis === undefined ? undefined : manifest.analyses.sameMeasure(analysis);
  const read: ReadOutcomes = (cursor, limit) => manifest.outcomes.after(cursor, limit, { analyses });
  const csv = join(directory, isOwn && isAgain ? analysisCsvName(analysis.name) : CSV_FILENAME);
  // The recorded state of the experiment's own CSV shows whether another program changed the file.
  const recorded = isOfRun ? parseCsvState(manifest.outputs.state(CSV_OUTPUT).state) : undefined;
  const from = isAgain ? BEFORE_ALL : 0;
  const { lines, keptAside } = await updateCsv(csv, recorded, read, { rewrite: true, from });
  return { csv, lines, keptAside };
}
