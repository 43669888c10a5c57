// How `phorest analyse` measures: the settings of config.toml, and the options of the command that replace them.

import { readDarkLevel } from "../analysis/dark-level.ts";
import { trackDrift } from "../analysis/drift.ts";
import { type AnalysisSettings, methodSettings } from "../analysis/settings.ts";
import type { Loaded } from "../config/loaded.ts";
import { wrongOption } from "../evaluation/time-options.ts";
import { Failure } from "../failure/failure.ts";
import {
  type BitDepthScaling,
  type FanoSign,
  FEWEST_BITS,
  type JointLine,
  type Method,
  MOST_BITS,
  type Sampling,
} from "../measurement/method.ts";
import type { CaptureTimeArguments } from "./capture-time-options.ts";
import type { PageArguments } from "./page-options.ts";
import type { SubsetArguments } from "./subset-options.ts";

export interface AnalyseArguments extends CaptureTimeArguments, PageArguments, SubsetArguments {
  config?: string;
  tz?: string;
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

export async function settingsOf(argv: AnalyseArguments, { config, origins }: Loaded): Promise<AnalysisSettings> {
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

/** Returns no setting if the images themselves should show the number of bits. */
function bitsOf(bits: number): Pick<AnalysisSettings, "bits"> {
  if (bits === 0) return {};
  if (Number.isSafeInteger(bits) && bits >= FEWEST_BITS && bits <= MOST_BITS) return { bits };
  throw new Failure("usage.invalid", `--bits must be 0 or ${FEWEST_BITS} to ${MOST_BITS}, not ${bits}`);
}

/** Parses `--dark-level`: a number if it is one, otherwise text. */
function darkLevelGiven(given: string | undefined): number | string | undefined {
  const level = Number(given);
  if (given === undefined || given.trim() === "" || Number.isNaN(level)) return given;
  if (level >= 0 && level <= MOST_LEVEL) return level;
  throw new Failure("usage.invalid", `--dark-level must be 0 to ${MOST_LEVEL} counts, not ${given}`);
}

/** A record holds only one method, so refuse rather than silently ignore a second configured one. */
export function refuseCompanions(
  { also = true }: AnalyseArguments,
  { method }: AnalysisSettings,
  { config }: Loaded,
): void {
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

/** The same limit as for the corresponding setting. */
const MOST_SUB_ROIS = 65_535;

const MOST_REFERENCE_FRAMES = 256;

const MOST_LEVEL = 65_535;

export function wholeNumber(option: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw wrongOption(option, `a whole number from ${least} to ${most}`, value);
}
