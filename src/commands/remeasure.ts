// `phorest remeasure`: measures the frames of a stopped experiment again, as a new analysis next to the existing ones.
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { CommandModule } from "yargs";
import { type DarkLevel, readDarkLevel } from "../analysis/dark-level.ts";
import { kernelVersion } from "../analysis/native-kernel.ts";
import { checkPlace, markPlace } from "../archive/directory-identity.ts";
import { loadConfig, roiManifestPath } from "../config/config.ts";
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import { selectFrames } from "../image/frame-subset.ts";
import { createLogger, type StageLog } from "../log/logger.ts";
import type { Analysis } from "../manifest/analyses.ts";
import { experimentHolder, lockExperiment } from "../manifest/lock.ts";
import { MANIFEST_FILENAME, Manifest } from "../manifest/manifest.ts";
import { frameName } from "../manifest/page-rows.ts";
import { pictureRoots } from "../manifest/picture-place.ts";
import { keepRois } from "../measurement/keep-rois.ts";
import { METHODS, type Method } from "../measurement/method.ts";
import { type RoiManifest, readRoiManifest } from "../measurement/roi.ts";
import { limitArenas } from "../native/kernel-binding.ts";
import { analysisSettings } from "../stages/processor/analysis-settings.ts";
import type { FrameAgain } from "../stages/processor/frames-again.ts";
import { analysesAgain, type MeasuredWith, remeasure } from "../stages/processor/remeasuring.ts";
import { wallClockUs } from "../system/clock.ts";
import { counted, shortList } from "../system/counted.ts";
import type { TimeZone } from "../system/time-zone.ts";
import { Progress } from "../terminal/progress.ts";
import { wholeNumber } from "./analyse-settings.ts";
import { sayWhatIsArchived } from "./archived.ts";
import type { GlobalOptions } from "./global.ts";
import { shownZone } from "./shown-zone.ts";
import { stoppable } from "./stoppable.ts";
import { openStored } from "./stored-experiment.ts";
import { sourceLine, withStoredSettings } from "./stored-settings.ts";
import { frameSubset, roiPatterns, type SubsetArguments, subsetOptions } from "./subset-options.ts";

interface RemeasureArguments extends GlobalOptions, SubsetArguments {
  method: Method | undefined;
  also: string | undefined;
  rois: string | undefined;
  "sub-rois": number | undefined;
  name: string | undefined;
  jobs: number | undefined;
}

const MOST_JOBS = 1024;
const MOST_SUB_ROIS = 65_535;
const SOME_FAILED = 3;
/** Number of allocator arenas; see the command `run`. */
const ARENAS = 2;
const NAMED = 5;

export const remeasureCommand: CommandModule<GlobalOptions, RemeasureArguments> = {
  command: "remeasure",
  describe: "Measure all frames of a stopped experiment again, as a new analysis next to the others",
  builder: (yargs) =>
    subsetOptions(yargs)
      .option("method", { choices: METHODS, describe: "Method that finds the resonance (default: as configured)" })
      .option("also", { choices: ["tracking"], describe: "Measure tracking in addition to the method" })
      .option("rois", { type: "string", requiresArg: true, describe: "ROI manifest (default: as configured)" })
      .option("sub-rois", {
        type: "number",
        requiresArg: true,
        describe: "Rows that an ROI is reduced to, 0 for all (default: as configured)",
      })
      .option("name", {
        type: "string",
        requiresArg: true,
        describe: "Name of the new analysis (default: its method, with a number from the second one on)",
      })
      .option("jobs", {
        type: "number",
        requiresArg: true,
        describe: "Images measured in parallel (default: Data_Analysis.workers)",
      })
      .example("$0 remeasure --method joint", "all frames with another method; then: phorest report")
      .example(
        "$0 remeasure --method fano --every 10 --name 'quick fano'",
        "each tenth frame, under a name of its own",
      ),
  handler: async (argv) => {
    const { config: configured, warnings, file } = loadConfig(argv.config);
    for (const warning of warnings) process.stderr.write(`${warning}\n`);
    const name = argv.name === undefined ? undefined : checkedName(argv.name);
    frameSubset(argv, shownZone(configured, argv.tz));
    const jobs = jobsOf(argv, configured);
    // Opened first, so that nothing is created if there is no experiment.
    const stored = shownAnalysis(configured);
    // Without a configuration the defaults are for the simulated chip; what measured the frames is known.
    const { config, darkLevel } =
      file !== undefined || stored === undefined
        ? { config: configured, darkLevel: undefined }
        : withStoredSettings(configured, stored);
    if (file === undefined) process.stderr.write(`${sourceLine(stored)}\n`);
    kernelVersion();
    limitArenas(ARENAS);
    const measuredWith = await measuredWithOf(argv, config, darkLevel);
    const lock = lockStopped(config.Paths.data_dir);
    try {
      await stoppable((signal) => remeasureLocked({ argv, config, measuredWith, name, jobs, signal }));
    } finally {
      lock.release();
    }
  },
};

/** Returns the analysis that is shown by default. Throws as openStored. */
function shownAnalysis(config: Config): Analysis | undefined {
  const manifest = openStored(config);
  try {
    return manifest.analyses.inForce();
  } finally {
    manifest.close();
  }
}

/** Returns how the frames are measured: as configured, with the options applied. `stored`: dark level of a stored analysis. */
async function measuredWithOf(
  argv: RemeasureArguments,
  config: Config,
  stored: DarkLevel | undefined,
): Promise<MeasuredWith> {
  const { Data_Analysis: configured } = config;
  const Data_Analysis = {
    ...configured,
    method: argv.method ?? configured.method,
    also: argv.also === undefined ? [] : (["tracking"] as const).slice(),
    number_of_subROIs: wholeNumber("--sub-rois", argv["sub-rois"] ?? configured.number_of_subROIs, 0, MOST_SUB_ROIS),
  };
  const darkLevel = stored ?? (await readDarkLevel(config.Camera.dark_level, config.Camera.bits));
  const { settings, companion } = analysisSettings({ ...config, Data_Analysis }, darkLevel);
  const patterns = roiPatterns(argv);
  const isGiven = patterns.length > 0;
  const given = await roisOf(argv.rois, config);
  const rois = isGiven ? keepRois(given, patterns, "--roi") : keepRois(given, configured.rois, "Data_Analysis.rois");
  return { settings, companion, rois };
}

/** Returns the ROIs of the option, otherwise of the configured file, otherwise those of the last run. */
async function roisOf(option: string | undefined, config: Config): Promise<RoiManifest> {
  const file = roiManifestPath(config);
  if (option !== undefined || existsSync(file)) return await readRoiManifest(option ?? file);
  const manifest = openStored(config);
  try {
    const last = manifest.runs.lastRoiManifest();
    const stored = last === undefined ? undefined : manifest.analyses.roiManifest(last);
    return stored ?? (await readRoiManifest(file));
  } finally {
    manifest.close();
  }
}

const NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._+-]{0,59}$/u;

function checkedName(given: string): string {
  const name = given.trim();
  if (NAME.test(name) && !/^\d+$/.test(name)) return name;
  throw new Failure("usage.invalid", `--name "${given}" is not a name for an analysis`, {
    hint: "use up to 60 letters, digits, spaces, . _ + -, not only digits",
  });
}

/** Takes the experiment's lock. Throws Failure `experiment.locked`, which says that the run must be stopped first. */
function lockStopped(dataDir: string) {
  const holder = experimentHolder(dataDir);
  if (holder === undefined) return lockExperiment(dataDir);
  throw new Failure(
    "experiment.locked",
    `cannot measure again while process ${holder.pid} on ${holder.host} runs this experiment (${dataDir})`,
    { hint: "stop the run first, then give the same command", retry: "later" },
  );
}

/** Returns the number of images that are measured in parallel. Throws Failure `usage.invalid`. */
function jobsOf({ jobs }: RemeasureArguments, { Data_Analysis: { workers } }: Config): number {
  return wholeNumber("--jobs", jobs ?? (workers === 0 ? availableParallelism() : workers), 1, MOST_JOBS);
}

interface Again {
  readonly argv: RemeasureArguments;
  readonly config: Config;
  readonly measuredWith: MeasuredWith;
  readonly name: string | undefined;
  readonly jobs: number;
  readonly signal: AbortSignal;
}

async function remeasureLocked({ argv, config, measuredWith, name, jobs, signal }: Again): Promise<void> {
  const { Paths, Storage, Data_Analysis, Timing } = config;
  const onTerminal = process.stderr.isTTY === true && !argv.json;
  const logger = createLogger({
    directory: Paths.logs_dir,
    level: argv["log-level"] ?? "info",
    console: !onTerminal,
    rotateSeconds: Timing.log_file_interval_seconds,
  });
  const manifest = Manifest.open({ file: join(Paths.data_dir, MANIFEST_FILENAME) });
  try {
    sayWhatIsArchived(manifest);
    const frames = framesOf(manifest, argv, shownZone(config, argv.tz));
    const analyses = analysesAgain(manifest, measuredWith, name, wallClockUs());
    const { analysisId } = analyses;
    const analysis = manifest.analyses.all().find((one) => one.analysisId === analysisId);
    const called = analysis?.name ?? String(analysisId);
    const unmeasured = frames.filter(({ entryId }) => !manifest.results.has(entryId, analysisId));
    const before = frames.length - unmeasured.length;
    const log = logger.stage("processor");
    log.info(
      `measuring ${counted(unmeasured.length, "frame")} again with method ${measuredWith.settings.method} and ${counted(measuredWith.rois.rois.length, "ROI")}, as analysis "${called}"${before > 0 ? `; it has measured ${before} before` : ""}`,
    );
    const counts = { measured: 0, failed: 0 };
    const gone: string[] = [];
    const progress = onTerminal ? new Progress(unmeasured.length, "frames") : undefined;
    const place = {
      mark: markPlace(Paths.data_dir),
      dataDir: Paths.data_dir,
      rootDir: Paths.root_dir,
      usbUuid: Storage.usb_uuid,
    };
    const aside =
      unmeasured.length === 0
        ? []
        : await remeasure({
            ...{ ...measuredWith, ...analyses, manifest, signal, frames: unmeasured, pictures: pictureRoots(config) },
            log: progress === undefined ? log : shownWith(log, progress),
            threads: Math.min(jobs, unmeasured.length),
            maxAttempts: Data_Analysis.max_attempts,
            frameTimeoutMs: Data_Analysis.frame_timeout_seconds * 1000,
            nowUs: wallClockUs,
            checkPlace: () => checkPlace(place),
            settled: (outcome) => {
              counts[outcome] += 1;
              progress?.advance();
            },
            gone: ({ filename, page }) => {
              gone.push(frameName(filename, page));
              log.warn(`${frameName(filename, page)}: the image is gone; the frame is not measured again`);
              progress?.advance();
            },
          });
    progress?.clear();
    if (counts.failed + aside.length > 0) process.exitCode = SOME_FAILED;
    const summary = { analysis: called, frames: frames.length, ...counts, before, gone, unread: aside };
    process.stdout.write(argv.json ? `${JSON.stringify(jsonOf(summary))}\n` : textOf(summary));
  } finally {
    manifest.close();
    await logger.close();
  }
}

/** Returns a log that also prints warnings and errors above the progress bar. */
function shownWith(log: StageLog, progress: Progress): StageLog {
  return {
    ...{ info: log.info, debug: log.debug, log: log.log },
    warn: (message, fields) => {
      progress.note(message);
      log.warn(message, fields);
    },
    error: (message, fields) => {
      progress.note(message);
      log.error(message, fields);
    },
  };
}

/** Returns the frames that have, or had, an image, in the part that the options select, in order of capture. */
function framesOf(manifest: Manifest, argv: RemeasureArguments, zone: TimeZone): readonly FrameAgain[] {
  const frames: (FrameAgain & { readonly takenAtUs: number })[] = [];
  for (const { entryId, filename, filepath, page, capturedAtUs } of manifest.history.entries()) {
    if (filename === undefined || filepath === undefined) continue;
    frames.push({ entryId, filename, filepath, page, capturedAtUs, takenAtUs: capturedAtUs });
  }
  if (frames.length === 0)
    throw new Failure("usage.invalid", "no frame has been captured yet, so there is nothing to measure again");
  const { taken, leftOut } = selectFrames(frames, frameSubset(argv, zone));
  if (leftOut !== undefined) process.stderr.write(`${leftOut}\n`);
  return taken;
}

interface Summary {
  readonly analysis: string;
  readonly frames: number;
  readonly measured: number;
  readonly failed: number;
  /** Frames that the analysis had measured before. */
  readonly before: number;
  readonly gone: readonly string[];
  readonly unread: readonly string[];
}

function jsonOf({ before, gone, ...others }: Summary): object {
  return { ...others, measured_before: before, gone: gone.length, gone_images: gone };
}

function textOf({ analysis, frames, measured, failed, before, gone, unread }: Summary): string {
  const listed = (names: readonly string[]) => shortList(names, NAMED);
  const lines = [
    `analysis "${analysis}": ${measured} of ${frames} frames measured${before > 0 ? `, ${before} before` : ""}, ${failed} failed`,
    ...(gone.length === 0 ? [] : [`${gone.length} not measured because the image is gone: ${listed(gone)}`]),
    ...(unread.length === 0
      ? []
      : [
          `${unread.length} not measured because the image cannot be read: ${listed(unread)}; the same command tries again`,
        ]),
    ...(measured + before === 0 ? [] : [`show it with \`phorest report --analysis "${analysis}"\``]),
  ];
  return `${lines.join("\n")}\n`;
}
