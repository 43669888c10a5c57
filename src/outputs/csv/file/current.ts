// The CSV of an experiment: communicating_results.csv contains the results of one analysis. If a run continues with another one
// (other ROIs, another method or other settings), the file is finished: it is renamed after its analysis, and a new one begins.
//
//   1. the state names the finished file ▸ 2. it is renamed ▸ 3. the state becomes that of a new file ▸ 4. its first lines
//
// The state is committed between the steps. After a kill before 2, the file still has its old name and is renamed; before 3, a
// file with its content has the new name; before 4, there is no file yet. So no line is lost, and none is in two files.
//
// A file from an earlier version may contain several analyses up to its state; it continues with the last of them.
import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ManifestPart } from "../../../manifest/manifest.ts";
import { syncDirectory } from "../../../system/files.ts";
import { numberedName } from "../../../system/numbered-name.ts";
import { isRecordedCsv, updateCsv } from "./append.ts";
import { analysisCsvName, CSV_FILENAME, type CsvState, type CsvUpdate, type ReadOutcomes } from "./state.ts";

type Source = ManifestPart<{ outcomes: "after" | "analysisBeside"; analyses: "all" | "sameMeasure" }>;

export interface CurrentCsvOptions {
  /** The last archive: if the file still has its lines, it is rewritten without them. */
  readonly archive?: number;
  /** Outcomes read and written at a time; limits the memory. */
  readonly outcomesPerStep?: number;
}

export interface CurrentCsvStep extends CsvUpdate {
  /** The name that the finished file got in this step. */
  readonly finished: string | undefined;
}

/** The outcomes of the current file, and whether one of another analysis comes after them. */
interface Current {
  /** The recorded state, completed. */
  readonly state: CsvState | undefined;
  /** The cursor before its first outcome. */
  readonly from: number;
  readonly read: ReadOutcomes;
}

/** Returns which outcomes belong to the file that a state describes; undefined: to the first file. */
export function currentCsv(manifest: Source, recorded: CsvState | undefined): Current {
  const from = recorded?.from ?? 0;
  // A state without a start was written by an earlier version.
  const mixedTo = recorded?.from === undefined ? (recorded?.cursor ?? 0) : (recorded.mixedTo ?? 0);
  const analysisId =
    recorded?.analysis ??
    (mixedTo > 0 ? manifest.outcomes.analysisBeside(mixedTo, "before") : undefined) ??
    manifest.outcomes.analysisBeside(Math.max(from, mixedTo), "after");
  const analysis = manifest.analyses.all().find((one) => one.analysisId === analysisId);
  const same = analysis && manifest.analyses.sameMeasure(analysis);
  const read: ReadOutcomes = (cursor, limit) => {
    const outcomes = manifest.outcomes.after(cursor, limit);
    const end = outcomes.findIndex(
      (one) => one.measured !== undefined && one.outcomeId > mixedTo && same?.has(one.analysisId) === false,
    );
    return end < 0 ? outcomes : outcomes.slice(0, end);
  };
  const about = {
    from,
    ...(mixedTo > 0 ? { mixedTo } : {}),
    ...(analysisId === undefined ? {} : { analysis: analysisId }),
  };
  return { state: recorded && { ...recorded, ...about }, from, read };
}

/**
 * Does one step on the files in `directory`; durable when the promise resolves. Call again with the committed state until
 * `upToDate`. Throws as `updateCsv` does.
 */
export async function stepCurrentCsv(
  directory: string,
  manifest: Source,
  recorded: CsvState | undefined,
  options: CurrentCsvOptions = {},
): Promise<CurrentCsvStep> {
  const path = join(directory, CSV_FILENAME);
  const { state, from, read } = currentCsv(manifest, recorded);
  if (state?.finishedAs !== undefined) {
    const next = await finish(directory, path, state, state.finishedAs);
    if (next !== undefined) return next;
  }
  const isBegun = state !== undefined && state.bytes > 0;
  const update = await updateCsv(path, isBegun ? state : undefined, read, { ...options, from });
  const about = currentCsv(manifest, { ...update.state, ...aboutOf(state), from });
  const updated = { ...update, state: about.state ?? update.state, finished: undefined };
  if (!update.upToDate) return updated;
  const [next] = manifest.outcomes.after(updated.state.cursor, 1);
  if (next === undefined || about.read(updated.state.cursor, 1).length > 0) return updated;
  return {
    ...updated,
    state: { ...updated.state, finishedAs: await nameOfFinished(directory, manifest, updated.state) },
    upToDate: false,
  };
}

/** Returns what a state says about its file, except its end. */
function aboutOf(state: CsvState | undefined): Partial<CsvState> {
  return state === undefined ? {} : { analysis: state.analysis, mixedTo: state.mixedTo };
}

/** Gives a finished file its name; undefined if the file is not the recorded one and must be rewritten first. */
async function finish(
  directory: string,
  path: string,
  state: CsvState,
  name: string,
): Promise<CurrentCsvStep | undefined> {
  const finished = join(directory, name);
  const isThere = existsSync(path);
  if (isThere && !(await isRecordedCsv(path, state))) return undefined;
  if (await isRecordedCsv(finished, state)) {
    // It was renamed before a crash, or written again from a repaired or restored database.
    if (isThere) await rm(path);
  } else {
    if (!isThere || existsSync(finished)) return undefined;
    await rename(path, finished);
  }
  syncDirectory(directory);
  const { cursor, archive } = state;
  const next = { cursor, from: cursor, bytes: 0, tail: "", columns: [], ...(archive === undefined ? {} : { archive }) };
  return { state: next, lines: 0, rewritten: undefined, keptAside: undefined, upToDate: false, finished: name };
}

/** Returns the file name of the analysis, with a number if another file has it. */
async function nameOfFinished(directory: string, { analyses }: Source, state: CsvState): Promise<string> {
  const analysis = analyses.all().find((one) => one.analysisId === state.analysis);
  const wanted = analysisCsvName(analysis?.name ?? "earlier");
  for (let n = 0; ; n += 1) {
    const name = numberedName(wanted, n);
    const path = join(directory, name);
    if (!existsSync(path) || (await isRecordedCsv(path, state))) return name;
  }
}
