// `phorest calibrate`: finds the chip in an image and writes the ROI manifest, with images for checking it.
import { resolve } from "node:path";
import type { CommandModule } from "yargs";
import { calibratePicture, labelPatterns, roisUntilNow, uncertaintyText, type Way } from "../calibration/calibrate.ts";
import type { Anchor } from "../calibration/from-anchors.ts";
import { lastFrame } from "../calibration/last-frame.ts";
import type { Doubtful } from "../calibration/locate.ts";
import { type CalibrationSummary, writeCalibration } from "../calibration/report.ts";
import type { Chip } from "../chip/chip.ts";
import { readChipMap } from "../chip/chip-map.ts";
import { chipTypes, loadChip, readChipFile } from "../chip/layout.ts";
import { loadConfig, roiManifestPath } from "../config/config.ts";
import { type FeatureLocations, loadFeatureLocations } from "../config/features.ts";
import { Failure } from "../failure/failure.ts";
import { decodePicture } from "../image/decode.ts";
import { shownFile } from "../image/read-picture.ts";
import { counted } from "../system/counted.ts";
import type { GlobalOptions } from "./global.ts";
import { onePage, onePageOptions, type PageArguments, refuseWithoutImage } from "./page-options.ts";

interface CalibrateOptions extends GlobalOptions, PageArguments {
  page: number | undefined;
  image: string | undefined;
  from: string | undefined;
  features: string | undefined;
  auto: boolean;
  anchor: string[] | undefined;
  chip: string | undefined;
  "chip-map": string | undefined;
  out: string | undefined;
}

export const calibrateCommand: CommandModule<GlobalOptions, CalibrateOptions> = {
  command: "calibrate [image]",
  describe: "Find the chip in an image and write the ROI manifest, with images to check it",
  builder: (yargs) =>
    onePageOptions(yargs)
      .positional("image", { type: "string", describe: "The image (or use --from run)" })
      .option("from", {
        type: "string",
        requiresArg: true,
        choices: ["run"],
        describe: "run: use the newest image of the experiment; an active run continues with the new ROIs",
      })
      .option("auto", { type: "boolean", default: false, describe: "Find the chip automatically (default)" })
      .option("features", {
        type: "string",
        requiresArg: true,
        describe: "Feature_locations.toml with approximate positions of labels",
      })
      .option("anchor", {
        type: "string",
        array: true,
        requiresArg: true,
        describe: "LABEL=x,y: approximate top left corner of a grating or label, px; give at least two",
      })
      .option("chip", { type: "string", requiresArg: true, describe: "Chip type, or your own chip file" })
      .option("chip-map", {
        type: "string",
        requiresArg: true,
        describe: "Chip_map.json of an established installation",
      })
      .option("out", {
        type: "string",
        requiresArg: true,
        describe: "Directory to write to (default: Assets.generated_files_dir)",
      })
      .example("phorest calibrate frame.png --auto", "identify the chip and find every ROI")
      .example("phorest calibrate --from run", "recalibrate a running experiment without stopping it")
      .example(
        "phorest calibrate frame.png --anchor 052A=27,64 --anchor 124B=1062,1153",
        "if no printed label is visible",
      ),
  handler: async (options) => {
    const { features, json, out, auto } = options;
    const { config } = loadConfig(options.config);
    if ((options.image === undefined) === (options.from === undefined)) {
      throw usage("give one image, or --from run for the newest image of the experiment");
    }
    if (options.image === undefined) refuseWithoutImage(options);
    const { picture, note } =
      options.image === undefined
        ? { picture: lastFrame(config), note: undefined }
        : await onePage(options.image, options, config);
    const image = shownFile(picture);
    if (note !== undefined) process.stderr.write(`${options.image}: ${note}\n`);
    const anchors = (options.anchor ?? []).map(parseAnchor);
    const ways = [auto, features !== undefined, anchors.length > 0].filter(Boolean).length;
    if (ways > 1) throw usage("choose only one of --auto, --features and --anchor");
    if (anchors.length === 1)
      throw usage("one --anchor is not enough to find the angle", "name a second grating, far from the first");
    const twice = anchors.find(({ label }, i) => anchors.findIndex((one) => one.label === label) !== i);
    if (twice !== undefined)
      throw usage(`--anchor ${twice.label} is given twice`, "name another grating, far from the first");
    const named = features === undefined ? undefined : loadFeatureLocations(resolve(features));
    const chips = chipsFor(options, named?.chip_type);
    const way: Way =
      named !== undefined
        ? { type: "features", places: named.features.map(placeOf) }
        : anchors.length > 0
          ? { type: "anchors", anchors }
          : { type: "auto" };
    const patterns = await labelPatterns(config.Assets.label_template_dir, chips);
    const before = options.from === undefined ? undefined : await roisUntilNow(roiManifestPath(config));
    const decoded = await decodePicture(picture);
    const found = calibratePicture(decoded, image, chips, patterns, way, before);
    if ("doubt" in found) {
      if (json) process.stdout.write(`${JSON.stringify({ found: false, ...found.doubt })}\n`);
      throw uncertain(image, found.doubt, way.type !== "auto");
    }
    const { view, described } = found;
    const ofRun = options.from !== undefined && out === undefined;
    const directory = resolve(out ?? config.Assets.generated_files_dir);
    const files = await writeCalibration(view, described, directory, config.Paths.roi_manifest_filename);
    process.stdout.write(
      json ? `${JSON.stringify({ found: true, ...described.summary, files })}\n` : told(described.summary),
    );
    if (!json) process.stderr.write(`wrote ${files.join(", ")}\n`);
    if (ofRun && !json) {
      process.stderr.write(
        `calibrated with ${image}; a running experiment measures with these ROIs from the next frame on, as a new analysis\n`,
      );
    }
  },
};

/** A feature file gives the top left corners of the labels. */
function placeOf({ label, feature_location: [x, y] }: FeatureLocations["features"][number]): Anchor {
  return { label, x, y };
}

function usage(message: string, hint?: string): Failure {
  return new Failure("usage.invalid", message, hint === undefined ? {} : { hint });
}

function parseAnchor(text: string): Anchor {
  const match = /^(.+)=\s*(-?[\d.]+)\s*,\s*(-?[\d.]+)\s*$/.exec(text);
  const [x, y] = [Number(match?.[2]), Number(match?.[3])];
  if (match === null || !Number.isFinite(x) || !Number.isFinite(y)) {
    throw usage(`--anchor ${text} is not valid; write LABEL=x,y, such as 052A=27,64`);
  }
  return { label: match[1] as string, x, y };
}

/** The chip types to search for. */
function chipsFor({ chip, "chip-map": map }: CalibrateOptions, inFile: string | undefined): Chip[] {
  const type = chip ?? inFile;
  if (type?.endsWith(".toml")) return [readChipFile(type)];
  const known = map === undefined ? undefined : readChipMap(resolve(map));
  if (type === undefined) return known ?? chipTypes().map(loadChip);
  if (known === undefined) return [loadChip(type)];
  const found = known.find((one) => one.type === type);
  if (found !== undefined) return [found];
  throw new Failure("chip.unknown", `${map} has no chip type "${type}" with gratings`, {
    hint: `it has ${known.map((one) => one.type).join(", ")}`,
  });
}

function uncertain(image: string, doubt: Doubtful, byHand: boolean): Failure {
  const hint = byHand
    ? "check the labels and coordinates"
    : doubt.lattice === undefined
      ? "check that the chip is in view, in focus and lit; then give approximate positions of two labels with --features FILE"
      : "make a printed label or the edge of the lattice visible, give approximate positions of labels with --features FILE, or name two gratings with --anchor LABEL=x,y";
  return new Failure("calibration.uncertain", `${image}: no ROI manifest written: ${uncertaintyText(doubt)}`, { hint });
}

function told(summary: CalibrationSummary): string {
  const { labels, dropped } = summary;
  const list = (names: readonly string[]) => `${names.slice(0, 6).join(", ")}${names.length > 6 ? ", …" : ""}`;
  const lines: [string, string][] = [
    ["chip", `${summary.chip_type}, ${summary.orientation}`],
    ["angle", `${summary.image_angle.toFixed(3)}°`],
    ["scale", `${summary.px_per_um.toFixed(5)} px/µm`],
    ["offset", `${summary.offset.map((value) => value.toFixed(1)).join(", ")} px`],
    [
      "labels",
      `${labels.filter(({ used }) => used).length} of ${labels.length} visible labels found` +
        (summary.label_residual_px === null ? "" : `, ${summary.label_residual_px.toFixed(2)} px from the fit`),
    ],
    ["ROIs", String(summary.rois)],
    ...dropped.map(({ reason, gratings }): [string, string] => [
      "left out",
      `${counted(gratings.length, "grating")} ${reason} (${list(gratings)})`,
    ]),
  ];
  if (summary.margin !== null) lines.push(["margin", `${summary.margin.toFixed(2)} over the second-best identity`]);
  if (summary.labels_not_agreeing.length > 0)
    lines.push(["left out", `labels ${list(summary.labels_not_agreeing)}, which disagree with the others`]);
  if (summary.without_resonance.length > 0) {
    lines.push(["no resonance", `in ${summary.without_resonance.length} ROIs (${list(summary.without_resonance)})`]);
  }
  if (summary.saturated.length > 0)
    lines.push(["saturated", `${counted(summary.saturated.length, "ROI")} (${list(summary.saturated)})`]);
  if (summary.edge_width_px !== null)
    lines.push(["sharpness", `edges rise within ${summary.edge_width_px.toFixed(1)} px`]);
  for (const note of summary.notes) lines.push(["note", note]);
  return `${lines.map(([name, value]) => `${name.padEnd(13)}${value}`).join("\n")}\n`;
}
