// `phorest diff A B`: shows the difference of two images in red and blue, and how far the sample moved between them.
import type { CommandModule } from "yargs";
import { checkAlike, pictureShift } from "../analysis/picture-shift.ts";
import { loadConfig } from "../config/config.ts";
import { Failure } from "../failure/failure.ts";
import { differenceFigure } from "../figures/difference-figure.ts";
import { printVegaLite } from "../figures/print-picture.ts";
import { type Difference, pictureDifference } from "../image/difference.ts";
import type { Displacement } from "../measurement/displacement.ts";
import { readRoiManifest } from "../measurement/roi.ts";
import { type ChosenPicture, chosenPicture, PICTURES } from "./chosen-picture.ts";
import { figureFile, writeFigure } from "./figure-file.ts";
import type { GlobalOptions } from "./global.ts";

interface DiffArguments extends GlobalOptions {
  a: string | undefined;
  b: string | undefined;
  out: string | undefined;
  rois: string | undefined;
}

export const diffCommand: CommandModule<GlobalOptions, DiffArguments> = {
  command: "diff <a> <b>",
  describe: "Show the difference of two images in red and blue, and measure how far the sample moved between them",
  builder: (yargs) =>
    yargs
      .positional("a", { type: "string", describe: PICTURES })
      .positional("b", { type: "string", describe: "The other image; red where it is brighter" })
      .option("out", {
        type: "string",
        requiresArg: true,
        describe: "PNG or SVG file with the difference; without it, only the movement is printed",
      })
      .option("rois", { type: "string", requiresArg: true, describe: "ROI manifest whose ROIs are outlined" })
      .example("$0 diff first last --out moved.png", "has the sample moved since the first frame?")
      .example("$0 diff before.png after.png", "the movement between two files"),
  handler: async ({ config: file, json, a = "", b = "", out, rois }) => {
    const target = out === undefined ? undefined : figureFile("--out", out);
    if (rois !== undefined && target === undefined) {
      throw new Failure("usage.invalid", "--rois needs --out", { hint: "name the PNG or SVG file with --out" });
    }
    const { config } = loadConfig(file);
    const outlined = rois === undefined ? undefined : await readRoiManifest(rois);
    const [one, other] = [await chosenPicture(config, a), await chosenPicture(config, b)];
    checkAlike(one.picture, other.picture);
    const moved = pictureShift(one.picture, other.picture);
    const difference = pictureDifference(one.picture, other.picture);
    const words = wordsOf(one, other, moved, difference);
    if (target !== undefined) {
      const title = { title: "B − A: red where B is brighter, blue where A is", subtitle: words };
      await writeFigure(target, await printVegaLite(await differenceFigure(difference, title, outlined)));
    }
    process.stdout.write(json ? `${JSON.stringify(jsonOf(one, other, moved, difference))}\n` : `${words.join("\n")}\n`);
    if (target !== undefined) process.stderr.write(`wrote ${target.path}\n`);
  },
};

/** Movements below this number of standard errors count as none. */
const SURE = 3;

function wordsOf(a: ChosenPicture, b: ChosenPicture, moved: Displacement | undefined, { gain }: Difference): string[] {
  return [
    `A: ${a.name}`,
    `B: ${b.name}${Math.abs(gain - 1) < 0.0005 ? "" : `, brightness × ${gain.toFixed(3)} to match A`}`,
    ...movementText(moved),
  ];
}

function movementText(moved: Displacement | undefined): string[] {
  if (moved === undefined) return ["movement: unknown, because too little in the two images is alike"];
  const { dx, dy, turnDegrees, errorPx, patches } = moved;
  const error = errorPx.toFixed(3);
  const size = Math.hypot(dx, dy);
  const answer = size > SURE * errorPx ? `moved by ${size.toFixed(3)} px` : "not moved";
  return [
    `${answer}: dx ${signed(dx, 3)} ± ${error} px (to the right), dy ${signed(dy, 3)} ± ${error} px (down)`,
    `turned by ${signed(turnDegrees, 4)}°; from ${patches} parts of the image`,
  ];
}

function signed(value: number, decimals: number): string {
  const digits = Math.abs(value).toFixed(decimals);
  return Number(digits) === 0 ? digits : `${value < 0 ? "−" : "+"}${digits}`;
}

function jsonOf(a: ChosenPicture, b: ChosenPicture, moved: Displacement | undefined, difference: Difference): object {
  return {
    a: a.name,
    b: b.name,
    dx_px: moved?.dx ?? null,
    dy_px: moved?.dy ?? null,
    error_px: moved?.errorPx ?? null,
    turn_degrees: moved?.turnDegrees ?? null,
    moved: moved === undefined ? null : Math.hypot(moved.dx, moved.dy) > SURE * moved.errorPx,
    brightness_factor: difference.gain,
    full_scale_counts: difference.fullScale,
  };
}
