// `phorest simulate`: writes images of the simulated chip, with the true resonance positions.

import { isAbsolute, join, resolve } from "node:path";
import type { CommandModule } from "yargs";
import { chipTypes } from "../chip/layout.ts";
import {
  PROFILE_BITS,
  PROFILES,
  type ProfileName,
  SIMULATED_LINES,
  type SimulatedLine,
} from "../config/simulation-section.ts";
import { wrongOption } from "../evaluation/time-options.ts";
import { Failure } from "../failure/failure.ts";
import { captureFileName } from "../image/capture-name.ts";
import { encodePicture, PICTURE_FORMATS, type PictureFormat } from "../image/encode.ts";
import { usFromOption } from "../manifest/timestamps.ts";
import { formatRoiManifest } from "../measurement/roi.ts";
import { ASSAY_PRESETS, type Assay, assayOf } from "../simulator/assay-settings.ts";
import { PHASES } from "../simulator/binding.ts";
import { CAMERA_PROFILES } from "../simulator/camera-profiles.ts";
import { bitDepthOf, createSimulator, SIMULATOR_DEFAULTS, type SimulatorOptions } from "../simulator/simulator.ts";
import { loadTextures } from "../simulator/texture.ts";
import { counted } from "../system/counted.ts";
import { ensureDirectory, writeDurably } from "../system/files.ts";
import { writeOutput } from "../system/output-file.ts";
import { TimeZone, UTC } from "../system/time-zone.ts";
import type { GlobalOptions } from "./global.ts";
import { type SimulatedImage, simulatedInjectionsCsv, truthText } from "./simulated-truth.ts";

interface SimulateOptions extends GlobalOptions {
  dir: string;
  frames: number | undefined;
  assay: string | undefined;
  chip: string;
  profile: ProfileName;
  line: SimulatedLine;
  texture: string[] | undefined;
  size: string;
  noise: string;
  interval: number | undefined;
  angle: number;
  bits: number | undefined;
  format: PictureFormat;
  drift: string;
  seed: number;
  start: string | undefined;
  truth: string | undefined;
}

/** Default time stamp of the first image; fixed, so that the same options write the same files. */
const START = "2025-01-01T00:00:00Z";
const INTERVAL_S = 10;
const MOST_FRAMES = 1_000_000;
const LARGEST_SIDE_PX = 32_768;
const EXTENSIONS: Readonly<Record<PictureFormat, string>> = { png: "png", tiff: "tiff", bmp: "bmp", jpeg: "jpg" };

export const simulateCommand: CommandModule<GlobalOptions, SimulateOptions> = {
  command: "simulate <dir>",
  describe: "Write realistic images of a simulated chip, with the true resonance positions",
  builder: (yargs) =>
    yargs
      .positional("dir", { type: "string", demandOption: true, describe: "Directory for the images" })
      .option("frames", { type: "number", describe: "Number of images (default: the whole assay)" })
      .option("assay", {
        type: "string",
        requiresArg: true,
        describe: `Injections and their effect: ${ASSAY_PRESETS.join(", ")}, or a TOML file`,
      })
      .option("chip", {
        type: "string",
        default: SIMULATOR_DEFAULTS.chipType as string,
        describe: `Chip type: ${chipTypes().join(", ")}`,
      })
      .option("profile", {
        choices: PROFILES,
        requiresArg: true,
        default: SIMULATOR_DEFAULTS.profile as ProfileName,
        describe: "Camera: ideal, pi64 (64-megapixel Raspberry Pi) or scientific (12 bits)",
      })
      .option("line", {
        choices: SIMULATED_LINES,
        requiresArg: true,
        default: SIMULATOR_DEFAULTS.line as SimulatedLine,
        describe: "Shape of the resonance bands",
      })
      .option("texture", {
        type: "string",
        array: true,
        requiresArg: true,
        describe: "Images of real ROIs whose speckle pattern to use",
      })
      .option("size", { type: "string", default: "1920x1460", describe: "Width x height, px" })
      .option("noise", { type: "string", default: "on", describe: "on, off, or a multiple of the usual noise" })
      .option("interval", { type: "number", describe: "Seconds between images (default: 10, or as the assay says)" })
      .option("angle", {
        type: "number",
        default: SIMULATOR_DEFAULTS.angleDegrees as number,
        describe: "Angle of the chip, degrees",
      })
      .option("bits", { type: "number", describe: "8 or 16 (default: that of the camera profile)" })
      .option("format", { choices: PICTURE_FORMATS, default: "png" as PictureFormat, describe: "Image format" })
      .option("drift", { type: "string", default: "0,0", describe: "Movement of the chip, px per hour: dx,dy" })
      .option("seed", {
        type: "number",
        default: SIMULATOR_DEFAULTS.seed as number,
        describe: "Seed of the random numbers",
      })
      .option("start", { type: "string", describe: `Time of the first image (default: ${START})` })
      .option("truth", {
        type: "string",
        describe: "File for the true positions (default: truth.json next to the images)",
      })
      .example("$0 simulate pictures --frames 50", "an injection in fifty images, truth.json and ROI_manifest.json")
      .example("$0 simulate pictures --assay binding", "six concentrations and two blanks, with injections.csv")
      .example("$0 simulate big --frames 1 --size 9152x6944 --bits 16", "the whole chip, 16 bit")
      .example("$0 simulate pi --frames 50 --profile pi64 --texture roi.png", "like images of a Raspberry Pi camera"),
  handler: async (options) => {
    const assay = options.assay === undefined ? undefined : assayOf(options.assay);
    const intervalSeconds = finite(options.interval ?? assay?.interval_seconds ?? INTERVAL_S, "--interval");
    if (intervalSeconds <= 0) throw wrong("--interval", String(intervalSeconds), "a number greater than 0");
    const frames = numberOfFrames(options.frames, assay, intervalSeconds);
    const startUs = usFromOption(
      "--start",
      options.start ?? START,
      options.tz === undefined ? UTC : new TimeZone(options.tz),
    );
    const settings = { ...simulatorOptions(options, frames, intervalSeconds), assay };
    const textures = await loadTextures(options.texture ?? [], CAMERA_PROFILES[options.profile].pedestal);
    const simulator = createSimulator({ ...settings, textures });
    const directory = resolve(options.dir);
    await ensureDirectory(directory);
    const taken: SimulatedImage[] = [];
    for (let i = 0; i < frames; i++) {
      const elapsedSeconds = i * intervalSeconds;
      const capturedAtUs = startUs + Math.round(elapsedSeconds * 1e6);
      const file = captureFileName(capturedAtUs, 0, EXTENSIONS[options.format]);
      await writeDurably(
        join(directory, file),
        await encodePicture(simulator.render(elapsedSeconds, i), options.format),
      );
      taken.push({ file, elapsedSeconds, capturedAtUs });
      process.stderr.write(process.stderr.isTTY ? `\r${i + 1} of ${frames} images${i + 1 === frames ? "\n" : ""}` : "");
    }
    await writeDurably(join(directory, "ROI_manifest.json"), formatRoiManifest(simulator.roiManifest()));
    const truthFile = truthPath(options.truth, directory);
    await writeOutput(truthFile, truthText(simulator, { ...options, assay }, taken));
    const injections = assay === undefined ? undefined : join(directory, "injections.csv");
    if (assay !== undefined && injections !== undefined) {
      await writeDurably(injections, await simulatedInjectionsCsv(assay));
    }
    const rois = simulator.roiManifest().rois.length;
    if (options.json) {
      process.stdout.write(`${JSON.stringify({ directory, frames, rois, truth: truthFile, injections })}\n`);
    } else {
      const how = injections === undefined ? "" : `; \`phorest injections import ${injections}\` takes the injections`;
      process.stdout.write(
        `${directory}: ${counted(frames, "image")}, ROI_manifest.json with ${counted(rois, "ROI")}; true positions in ${truthFile}${how}\n`,
      );
    }
  },
};

/** Returns the requested number, or as many as the assay takes. */
function numberOfFrames(asked: number | undefined, assay: Assay | undefined, intervalSeconds: number): number {
  if (asked === undefined && assay === undefined) {
    throw new Failure("usage.invalid", "--frames is missing", { hint: "say how many images, or give an --assay" });
  }
  const whole = assay === undefined ? 1 : Math.floor(assay.duration_seconds / intervalSeconds) + 1;
  return wholeNumber(asked ?? whole, "--frames", 1, MOST_FRAMES);
}

function simulatorOptions(options: SimulateOptions, frames: number, intervalSeconds: number): SimulatorOptions {
  if (!chipTypes().includes(options.chip)) throw wrong("--chip", options.chip, `one of ${chipTypes().join(", ")}`);
  const [width, height] = size(options.size);
  const level = noiseLevel(options.noise);
  const { noise, dust, vignetting } = CAMERA_PROFILES[options.profile];
  const angleDegrees = finite(options.angle, "--angle");
  if (Math.abs(angleDegrees) > 45) throw wrong("--angle", String(angleDegrees), "-45 to 45 degrees");
  const injection = PHASES.baseline + PHASES.association + PHASES.dissociation;
  return {
    profile: options.profile,
    line: options.line,
    chipType: options.chip,
    width,
    height,
    bitDepth: bitsOf(options),
    angleDegrees,
    driftPxPerHour: drift(options.drift),
    // The images, whatever their number, show one injection, from baseline to dissociation.
    binding: { timeSeconds: (Math.max(1, frames) * intervalSeconds) / injection },
    noise: {
      speckle: noise.speckle * level,
      readCounts: noise.readCounts * level,
      mottle: { ...noise.mottle, contrast: noise.mottle.contrast * level },
      electronsPerCount: noise.electronsPerCount / level ** 2,
    },
    dust: level === 0 ? 0 : dust,
    vignetting: level === 0 ? 0 : vignetting,
    seed: wholeNumber(options.seed, "--seed", 0, 2 ** 32 - 1),
  };
}

/** Returns the requested number of bits, otherwise that of the profile. */
function bitsOf({ profile, bits }: SimulateOptions): 8 | 16 {
  const bitDepths = PROFILE_BITS[profile];
  if (bits === undefined || bitDepths.some((one) => one === bits)) return bitDepthOf(profile, bits);
  throw wrong("--bits", String(bits), `${bitDepths.join(" or ")} with --profile ${profile}`);
}

function truthPath(given: string | undefined, directory: string): string {
  if (given === undefined) return join(directory, "truth.json");
  return isAbsolute(given) ? given : resolve(given);
}

function size(text: string): [number, number] {
  const match = /^(\d+)[x×](\d+)$/i.exec(text.trim());
  const sides = [Number(match?.[1]), Number(match?.[2])] as [number, number];
  if (sides.every((side) => side >= 1 && side <= LARGEST_SIDE_PX)) return sides;
  throw wrong("--size", text, `WIDTHxHEIGHT such as 1920x1460, at most ${LARGEST_SIDE_PX} px a side`);
}

function noiseLevel(text: string): number {
  if (text === "on" || text === "true") return 1;
  if (text === "off" || text === "false") return 0;
  const level = text.trim() === "" ? Number.NaN : Number(text);
  if (level >= 0 && level <= 100) return level;
  throw wrong("--noise", text, "on, off, or a number from 0 to 100");
}

function drift(text: string): { x: number; y: number } {
  const parts = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  const [x, y] = parts;
  if (parts.length === 2 && x !== undefined && y !== undefined && parts.every(Number.isFinite)) return { x, y };
  throw wrong("--drift", text, "two numbers dx,dy in px per hour, such as 0.5,0.2");
}

function wholeNumber(value: number, name: string, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw wrong(name, String(value), `a whole number from ${least} to ${most}`);
}

function finite(value: number, name: string): number {
  if (Number.isFinite(value)) return value;
  throw wrong(name, String(value), "a number");
}

function wrong(name: string, value: string, allowed: string): Failure {
  return wrongOption(name, allowed, value);
}
