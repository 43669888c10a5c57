// `phorest check-rois`: draws the ROIs over an image, for checking by eye.
import { resolve } from "node:path";
import type { Argv, CommandModule } from "yargs";
import { loadConfig, roiManifestPath } from "../config/config.ts";
import { drawRois } from "../figures/roi-picture.ts";
import { decodePicture } from "../image/decode.ts";
import { readRoiManifest } from "../measurement/roi.ts";
import { writeDurably } from "../system/files.ts";

interface CheckRoisArguments {
  config?: string;
  image?: string;
  rois?: string;
  out?: string;
}

export const checkRoisCommand: CommandModule<object, CheckRoisArguments> = {
  command: "check-rois <image>",
  describe: "Draw the ROIs over an image",
  builder: (yargs: Argv): Argv<CheckRoisArguments> =>
    yargs
      .positional("image", { type: "string", describe: "the image" })
      .option("rois", { type: "string", requiresArg: true, describe: "ROI manifest (default: as configured)" })
      .option("out", { type: "string", requiresArg: true, demandOption: true, describe: "PNG file to write" })
      .example(
        "phorest check-rois image.png --rois ROI_manifest.json --out rois.png",
        "check the positions of the ROIs",
      ),
  handler: async ({ config, image = "", rois, out = "" }) => {
    const manifest = await readRoiManifest(rois ?? roiManifestPath(loadConfig(config).config));
    const picture = await decodePicture(image);
    await writeDurably(resolve(out), await drawRois(picture, manifest));
    const outside = manifest.rois.filter(
      ({ y, x, height, width }) => y < 0 || x < 0 || y + height > picture.height || x + width > picture.width,
    );
    const doubt =
      outside.length === 0
        ? ""
        : `; ${outside.length} of them are partly outside the image (first: ${outside[0]?.label})`;
    process.stderr.write(`drew ${manifest.rois.length} ROIs into ${out}${doubt}\n`);
  },
};
