// The options of `phorest figure`: which curves, which time range, which size.
import type { Argv } from "yargs";
import { TIMES, wrongOption } from "../evaluation/time-options.ts";
import { Failure } from "../failure/failure.ts";
import { type FigureSize, PAGE_MM, pxOfMm } from "../figures/print-style.ts";
import { ANALYSIS_OPTION } from "./chosen-analysis.ts";
import { JOINED_OPTION } from "./joined-curves.ts";
import { ROI_LIST } from "./roi-list.ts";

/** What values are relative to. */
const NORMALISATIONS = ["baseline", "first", "none"] as const;
export type Normalisation = (typeof NORMALISATIONS)[number];

export interface FigureArguments {
  out: string | undefined;
  csv: string | undefined;
  roi: string[] | undefined;
  from: string | undefined;
  to: string | undefined;
  every: number;
  analysis: string | undefined;
  joined: boolean;
  pairs: boolean;
  normalise: Normalisation;
  "max-noise": number | undefined;
  "y-limits": string | undefined;
  limits: "common" | "own";
  frames: number;
  clock: boolean;
  markers: boolean;
  row: string;
  size: string;
  title: string | undefined;
}

/** Adds the options to the command. */
export function figureOptions<T>(yargs: Argv<T>): Argv<T & FigureArguments> {
  return yargs
    .option("out", { type: "string", requiresArg: true, describe: "PNG or SVG file to write" })
    .option("csv", { type: "string", requiresArg: true, describe: "CSV file with the numbers that the figure shows" })
    .option("roi", {
      ...ROI_LIST,
      describe: "Names of ROIs or gratings; * matches any (default: all)",
    })
    .option("from", { type: "string", requiresArg: true, describe: `Frames from this time on: ${TIMES}` })
    .option("to", { type: "string", requiresArg: true, describe: "Frames up to this time" })
    .option("every", { type: "number", requiresArg: true, default: 1, describe: "Take every N-th of these frames" })
    .option("analysis", ANALYSIS_OPTION)
    .option("joined", JOINED_OPTION)
    .option("pairs", {
      type: "boolean",
      default: false,
      describe: "One curve per grating, combined from both halves",
    })
    .option("normalise", {
      choices: NORMALISATIONS,
      default: "baseline" as const,
      describe: "Count from the baseline, from the first frame shown, or from the left edge of the ROI (none)",
    })
    .option("max-noise", {
      type: "number",
      requiresArg: true,
      describe: "Leave out curves with more noise than this, px",
    })
    .option("y-limits", {
      type: "string",
      requiresArg: true,
      describe: "MIN,MAX of the vertical axis, as --y-limits=-1,5",
    })
    .option("limits", {
      choices: ["common", "own"] as const,
      default: "common" as const,
      describe: "panels: the same vertical axis for all, or each its own",
    })
    .option("frames", {
      type: "number",
      requiresArg: true,
      default: 20,
      describe: "rolling: frames of the median",
    })
    .option("markers", {
      type: "boolean",
      default: true,
      describe: "curves, rolling: draw markers and injections; --no-markers leaves them out",
    })
    .option("clock", {
      type: "boolean",
      default: false,
      describe: "Show the time of day instead of the time since the first frame",
    })
    .option("row", {
      type: "string",
      requiresArg: true,
      default: "middle",
      describe: "profiles: row of the ROI, counted from 0, or middle, or mean",
    })
    .option("size", {
      type: "string",
      requiresArg: true,
      default: String(PAGE_MM),
      describe: "Width, or width x height, in mm: 85 for one column of a journal, 170 for two",
    })
    .option("title", { type: "string", describe: 'Title (default: the experiment; "" for none)' });
}

/** Parses `--y-limits MIN,MAX`. Throws Failure `usage.invalid` for anything else. */
export function limitsOption(text: string | undefined): readonly [number, number] | undefined {
  if (text === undefined) return undefined;
  const [low, high, ...more] = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  const known = low !== undefined && high !== undefined && Number.isFinite(low) && Number.isFinite(high);
  if (!known || more.length > 0) throw wrongOption("--y-limits", "MIN,MAX such as -0.5,3", text);
  if (high <= low) throw wrongOption("--y-limits", "MIN below MAX", text);
  return [low, high];
}

const [LEAST_MM, MOST_MM] = [50, 1000];

/**
 * Parses `--size WIDTH` or `WIDTHxHEIGHT` in mm; returns pixels of the drawing. Throws Failure `usage.invalid` for anything else.
 */
export function sizeOption(text: string): FigureSize {
  const [, width, height] = /^(\d+(?:\.\d+)?)(?:x(\d+(?:\.\d+)?))?$/.exec(text) ?? [];
  const fits = (mm: number) => mm >= LEAST_MM && mm <= MOST_MM;
  if (width === undefined || !fits(Number(width)) || (height !== undefined && !fits(Number(height)))) {
    throw wrongOption("--size", `WIDTH or WIDTHxHEIGHT in mm, each from ${LEAST_MM} to ${MOST_MM}`, text);
  }
  return { width: pxOfMm(Number(width)), ...(height === undefined ? {} : { height: pxOfMm(Number(height)) }) };
}

/** Returns a whole number of at least `least`. Throws Failure `usage.invalid` for anything else. */
export function countOption(option: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw wrongOption(option, `a whole number of at least ${least}`, String(value));
}

/** Returns the value of `--max-noise PX`. Throws Failure `usage.invalid` for anything but a positive number. */
export function noiseOption(value: number | undefined): number {
  if (value === undefined) return Number.POSITIVE_INFINITY;
  if (Number.isFinite(value) && value > 0) return value;
  throw wrongOption("--max-noise", "a number of px above 0", String(value));
}

/**
 * Returns the value of `--row`; undefined for the mean of all rows. Throws Failure `usage.invalid` for a row that the ROI does
 * not have.
 */
export function rowOption(text: string, height: number): number | undefined {
  if (text === "mean") return undefined;
  if (text === "middle") return height >> 1;
  if (/^\d+$/.test(text) && Number(text) < height) return Number(text);
  throw new Failure("usage.invalid", `--row needs middle, mean, or a row from 0 to ${height - 1}, not "${text}"`);
}
