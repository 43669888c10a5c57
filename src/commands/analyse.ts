// `phorest analyse`: measures existing images without a database; writes one record per image, in input order.
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Argv, CommandModule } from "yargs";
import { listPictures } from "../analysis/batch.ts";
import { type FileFrame, framesOf } from "../analysis/frames.ts";
import { kernelVersion } from "../analysis/native-kernel.ts";
import { configuredTimes } from "../cameras/configured-files.ts";
import { loadConfig, roiManifestPath } from "../config/config.ts";
import { Failure } from "../failure/failure.ts";
import { type FrameSubset, isSubset, selectFrames } from "../image/frame-subset.ts";
import { CaptureTimes, DESCRIBE_NAMES } from "../image/times/capture-times.ts";
import { keepRois } from "../measurement/keep-rois.ts";
import { BIT_DEPTH_SCALINGS, FANO_SIGNS, JOINT_LINES, METHODS, SAMPLINGS } from "../measurement/method.ts";
import { readRoiManifest } from "../measurement/roi.ts";
import { counted } from "../system/counted.ts";
import { ensureDirectory } from "../system/files.ts";
import { analyse } from "./analyse-images.ts";
import { type AnalyseArguments, refuseCompanions, settingsOf, wholeNumber } from "./analyse-settings.ts";
import { captureTimeOptions, withCaptureTimes } from "./capture-time-options.ts";
import { pageChoice, pageOptions } from "./page-options.ts";
import { openResultsFile, type ResultsFile, remaining, sinkOf } from "./results-file.ts";
import { shownZone } from "./shown-zone.ts";
import { stoppable } from "./stoppable.ts";
import { frameSubset, roiPatterns, subsetOptions } from "./subset-options.ts";

export const analyseCommand: CommandModule<object, AnalyseArguments> = {
  command: "analyse <paths..>",
  describe: "Measure existing images; write one record of processing_results.jsonl per image",
  builder: (yargs: Argv): Argv<AnalyseArguments> =>
    captureTimeOptions(pageOptions(subsetOptions(yargs)))
      .positional("paths", { type: "string", array: true, describe: "Images, or directories of images" })
      .option("rois", { type: "string", requiresArg: true, describe: "ROI manifest (default: as configured)" })
      .option("method", { choices: METHODS, describe: "Method that finds the resonance (default: as configured)" })
      .option("joint-line", {
        choices: JOINT_LINES,
        describe: "Line shape of the methods joint and tracking (default: as configured)",
      })
      .option("reference-frames", {
        type: "number",
        requiresArg: true,
        describe: "Number of first images that make the tracking reference (default: as configured)",
      })
      .option("fano-sign", {
        choices: FANO_SIGNS,
        describe: "Sign convention of the fano columns: ours or the established one (default: as configured)",
      })
      .option("sub-rois", {
        type: "number",
        requiresArg: true,
        describe: "Rows that an ROI is reduced to, 0 for all (default: as configured)",
      })
      .option("sampling", { choices: SAMPLINGS, describe: "How ROI pixels are sampled (default: as configured)" })
      .option("bit-depth-scaling", {
        choices: BIT_DEPTH_SCALINGS,
        describe: "How 16-bit images are scaled (default: as configured)",
      })
      .option("bits", {
        type: "number",
        requiresArg: true,
        describe: "Significant bits in 16-bit images, 0 to detect them (default: as configured)",
      })
      .option("dark-level", {
        type: "string",
        requiresArg: true,
        describe: "Value of a pixel without light: counts, auto or a dark image (default: as configured)",
      })
      .option("debug", { type: "boolean", describe: "Include the value of every row" })
      .option("out", {
        type: "string",
        requiresArg: true,
        describe: "Directory for processing_results.jsonl",
        conflicts: "jsonl",
      })
      .option("jsonl", {
        type: "string",
        requiresArg: true,
        describe: "File for the records (default: -, standard output)",
      })
      .option("jobs", {
        type: "number",
        requiresArg: true,
        describe: "Images measured in parallel (default: one per processor core)",
      })
      .option("also", {
        type: "boolean",
        default: true,
        describe: "--no-also ignores Data_Analysis.also, so that only the method is measured",
      })
      .option("resume", {
        type: "boolean",
        default: false,
        describe: "Continue the file of an interrupted analysis, or create it",
      })
      .example(
        "phorest analyse pictures/ --rois ROI_manifest.json --method fano --out results/",
        "measure all images of a directory",
      )
      .example("phorest analyse pictures/ --every 10 --roi '01*,05*' --out quick/", "a quick look at a long series"),
  handler: async (argv) => {
    const loaded = withCaptureTimes(loadConfig(argv.config), argv);
    for (const warning of loaded.warnings) process.stderr.write(`${warning}\n`);
    const settings = await settingsOf(argv, loaded);
    refuseCompanions(argv, settings, loaded);
    const jobs = wholeNumber("--jobs", argv.jobs ?? availableParallelism(), 1, MOST_JOBS);
    const subset = frameSubset(argv, shownZone(loaded.config, argv.tz));
    const given = await readRoiManifest(argv.rois ?? roiManifestPath(loaded.config));
    const rois = keepRois(given, roiPatterns(argv), "--roi");
    const left = given.rois.length - rois.rois.length;
    if (left > 0) process.stderr.write(`left out ${left} of ${given.rois.length} ROIs (--roi)\n`);
    const say = (line: string) => process.stderr.write(`${line}\n`);
    const times = new CaptureTimes(configuredTimes(loaded.config.Camera));
    const listed = await listPictures(argv.paths ?? [], say);
    for (const line of await times.compare(listed, true)) say(line);
    const frames = await framesOf(listed, pageChoice(argv, loaded.config), times, say);
    const { unmatched } = times;
    if (unmatched !== undefined) throw new Failure("usage.invalid", unmatched, { hint: DESCRIBE_NAMES });
    const pictures = chosenFrames(frames, subset);
    const measure = JSON.stringify({ ...settings, rois: rois.sha256, kernel: kernelVersion() });
    const { sink, done, failed } = await openResults(argv, measure);
    const unmeasured = remaining(pictures, done);
    if (unmeasured.length < pictures.length) {
      process.stderr.write(
        `skipped ${pictures.length - unmeasured.length} of ${counted(pictures.length, "image")}: already measured\n`,
      );
    }
    await stoppable(async (signal) => {
      const failedNow = await analyse({ all: pictures, pictures: unmeasured, rois, settings, jobs, sink, signal });
      if (failed + failedNow > 0) process.exitCode = SOME_FAILED;
    });
  },
};

const SOME_FAILED = 3;

const MOST_JOBS = 1024;

/** Returns the frames of the subset, in order; reports how many are left out. */
function chosenFrames(frames: readonly FileFrame[], subset: FrameSubset): readonly FileFrame[] {
  if (!isSubset(subset)) return frames;
  const { taken, leftOut } = selectFrames(frames, subset);
  if (leftOut !== undefined) process.stderr.write(`${leftOut}\n`);
  return taken;
}

/** Opens the output, and finds out which records it already has. */
async function openResults(argv: AnalyseArguments, measure: string): Promise<ResultsFile> {
  const { out, jsonl = "-", resume = false } = argv;
  if (out === undefined && jsonl === "-") {
    if (resume) throw new Failure("usage.invalid", "--resume needs a file", { hint: "name it with --out or --jsonl" });
    return { sink: sinkOf(process.stdout, false), done: new Map(), failed: 0 };
  }
  if (out !== undefined) await ensureDirectory(out);
  return await openResultsFile(out === undefined ? jsonl : join(out, "processing_results.jsonl"), measure, resume);
}
