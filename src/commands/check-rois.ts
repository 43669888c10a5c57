// `phorest check-rois`: draws the ROIs over an image, for checking by eye, and writes an ROI manifest with some of them.
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import type { Argv, CommandModule } from "yargs";
import { loadConfig, roiManifestPath } from "../config/config.ts";
import { Failure } from "../failure/failure.ts";
import { drawRois } from "../figures/roi-picture.ts";
import { decodePicture } from "../image/decode.ts";
import { keepRois, labelPatterns } from "../measurement/keep-rois.ts";
import { type RoiManifest, readRoiManifest } from "../measurement/roi.ts";
import type { NamedFile } from "../system/confined-file.ts";
import { counted } from "../system/counted.ts";
import { outputPlace, writeOutput } from "../system/output-file.ts";
import { onePage, onePageOptions, type PageArguments, refuseWithoutImage } from "./page-options.ts";

interface CheckRoisArguments extends PageArguments {
  page?: number | undefined;
  config?: string;
  image?: string;
  rois?: string;
  keep?: string;
  out?: string;
}

export const checkRoisCommand: CommandModule<object, CheckRoisArguments> = {
  command: "check-rois [image]",
  describe: "Draw the ROIs over an image, or write an ROI manifest with some of them",
  builder: (yargs: Argv): Argv<CheckRoisArguments> =>
    onePageOptions(yargs)
      .positional("image", { type: "string", describe: "The image" })
      .option("rois", { type: "string", requiresArg: true, describe: "ROI manifest (default: as configured)" })
      .option("keep", {
        type: "string",
        requiresArg: true,
        describe:
          "Keep only ROIs with these labels: '01*,05*' (* for any characters, ? for one); writes them as a new manifest",
      })
      .option("out", {
        type: "string",
        requiresArg: true,
        describe:
          "PNG file to write; without an image, the new ROI manifest (default: NAME_kept.json next to the old one)",
      })
      .example(
        "phorest check-rois image.png --rois ROI_manifest.json --out rois.png",
        "check the positions of the ROIs",
      )
      .example("phorest check-rois --keep '01*,05*' --out few.json", "an ROI manifest with a part of the chip"),
  handler: async (options) => {
    const { config, image, rois, keep, out } = options;
    if (image === undefined && keep === undefined) throw usage("give an image to draw on, or --keep to choose ROIs");
    if (image !== undefined && out === undefined) throw usage("--out is missing", "name the PNG file to write");
    if (image === undefined) refuseWithoutImage(options);
    const file = rois ?? roiManifestPath(loadConfig(config).config);
    const all = await readRoiManifest(file);
    const kept =
      keep === undefined
        ? all
        : keepRois(
            all,
            [keep].flat().flatMap((text) => labelPatterns("--keep", text)),
            "--keep",
          );
    if (keep !== undefined) await writeKept(kept, all, image === undefined ? (out ?? keptPath(file)) : keptPath(file));
    if (image === undefined) return;
    const { picture, note } = await onePage(image, options, loadConfig(config).config);
    if (note !== undefined) process.stderr.write(`${image}: ${note}\n`);
    await draw(picture, kept, out ?? "");
  },
};

function usage(message: string, hint?: string): Failure {
  return new Failure("usage.invalid", message, hint === undefined ? {} : { hint });
}

/** `ROI_manifest_kept.json` for `ROI_manifest.json`, in the same directory. */
function keptPath(file: string): string {
  const extension = extname(file);
  return join(dirname(file), `${basename(file, extension)}_kept${extension}`);
}

/** Writes the kept ROIs. Throws Failure `usage.invalid` if a different file has that name. */
async function writeKept({ json, rois }: RoiManifest, all: RoiManifest, path: string): Promise<void> {
  const text = json.endsWith("\n") ? json : `${json}\n`;
  const { file } = outputPlace(path);
  if (file !== undefined && existsSync(file) && readFileSync(file, "utf8") !== text) {
    throw usage(`${path}: this file exists already`, "name another file with --out, or remove it");
  }
  await writeOutput(path, text);
  process.stderr.write(
    `wrote ${rois.length} of ${all.rois.length} ROIs to ${path}; left out ${all.rois.length - rois.length}\n`,
  );
}

async function draw(image: string | NamedFile, manifest: RoiManifest, out: string): Promise<void> {
  const picture = await decodePicture(image);
  await writeOutput(out, await drawRois(picture, manifest));
  const outside = manifest.rois.filter(
    ({ y, x, height, width }) => y < 0 || x < 0 || y + height > picture.height || x + width > picture.width,
  );
  const doubt =
    outside.length === 0
      ? ""
      : `; ${outside.length} of them are partly outside the image (first: ${outside[0]?.label})`;
  process.stderr.write(`drew ${counted(manifest.rois.length, "ROI")} into ${out}${doubt}\n`);
}
