// `phorest analyse`: measures existing images without a database; writes one record per image, in input order.
import { availableParallelism } from "node:os";
import { basename, join, resolve } from "node:path";
import type { Argv, CommandModule } from "yargs";
import { listPictures, type Measured, measureInOrder } from "../analysis/batch.ts";
import { readDarkLevel } from "../analysis/dark-level.ts";
import { trackDrift } from "../analysis/drift.ts";
import { DriftKeeper } from "../analysis/drift-task.ts";
import { type Grown, Growth } from "../analysis/growing-references.ts";
import { kernelVersion } from "../analysis/kernel.ts";
import { formatRecord } from "../analysis/record.ts";
import { type AnalysisSettings, methodSettings } from "../analysis/settings.ts";
import { decodeValues, type EncodedResult, type TaskAnswer, warningsOf } from "../analysis/task.ts";
import { loadConfig, roiManifestPath } from "../config/config.ts";
import type { Loaded } from "../config/loaded.ts";
import { decodeFailure, encodeFailure, Failure } from "../failure/failure.ts";
import { DepthKeeper } from "../image/bit-depth.ts";
import { decodeStatistics } from "../manifest/statistics-codec.ts";
import {
  BIT_DEPTH_SCALINGS,
  type BitDepthScaling,
  FANO_SIGNS,
  type FanoSign,
  FEWEST_BITS,
  JOINT_LINES,
  type JointLine,
  METHODS,
  type Method,
  MOST_BITS,
  SAMPLINGS,
  type Sampling,
} from "../measurement/method.ts";
import { type RoiManifest, readRoiManifest } from "../measurement/roi.ts";
import { measuringThreads } from "../stages/processor/measuring-pool.ts";
import { ensureDirectory } from "../system/files.ts";
import { Progress } from "../terminal/progress.ts";
import { openResultsFile, type ResultsFile, remaining, type Sink, sinkOf } from "./results-file.ts";
import { stoppable } from "./stoppable.ts";

interface AnalyseArguments {
  config?: string;
  paths?: string[];
  rois?: string;
  method?: Method;
  jointLine?: JointLine;
  referenceFrames?: number;
  fanoSign?: FanoSign;
  subRois?: number;
  sampling?: Sampling;
  bitDepthScaling?: BitDepthScaling;
  bits?: number;
  darkLevel?: string;
  debug?: boolean;
  out?: string;
  jsonl?: string;
  jobs?: number;
  also?: boolean;
  resume?: boolean;
}

export const analyseCommand: CommandModule<object, AnalyseArguments> = {
  command: "analyse <paths..>",
  describe: "Measure existing images; write one record of processing_results.jsonl per image",
  builder: (yargs: Argv): Argv<AnalyseArguments> =>
    yargs
      .positional("paths", { type: "string", array: true, describe: "images, or directories of images" })
      .option("rois", { type: "string", requiresArg: true, describe: "ROI manifest (default: as configured)" })
      .option("method", { choices: METHODS, describe: "method that finds the resonance (default: as configured)" })
      .option("joint-line", {
        choices: JOINT_LINES,
        describe: "line shape of the methods joint and tracking (default: as configured)",
      })
      .option("reference-frames", {
        type: "number",
        requiresArg: true,
        describe: "number of first images that make the tracking reference (default: as configured)",
      })
      .option("fano-sign", {
        choices: FANO_SIGNS,
        describe: "sign convention of the fano columns: ours or the established one (default: as configured)",
      })
      .option("sub-rois", {
        type: "number",
        requiresArg: true,
        describe: "rows that an ROI is reduced to, 0 for all (default: as configured)",
      })
      .option("sampling", { choices: SAMPLINGS, describe: "how ROI pixels are sampled (default: as configured)" })
      .option("bit-depth-scaling", {
        choices: BIT_DEPTH_SCALINGS,
        describe: "how 16-bit images are scaled (default: as configured)",
      })
      .option("bits", {
        type: "number",
        requiresArg: true,
        describe: "significant bits in 16-bit images, 0 to detect them (default: as configured)",
      })
      .option("dark-level", {
        type: "string",
        requiresArg: true,
        describe: "value of a pixel without light: counts, auto or a dark image (default: as configured)",
      })
      .option("debug", { type: "boolean", describe: "include the value of every row" })
      .option("out", {
        type: "string",
        requiresArg: true,
        describe: "directory for processing_results.jsonl",
        conflicts: "jsonl",
      })
      .option("jsonl", {
        type: "string",
        requiresArg: true,
        describe: "file for the records (default: -, standard output)",
      })
      .option("jobs", {
        type: "number",
        requiresArg: true,
        describe: "images measured in parallel (default: one per processor core)",
      })
      .option("also", {
        type: "boolean",
        default: true,
        describe: "--no-also ignores Data_Analysis.also, so that only the method is measured",
      })
      .option("resume", {
        type: "boolean",
        default: false,
        describe: "continue the file of an interrupted analysis, or create it",
      })
      .example(
        "phorest analyse pictures/ --rois ROI_manifest.json --method fano --out results/",
        "measure all images of a directory",
      ),
  handler: async (argv) => {
    const loaded = loadConfig(argv.config);
    for (const warning of loaded.warnings) process.stderr.write(`${warning}\n`);
    const settings = await settingsOf(argv, loaded);
    refuseCompanions(argv, settings, loaded);
    const jobs = wholeNumber("--jobs", argv.jobs ?? availableParallelism(), 1, MOST_JOBS);
    const rois = await readRoiManifest(argv.rois ?? roiManifestPath(loaded.config));
    const pictures = await listPictures(argv.paths ?? [], (line) => process.stderr.write(`${line}\n`));
    const measure = JSON.stringify({ ...settings, rois: rois.sha256, kernel: kernelVersion() });
    const { sink, done, failed } = await openResults(argv, measure);
    const left = remaining(pictures, done);
    if (left.length < pictures.length) {
      process.stderr.write(
        `skipped ${pictures.length - left.length} of ${pictures.length} images that are measured already\n`,
      );
    }
    await stoppable(async (signal) => {
      const failedNow = await analyse({ all: pictures, pictures: left, rois, settings, jobs, sink, signal });
      if (failed + failedNow > 0) process.exitCode = SOME_FAILED;
    });
  },
};

interface Analysis {
  /** Of which the first that can be measured is what the chip's movement is measured from. */
  readonly all: readonly string[];
  readonly pictures: readonly string[];
  readonly rois: RoiManifest;
  readonly settings: AnalysisSettings;
  readonly jobs: number;
  readonly sink: Sink;
  /** Stops after the current record. */
  readonly signal: AbortSignal;
}

const SOME_FAILED = 3;

/** Measures all images; returns how many failed. */
async function analyse({ all, pictures, rois, settings, jobs, sink, signal }: Analysis): Promise<number> {
  if (pictures.length === 0) {
    await sink.close();
    return 0;
  }
  const threads = Math.min(jobs, pictures.length);
  const pool = measuringThreads(threads);
  const progress = new Progress(pictures.length, "images");
  const startedMs = performance.now();
  const labels = rois.rois.map(({ label }) => label);
  let failed = 0;
  try {
    const drift = new DriftKeeper();
    const depth = new DepthKeeper(settings.bits ?? 0);
    const measure = (path: string, grown: Grown = {}) => {
      const { known } = depth;
      const task = { picture: resolve(path), roiManifestJson: rois.json, settings, depth: known, ...grown };
      if (settings.trackDrift !== true) return pool.run(task);
      return drift.run((reference) => pool.run({ ...task, drift: reference ?? "make" }));
    };
    // All images use the same line shapes and references, also in a resumed analysis.
    const run = await grownFrom(all, settings, measure);
    for (const path of settings.trackDrift === true ? all : []) if (!drift.isKnown) await measure(path);
    // One more task than threads, so that no thread waits; no more, to limit memory.
    for await (const measured of measureInOrder(pictures, (path) => run(path), threads + 1)) {
      if (!measured.answer.ok) {
        failed++;
        const { line } = decodeFailure(measured.answer.failure);
        progress.note(line.includes(measured.path) ? line : `${measured.path}: ${line}`);
      }
      // In the order of the images, so that the result does not depend on which thread is faster.
      if (measured.answer.ok) depth.learn(measured.answer.answer.depth);
      for (const warning of measured.answer.ok ? warningsOf(measured.answer) : [])
        progress.note(`${measured.path}: warning: ${warning}`);
      await sink.write(`${recordOf(measured, labels)}\n`);
      progress.advance();
      signal.throwIfAborted();
    }
  } finally {
    progress.clear();
    await pool.close();
    await sink.close();
  }
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  progress.note(`measured ${pictures.length - failed} of ${pictures.length} images in ${seconds} s`);
  return failed;
}

/**
 * Makes what all pictures are measured with (lines that the data choose, the reference of tracking) from the first ones, in
 * order; measures with it, and knows what those have given already.
 */
async function grownFrom(
  all: readonly string[],
  settings: AnalysisSettings,
  measure: (path: string, grown: Grown) => Promise<TaskAnswer>,
): Promise<(path: string) => Promise<TaskAnswer>> {
  const growth = new Growth(settings, undefined);
  const grow = (path: string) =>
    growth.run(async (grown) => {
      const answer = await measure(path, grown);
      growth.keep(answer);
      return answer;
    });
  const first = new Map<string, TaskAnswer>();
  for (const path of all) {
    if (growth.isComplete) break;
    first.set(
      path,
      await grow(path).catch((error: unknown): TaskAnswer => ({ ok: false, failure: encodeFailure(error) })),
    );
  }
  return async (path) => first.get(path) ?? (await grow(path));
}

function recordOf({ path, answer }: Measured, labels: readonly string[]): string {
  return formatRecord({
    entryTimestamp: null,
    imageTimestamp: capturedAt(basename(path)),
    temperatureTimestamp: null,
    imageFilename: basename(path),
    processingTimestamp: new Date().toISOString(),
    failureMessage: answer.ok ? null : decodeFailure(answer.failure).line,
    result: answer.ok ? decodeResult(answer.answer) : null,
    labels,
    temperatures: null,
    imagePath: path,
    warnings: answer.ok ? warningsOf(answer) : [],
  });
}

function decodeResult({ statistics, values, ...rest }: EncodedResult) {
  const decoded = { ...rest, statistics: decodeStatistics(statistics) };
  return values === undefined ? decoded : { ...decoded, values: decodeValues(values, rest.method) };
}

const CAPTURE_NAME = /^image_(\d{4})(\d{2})(\d{2})_(\d{2})(\d{2})(\d{2})_(\d{6})_cam\d+\./;

/** The time of capture (UTC) that our own file names carry; null for other names, whose time is not known. */
function capturedAt(name: string): string | null {
  const parts = CAPTURE_NAME.exec(name);
  if (parts === null) return null;
  const [, year, month, day, hour, minute, second, micros] = parts;
  return `${year}-${month}-${day}T${hour}:${minute}:${second}.${micros}Z`;
}

async function settingsOf(argv: AnalyseArguments, { config, origins }: Loaded): Promise<AnalysisSettings> {
  const { Data_Analysis: configured } = config;
  // Defaults for the simulated camera are not meant for other images.
  const bits = bitsOf(argv.bits ?? config.Camera.bits);
  const simulated = origins.get("Data_Analysis.number_of_subROIs") === "simulated default";
  return {
    ...methodSettings(argv.method ?? configured.method, {
      subRois: wholeNumber(
        "--sub-rois",
        argv.subRois ?? (simulated ? 1 : configured.number_of_subROIs),
        0,
        MOST_SUB_ROIS,
      ),
      jointLine: argv.jointLine ?? configured.joint_line,
      fanoSign: argv.fanoSign ?? configured.fano_sign,
      referenceFrames: wholeNumber(
        "--reference-frames",
        argv.referenceFrames ?? configured.reference_frames,
        1,
        MOST_REFERENCE_FRAMES,
      ),
      darkLevel: await readDarkLevel(darkLevelGiven(argv.darkLevel) ?? config.Camera.dark_level, bits.bits ?? 0),
    }),
    sampling: argv.sampling ?? configured.sampling,
    bitDepthScaling: argv.bitDepthScaling ?? configured.bit_depth_scaling,
    ...bits,
    debug: argv.debug ?? config.Development.debug_mode,
    ...trackDrift(configured.track_drift, argv.sampling ?? configured.sampling),
  };
}

/** As a setting that is not there where the pictures are to show it. */
function bitsOf(bits: number): Pick<AnalysisSettings, "bits"> {
  if (bits === 0) return {};
  if (Number.isSafeInteger(bits) && bits >= FEWEST_BITS && bits <= MOST_BITS) return { bits };
  throw new Failure("usage.invalid", `--bits must be 0 or ${FEWEST_BITS} to ${MOST_BITS}, not ${bits}`);
}

/** Text of `--dark-level`: a number where it is one. */
function darkLevelGiven(given: string | undefined): number | string | undefined {
  const level = Number(given);
  if (given === undefined || given.trim() === "" || Number.isNaN(level)) return given;
  if (level >= 0 && level <= MOST_LEVEL) return level;
  throw new Failure("usage.invalid", `--dark-level must be 0 to ${MOST_LEVEL} counts, not ${given}`);
}

/** A record holds only one method, so refuse rather than silently ignore a second configured one. */
function refuseCompanions({ also = true }: AnalyseArguments, { method }: AnalysisSettings, { config }: Loaded): void {
  const [beside] = config.Data_Analysis.also;
  if (!also || beside === undefined || method === beside) return;
  throw new Failure(
    "usage.invalid",
    `analyse writes one method per record, but Data_Analysis.also adds ${beside} to ${method}`,
    {
      hint: `ignore it with --no-also, or measure it with --method ${beside} into a separate file`,
    },
  );
}

/** As many as the settings of the same meaning allow. */
const MOST_SUB_ROIS = 65_535;
const MOST_REFERENCE_FRAMES = 256;
const MOST_JOBS = 1024;
const MOST_LEVEL = 65_535;

function wholeNumber(option: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new Failure("usage.invalid", `${option} must be a whole number from ${least} to ${most}, not ${value}`);
}

/** Where the records go, and what is there already. */
async function openResults(argv: AnalyseArguments, measure: string): Promise<ResultsFile> {
  const { out, jsonl = "-", resume = false } = argv;
  if (out === undefined && jsonl === "-") {
    if (resume) throw new Failure("usage.invalid", "--resume needs a file", { hint: "name it with --out or --jsonl" });
    return { sink: sinkOf(process.stdout, false), done: new Map(), failed: 0 };
  }
  if (out !== undefined) await ensureDirectory(out);
  return await openResultsFile(out === undefined ? jsonl : join(out, "processing_results.jsonl"), measure, resume);
}
