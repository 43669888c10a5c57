// `phorest simulate`: writes pictures of the simulated chip together with the truth about them.
import { isAbsolute, join, resolve } from "node:path";
import type { CommandModule } from "yargs";
import { formatRoiManifest } from "../analysis/roi.ts";
import { chipTypes } from "../chip/layout.ts";
import { Failure } from "../failure.ts";
import { ensureDirectory, writeDurably } from "../files.ts";
import { PHASES } from "../frame/binding.ts";
import { captureFileName, encodePicture, PICTURE_FORMATS, type PictureFormat } from "../frame/encode.ts";
import { createSimulator, SIMULATOR_DEFAULTS, type Simulator, type SimulatorOptions } from "../frame/simulator.ts";
import type { GlobalOptions } from "./global.ts";

interface SimulateOptions extends GlobalOptions {
  dir: string;
  frames: number;
  chip: string;
  size: string;
  noise: string;
  interval: number;
  angle: number;
  bits: number;
  format: PictureFormat;
  drift: string;
  seed: number;
  start: string | undefined;
  truth: string | undefined;
}

/** Time stamp of the first picture unless given: fixed, so that the same options write the same files. */
const START = "2025-01-01T00:00:00Z";
const LARGEST_SIDE_PX = 32_768;
const EXTENSIONS: Readonly<Record<PictureFormat, string>> = { png: "png", tiff: "tiff", bmp: "bmp", jpeg: "jpg" };

export const simulateCommand: CommandModule<GlobalOptions, SimulateOptions> = {
  command: "simulate <dir>",
  describe: "Write realistic chip pictures with their known resonance positions",
  builder: (yargs) =>
    yargs
      .positional("dir", { type: "string", demandOption: true, describe: "Directory for the pictures" })
      .option("frames", { type: "number", demandOption: true, describe: "How many pictures" })
      .option("chip", {
        type: "string",
        default: SIMULATOR_DEFAULTS.chipType as string,
        describe: `Chip type: ${chipTypes().join(", ")}`,
      })
      .option("size", { type: "string", default: "1920x1460", describe: "Width x height, px" })
      .option("noise", { type: "string", default: "on", describe: "on, off, or a multiple of the usual noise" })
      .option("interval", { type: "number", default: 10, describe: "Seconds between pictures" })
      .option("angle", { type: "number", default: SIMULATOR_DEFAULTS.angleDegrees as number, describe: "Degrees" })
      .option("bits", { type: "number", default: 8, describe: "8 or 16" })
      .option("format", { choices: PICTURE_FORMATS, default: "png" as PictureFormat, describe: "Picture format" })
      .option("drift", { type: "string", default: "0,0", describe: "Movement of the chip, px per hour: dx,dy" })
      .option("seed", {
        type: "number",
        default: SIMULATOR_DEFAULTS.seed as number,
        describe: "Start of the random numbers",
      })
      .option("start", { type: "string", describe: `Time of the first picture (default ${START})` })
      .option("truth", { type: "string", describe: "Truth file (default truth.json beside the pictures)" })
      .example("$0 simulate pictures --frames 50", "an injection in fifty pictures, truth.json, ROI_manifest.json")
      .example("$0 simulate big --frames 1 --size 9152x6944 --bits 16", "the whole chip, 16 bit"),
  handler: async (options) => {
    const frames = wholeNumber(options.frames, "--frames", 1, 1_000_000);
    const intervalSeconds = finite(options.interval, "--interval");
    if (intervalSeconds <= 0) throw wrong("--interval", String(intervalSeconds), "a number above 0");
    const startUs = startTimeUs(options.start ?? START);
    const simulator = createSimulator(simulatorOptions(options, frames, intervalSeconds));
    const directory = resolve(options.dir);
    await ensureDirectory(directory);
    const taken: { file: string; elapsedSeconds: number; capturedAtUs: number }[] = [];
    for (let i = 0; i < frames; i++) {
      const elapsedSeconds = i * intervalSeconds;
      const capturedAtUs = startUs + Math.round(elapsedSeconds * 1e6);
      const file = captureFileName(capturedAtUs, 0, EXTENSIONS[options.format]);
      await writeDurably(
        join(directory, file),
        await encodePicture(simulator.render(elapsedSeconds, i), options.format),
      );
      taken.push({ file, elapsedSeconds, capturedAtUs });
      process.stderr.write(
        process.stderr.isTTY ? `\r${i + 1} of ${frames} pictures${i + 1 === frames ? "\n" : ""}` : "",
      );
    }
    await writeDurably(join(directory, "ROI_manifest.json"), formatRoiManifest(simulator.roiManifest()));
    const truthFile = truthPath(options.truth, directory);
    await writeDurably(truthFile, truthText(simulator, options.seed, taken));
    const rois = simulator.roiManifest().rois.length;
    if (options.json) process.stdout.write(`${JSON.stringify({ directory, frames, rois, truth: truthFile })}\n`);
    else
      process.stdout.write(
        `${directory}: ${frames} pictures, ROI_manifest.json with ${rois} ROIs, truth in ${truthFile}\n`,
      );
  },
};

function simulatorOptions(options: SimulateOptions, frames: number, intervalSeconds: number): SimulatorOptions {
  if (!chipTypes().includes(options.chip)) throw wrong("--chip", options.chip, `one of ${chipTypes().join(", ")}`);
  const [width, height] = size(options.size);
  const level = noiseLevel(options.noise);
  const { noise, dust, vignetting } = SIMULATOR_DEFAULTS;
  const angleDegrees = finite(options.angle, "--angle");
  if (Math.abs(angleDegrees) > 45) throw wrong("--angle", String(angleDegrees), "-45 to 45 degrees");
  if (options.bits !== 8 && options.bits !== 16) throw wrong("--bits", String(options.bits), "8 or 16");
  const injection = PHASES.baseline + PHASES.association + PHASES.dissociation;
  return {
    chipType: options.chip,
    width,
    height,
    bitDepth: options.bits,
    angleDegrees,
    driftPxPerHour: drift(options.drift),
    // However many pictures there are, they show one injection from baseline to dissociation.
    binding: { timeSeconds: (Math.max(1, frames) * intervalSeconds) / injection },
    noise: {
      speckle: noise.speckle * level,
      readCounts: noise.readCounts * level,
      electronsPerCount: noise.electronsPerCount / level ** 2,
    },
    dust: level === 0 ? 0 : dust,
    vignetting: level === 0 ? 0 : vignetting,
    seed: wholeNumber(options.seed, "--seed", 0, 2 ** 32 - 1),
  };
}

function truthText(
  simulator: Simulator,
  seed: number,
  taken: readonly { file: string; elapsedSeconds: number; capturedAtUs: number }[],
): string {
  const { chip, placement, bitDepth } = simulator;
  const rois = [...simulator.truth(0)].map(([label, truth]) => [
    label,
    {
      tilt_px: exact(truth.tiltPx),
      gamma: exact(truth.gamma),
      q: exact(truth.q),
      amplitude: exact(truth.amplitude),
      background: exact(truth.background),
      peak_offset: exact(truth.peakOffset),
      reference: truth.reference,
    },
  ]);
  const frames = taken.map(({ file, elapsedSeconds, capturedAtUs }) => ({
    file,
    timestamp: new Date(capturedAtUs / 1000).toISOString(),
    elapsed_seconds: elapsedSeconds,
    resonance: Object.fromEntries(
      [...simulator.truth(elapsedSeconds)].map(([label, truth]) => [label, exact(truth.resonance)]),
    ),
  }));
  const head = {
    chip_type: chip.type,
    width: placement.width,
    height: placement.height,
    bit_depth: bitDepth,
    px_per_um: placement.pxPerUm,
    offset: [placement.offsetX, placement.offsetY],
    image_angle: placement.angleDegrees,
    seed,
  };
  return `${JSON.stringify({ ...head, rois: Object.fromEntries(rois), frames }, null, 1)}\n`;
}

/** Rounded to what can matter, so that the file stays readable. */
function exact(value: number): number {
  return Math.round(value * 1e5) / 1e5;
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

function startTimeUs(text: string): number {
  const ms = Date.parse(text);
  if (Number.isFinite(ms)) return ms * 1000;
  throw wrong("--start", text, `a time such as ${START}`);
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
  return new Failure("usage.invalid", `${name} ${value} is not valid`, { hint: `expected ${allowed}` });
}
