// Lists the experiments below a directory, with a summary of each.
import { existsSync, readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { CONFIG_FILENAME, loadConfig } from "../config/config.ts";
import { experimentName } from "../config/identity.ts";
import type { Loaded } from "../config/loaded.ts";
import { failureLine } from "../failure/failure.ts";
import { experimentHolder, type Holder } from "../manifest/lock.ts";
import { MANIFEST_FILENAME, Manifest } from "../manifest/manifest.ts";
import { TimeZone } from "../system/time-zone.ts";

/** Number of directory levels that are searched. */
const DEEPEST = 4;
/** The search stops after this number of experiments. */
const MOST = 1000;

/** An experiment found by the search. */
export interface FoundExperiment {
  readonly directory: string;
  readonly loaded: Loaded;
}

/** The summary of an experiment in a list. */
export interface ListedExperiment {
  /** Path relative to the searched directory. */
  readonly path: string;
  readonly name: string;
  readonly sample: string | undefined;
  /** Configured time zone. */
  readonly zone: TimeZone;
  /** Time of the first frame, microseconds since the epoch; undefined without frames. */
  readonly firstUs: number | undefined;
  readonly lastUs: number | undefined;
  readonly frames: number;
  readonly failed: number;
  /** Size of the local images and the database. */
  readonly bytes: number;
  /** The run that is active. */
  readonly holder: Holder | undefined;
  /** Why the experiment could not be read. */
  readonly problem: string | undefined;
}

/**
 * Returns the experiment in the directory itself, otherwise all experiments below it. Skips directories that cannot be read.
 */
export function experimentsIn(directory: string, deepest = DEEPEST): FoundExperiment[] {
  const here = experimentAt(directory);
  if (here !== undefined) return [here];
  if (deepest === 0) return [];
  const found: FoundExperiment[] = [];
  for (const name of subdirectories(directory)) {
    found.push(...experimentsIn(join(directory, name), deepest - 1));
    if (found.length >= MOST) break;
  }
  return found;
}

/** Returns the experiment whose configuration, or default configuration, is in this directory; undefined if there is none. */
function experimentAt(directory: string): FoundExperiment | undefined {
  const file = join(directory, CONFIG_FILENAME);
  if (!existsSync(file) && !existsSync(join(directory, "data", MANIFEST_FILENAME))) return undefined;
  const loaded = loadConfig(undefined, directory);
  return existsSync(join(loaded.config.Paths.data_dir, MANIFEST_FILENAME)) ? { directory, loaded } : undefined;
}

function subdirectories(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith(".") && entry.name !== "node_modules")
      .map(({ name }) => name)
      .sort();
  } catch {
    // Not readable by this user, or deleted in the meantime: continue with other directories.
    return [];
  }
}

/** Returns the summary of an experiment. `root`: the searched directory. Never throws: problems are part of the summary. */
export function listed({ directory, loaded: { config } }: FoundExperiment, root: string): ListedExperiment {
  const file = join(config.Paths.data_dir, MANIFEST_FILENAME);
  const known = {
    path: relative(root, directory) || ".",
    name: experimentName(config),
    sample: config.Experiment.sample,
    zone: new TimeZone(config.Display.time_zone),
    firstUs: undefined,
    lastUs: undefined,
    frames: 0,
    failed: 0,
    bytes: 0,
    holder: undefined,
    problem: undefined,
  };
  try {
    const manifest = Manifest.open({ file, readonly: true });
    try {
      const { total, failed, localBytes, archived } = manifest.history.counts();
      return {
        ...known,
        firstUs: manifest.history.oldestCaptureUs(),
        lastUs: manifest.history.newestCaptureUs(),
        frames: total + archived,
        failed,
        bytes: localBytes + statSync(file).size,
        holder: experimentHolder(config.Paths.data_dir),
      };
    } finally {
      manifest.close();
    }
  } catch (error) {
    return { ...known, problem: failureLine(error) };
  }
}
