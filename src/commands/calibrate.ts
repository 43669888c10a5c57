// `phorest calibrate`: from a picture to the ROI manifest, with the proof beside it.
import { resolve } from "node:path";
import type { CommandModule } from "yargs";
import type { Anchor } from "../calibration/by-hand.ts";
import { calibratePicture, doubtText, labelPatterns, roisUntilNow, type Way } from "../calibration/calibrate.ts";
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
import { otherPages } from "../image/picture.ts";
import { shownPath } from "../system/confined-file.ts";
import type { GlobalOptions } from "./global.ts";

interface CalibrateOptions extends GlobalOptions {
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
  describe: "Find the chip in a picture and write the ROI manifest, with pictures to judge it by",
  builder: (yargs) =>
    yargs
      .positional("image", { type: "string", describe: "the picture; or --from run" })
      .option("from", {
        type: "string",
        requiresArg: true,
        choices: ["run"],
        describe: "run: the newest picture of the configured experiment; one that is running goes on with the new ROIs",
      })
      .option("auto", { type: "boolean", default: false, describe: "Find everything by itself (the default)" })
      .option("features", {
        type: "string",
        requiresArg: true,
        describe: "Feature_locations.toml: rough places of labels",
      })
      .option("anchor", {
        type: "string",
        array: true,
        requiresArg: true,
        describe: "LABEL=x,y: rough top left corner of a grating or label, px; at least twice",
      })
      .option("chip", { type: "string", requiresArg: true, describe: "Chip type, or a chip file of your own" })
      .option("chip-map", { type: "string", requiresArg: true, describe: "Chip_map.json of an existing installation" })
      .option("out", { type: "string", requiresArg: true, describe: "Directory; else Assets.generated_files_dir" })
      .example("phorest calibrate frame.png --auto", "which chip it is, and where every ROI lies")
      .example("phorest calibrate --from run", "register the ROIs of a running experiment anew, without stopping it")
      .example("phorest calibrate frame.png --anchor 052A=27,64 --anchor 124B=1062,1153", "where no label is in view"),
  handler: async (options) => {
    const { features, json, out, auto } = options;
    const { config } = loadConfig(options.config);
    if ((options.image === undefined) === (options.from === undefined)) {
      throw usage("expected one picture, or --from run for the newest one of the experiment");
    }
    const picture = options.image ?? lastFrame(config);
    const image = typeof picture === "string" ? picture : shownPath(picture);
    const anchors = (options.anchor ?? []).map(parseAnchor);
    const ways = [auto, features !== undefined, anchors.length > 0].filter(Boolean).length;
    if (ways > 1) throw usage("choose one of --auto, --features and --anchor");
    if (anchors.length === 1) throw usage("one --anchor gives no angle", "name a second grating, far from the first");
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
    const others = otherPages(decoded.pages);
    if (others !== undefined) process.stderr.write(`warning: ${image}: ${others}\n`);
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
        `registered on ${image}: from the next frame on a running experiment measures with these ROIs, as an analysis of its own\n`,
      );
    }
  },
};

/** A feature file gives the labels' top left corners. */
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
    throw usage(`--anchor ${text}: expected LABEL=x,y, such as 052A=27,64`);
  }
  return { label: match[1] as string, x, y };
}

/** The chips that may be in the picture. */
function chipsFor({ chip, "chip-map": map }: CalibrateOptions, inFile: string | undefined): Chip[] {
  const type = chip ?? inFile;
  if (type?.endsWith(".toml")) return [readChipFile(type)];
  const known = map === undefined ? undefined : readChipMap(resolve(map));
  if (type === undefined) return known ?? chipTypes().map(loadChip);
  if (known === undefined) return [loadChip(type)];
  const found = known.find((one) => one.type === type);
  if (found !== undefined) return [found];
  throw new Failure("chip.unknown", `${map}: no chip type "${type}" with gratings`, {
    hint: `it has ${known.map((one) => one.type).join(", ")}`,
  });
}

function uncertain(image: string, doubt: Doubtful, byHand: boolean): Failure {
  const hint = byHand
    ? "check labels and coordinates"
    : doubt.lattice === undefined
      ? "is a chip in view, in focus and lit? Then give rough places of two labels with --features FILE"
      : "show labels and an edge of the lattice, give rough places of labels with --features FILE, or name two gratings with --anchor LABEL=x,y";
  return new Failure("calibration.uncertain", `${image}: no ROI manifest written: ${doubtText(doubt)}`, { hint });
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
      `${labels.filter(({ used }) => used).length} of ${labels.length} in view found` +
        (summary.label_residual_px === null ? "" : `, ${summary.label_residual_px.toFixed(2)} px from the fit`),
    ],
    ["ROIs", String(summary.rois)],
    ...dropped.map(({ reason, gratings }): [string, string] => [
      "dropped",
      `${gratings.length} gratings ${reason} (${list(gratings)})`,
    ]),
  ];
  if (summary.margin !== null) lines.push(["margin", `${summary.margin.toFixed(2)} over the next best identity`]);
  if (summary.labels_not_agreeing.length > 0)
    lines.push(["left out", `labels ${list(summary.labels_not_agreeing)}: not where the others say`]);
  if (summary.without_resonance.length > 0) {
    lines.push(["no resonance", `in ${summary.without_resonance.length} ROIs (${list(summary.without_resonance)})`]);
  }
  if (summary.saturated.length > 0)
    lines.push(["saturated", `${summary.saturated.length} ROIs (${list(summary.saturated)})`]);
  if (summary.edge_width_px !== null)
    lines.push(["sharpness", `edges rise within ${summary.edge_width_px.toFixed(1)} px`]);
  for (const note of summary.notes) lines.push(["note", note]);
  return `${lines.map(([name, value]) => `${name.padEnd(13)}${value}`).join("\n")}\n`;
}
