// `phorest capture`: captures one image, without an experiment.
import { statSync } from "node:fs";
import { dirname, extname, join, resolve } from "node:path";
import type { CommandModule } from "yargs";
import { levelOfDarkPicture } from "../analysis/dark-level.ts";
import type { CapturedFrame } from "../cameras/frame.ts";
import { storeBrightfield, storedPicture } from "../cameras/picture-encoding.ts";
import { loadConfig } from "../config/config.ts";
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import { captureFileName } from "../image/capture-name.ts";
import { encodePicture, PICTURE_FORMATS } from "../image/encode.ts";
import { sharpnessOf } from "../image/focus.ts";
import type { Picture } from "../image/picture.ts";
import { ensureDirectory } from "../system/files.ts";
import { writeOutput } from "../system/output-file.ts";
import type { GlobalOptions } from "./global.ts";
import { storing, withCamera } from "./open-camera.ts";
import { endProgramsWithCommand } from "./stoppable.ts";

interface CaptureOptions extends GlobalOptions {
  brightfield: boolean;
  dark: boolean;
  out: string | undefined;
}

export const captureCommand: CommandModule<GlobalOptions, CaptureOptions> = {
  command: "capture",
  describe: "Capture one image with the configured camera",
  builder: (yargs) =>
    yargs
      .option("brightfield", { type: "boolean", default: false, describe: "Use the settings of [Brightfield]" })
      .option("dark", {
        type: "boolean",
        default: false,
        describe: "Capture a dark image (lamp off or camera covered) and print the value for Camera.dark_level",
      })
      .option("out", { type: "string", requiresArg: true, describe: "File to write (.png, .tiff, .bmp or .jpg)" })
      .example("$0 capture --out test.png", "one image, with its settings and sharpness")
      .example("$0 capture --dark --out dark.png", "measure the dark level of the camera")
      .example("$0 capture --brightfield", "one image into Paths.brightfield_dir"),
  handler: async ({ config: file, json, brightfield, dark, out }) => {
    if (dark && brightfield) throw new Failure("usage.invalid", "--dark and --brightfield cannot be combined");
    const { config } = loadConfig(file);
    if (out !== undefined) formatOf(out);
    endProgramsWithCommand();
    await withCamera(config, brightfield, async (capture) => {
      const frame = await capture();
      const given = frame.picture ?? frame.encoded?.picture;
      // Do not store an image that is not dark: it could not be used as Camera.dark_level.
      const level = dark && given !== undefined ? darkOf(given, config.Camera.bits) : undefined;
      const path = await put(frame, config, brightfield, out);
      for (const warning of frame.warnings) process.stderr.write(`warning: ${warning}\n`);
      const { width, height, bitDepth } = given ?? { width: 0, height: 0, bitDepth: 8 };
      const figures = given === undefined ? undefined : sharpnessOf(given, config.Camera.bits);
      const { settings, warnings } = frame;
      if (json) {
        process.stdout.write(
          `${JSON.stringify({ path, width, height, bitDepth, settings, warnings, ...figures, ...level })}\n`,
        );
        return;
      }
      process.stdout.write(`${path}: ${width}x${height}, ${bitDepth} bits\n`);
      for (const [name, value] of Object.entries(settings)) process.stdout.write(`  ${name}: ${value}\n`);
      if (figures !== undefined) process.stdout.write(`  ${figuresLine(figures)}\n`);
      if (level !== undefined) process.stdout.write(`${darkLines(level, path)}\n`);
    });
  },
};

/** Formats focus, brightness and saturation for people. */
export function figuresLine({ focus, saturated, brightness }: ReturnType<typeof sharpnessOf>): string {
  return `focus ${focus.toFixed(1)}  brightness ${brightness.toFixed(1)}  saturated ${(100 * saturated).toFixed(2)} %`;
}

function darkOf(picture: Picture, bits: number): { darkLevel: number; darkSpread: number } {
  const { level, spread } = levelOfDarkPicture(picture, "the image", bits);
  return { darkLevel: Number(level.toFixed(2)), darkSpread: Number(spread.toFixed(2)) };
}

function darkLines({ darkLevel, darkSpread }: ReturnType<typeof darkOf>, path: string): string {
  const found = `dark level ${darkLevel} counts; it varies by ${darkSpread} counts across the image`;
  return `  ${found}\nSet in [Camera]: dark_level = ${darkLevel}, or dark_level = ${JSON.stringify(path)}`;
}

async function put(
  frame: CapturedFrame,
  config: Config,
  brightfield: boolean,
  out: string | undefined,
): Promise<string> {
  const as = storing(config, brightfield);
  if (out !== undefined) {
    const path = resolve(out);
    await ensureDirectory(dirname(path));
    const wanted = formatOf(path);
    const { bytes, extension, picture } = await storedPicture(frame, { ...as, format: wanted });
    const same = extension === wanted || (extension === "jpg" && wanted === "jpeg");
    await writeOutput(path, same ? bytes : await encodePicture(picture, wanted));
    return path;
  }
  if (brightfield) {
    await ensureDirectory(config.Paths.brightfield_dir);
    return storeBrightfield(frame, as, config.Paths.brightfield_dir);
  }
  // In the working directory, because an image in the data directory would count as a frame of the experiment.
  const { bytes, extension } = await storedPicture(frame, as);
  const path = join(process.cwd(), captureFileName(frame.capturedAtUs, as.id, extension));
  await writeOutput(path, bytes);
  return path;
}

const ENDINGS: Readonly<Record<string, string>> = { jpg: "jpeg", tif: "tiff" };

/** The image format of the extension of `--out`. Throws Failure usage.invalid if it is unknown or `path` is a directory. */
export function formatOf(path: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new Failure("usage.invalid", `--out ${path}: this is a directory`, { hint: "name a file" });
  }
  const ending = extname(path).slice(1).toLowerCase();
  const format = ENDINGS[ending] ?? ending;
  if (PICTURE_FORMATS.some((known) => known === format)) return format;
  throw new Failure("usage.invalid", `--out ${path}: unknown image format`, {
    hint: "use .png, .tiff, .bmp or .jpg",
  });
}
