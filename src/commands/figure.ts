// `phorest figure KIND`: one figure for print, and its numbers as CSV.

import { resolve } from "node:path";
import type { CommandModule } from "yargs";
import { frameIntervals, histogramOf, intervalSummary } from "../assay/intervals.ts";
import { loadConfig, roiManifestPath } from "../config/config.ts";
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import { chipLayout } from "../figures/chip-layout.ts";
import { type CurvesLook, curvesFigure, MOST_TOLD_APART, rollingFigure } from "../figures/curves-figure.ts";
import { METHOD_TITLES } from "../figures/figure-style.ts";
import { intervalsFigure } from "../figures/intervals-figure.ts";
import { panelsFigure } from "../figures/panels-figure.ts";
import { plotMarkers } from "../figures/plot-feed.ts";
import { experimentTitle } from "../figures/plot-title.ts";
import { printVega, printVegaLite } from "../figures/print-picture.ts";
import { type NamedProfile, profilesFigure } from "../figures/profiles-figure.ts";
import type { Picture } from "../figures/render.ts";
import { rowProfile } from "../figures/roi-view.ts";
import { labelMatcher } from "../measurement/labels.ts";
import { readRoiManifest } from "../measurement/roi.ts";
import { firstNames, refuseUnknownNames } from "../measurement/roi-names.ts";
import { shortList } from "../system/counted.ts";
import { writeOutput } from "../system/output-file.ts";
import type { TimeZone } from "../system/time-zone.ts";
import { sayWhatIsArchived } from "./archived.ts";
import { chosenPicture, PICTURES } from "./chosen-picture.ts";
import { barsTable, curvesTable, profilesTable } from "./figure-csv.ts";
import { type ChosenCurves, chosenCurves } from "./figure-curves.ts";
import { figureFile, writeFigure } from "./figure-file.ts";
import {
  countOption,
  type FigureArguments,
  figureOptions,
  limitsOption,
  rowOption,
  sizeOption,
} from "./figure-options.ts";
import type { GlobalOptions } from "./global.ts";
import { shownZone } from "./shown-zone.ts";
import { openStored } from "./stored-experiment.ts";

const KINDS = ["curves", "panels", "rolling", "intervals", "profiles"] as const;
type Kind = (typeof KINDS)[number];

interface Arguments extends GlobalOptions, FigureArguments {
  kind: Kind | undefined;
  images: string[] | undefined;
  rois: string | undefined;
}

/** A figure, its numbers, and the lines to print on the terminal. */
interface Drawn {
  readonly picture: Picture;
  readonly csv: () => Promise<string>;
  readonly notes: readonly string[];
}

export const figureCommand: CommandModule<GlobalOptions, Arguments> = {
  command: "figure <kind> [images..]",
  describe: "Draw one figure for print: curves, panels, rolling medians, time resolution, row profiles",
  builder: (yargs) =>
    figureOptions(
      yargs
        .positional("kind", {
          choices: KINDS,
          describe:
            "curves: over each other; panels: one for each grating, laid out like the chip; rolling: rolling medians and their " +
            "difference; intervals: histogram of the time from frame to frame; profiles: a row of one ROI in several images",
        })
        .positional("images", { type: "string", array: true, describe: `profiles: each ${PICTURES}` })
        .option("rois", {
          type: "string",
          requiresArg: true,
          describe: "profiles: ROI manifest (default: as configured)",
        }),
    )
      .example("$0 figure panels --pairs --out chip.png", "a panel for each grating on one page")
      .example("$0 figure rolling --roi 052A --pairs --frames 10 --out steps.svg", "when does the liquid arrive?")
      .example("$0 figure profiles short.png long.png --roi 052A_N --out row.png", "does the exposure saturate?"),
  handler: async (argv) => {
    const kind = argv.kind ?? "curves";
    if (argv.out === undefined) {
      throw new Failure("usage.invalid", "--out is missing", { hint: "name the PNG or SVG file with --out" });
    }
    const target = figureFile("--out", argv.out);
    if (kind !== "profiles" && (argv.images ?? []).length > 0) {
      throw new Failure("usage.invalid", `figure ${kind} takes no images`, { hint: "only figure profiles does" });
    }
    const { config } = loadConfig(argv.config);
    const { picture, csv, notes } = await (kind === "profiles"
      ? profiles(config, argv)
      : ofExperiment(kind, config, argv));
    await writeFigure(target, picture);
    if (argv.csv !== undefined) await writeOutput(argv.csv, await csv());
    for (const note of notes) process.stderr.write(`${note}\n`);
    const written = [target.path, ...(argv.csv === undefined ? [] : [resolve(argv.csv)])];
    process.stdout.write(argv.json ? `${JSON.stringify({ written, notes })}\n` : `${written.join("\n")}\n`);
  },
};

async function ofExperiment(kind: Exclude<Kind, "profiles">, config: Config, argv: Arguments): Promise<Drawn> {
  const limits = limitsOption(argv["y-limits"]);
  const size = sizeOption(argv.size);
  const frames = countOption("--frames", argv.frames, 2);
  const manifest = openStored(config);
  try {
    sayWhatIsArchived(manifest);
    const zone = shownZone(config, argv.tz);
    const chosen = chosenCurves(manifest, config, argv, zone);
    const { curves, firstUs } = chosen;
    const title = argv.title ?? experimentTitle(config);
    const notes = [...chosen.joined, ...noiseNotes(chosen, argv)];
    if (kind === "intervals") return await intervals(curves[0]?.timesUs ?? new Float64Array(0), { title, size });
    const look: CurvesLook = {
      title,
      subtitle: subtitleOf(chosen, argv, zone),
      size,
      quantity: quantityOf(chosen, argv),
      limits,
      firstMs: firstUs / 1000,
      clock: argv.clock,
      zone,
      markers: argv.markers ? plotMarkers(manifest.markers.events()) : [],
    };
    if (kind === "panels") {
      const { roiManifestId } = chosen.analysis;
      const rois = roiManifestId == null ? undefined : manifest.analyses.roiManifest(roiManifestId)?.rois;
      const shown = new Set(curves.map(({ label }) => label));
      const layout =
        rois && chipLayout(argv.pairs ? onePerGrating(rois, shown) : rois.filter(({ label }) => shown.has(label)));
      const picture = await printVega(panelsFigure(curves, layout, argv.limits === "own", look));
      return { picture, csv: () => curvesTable(curves, firstUs), notes };
    }
    if (kind === "curves") {
      const picture = await printVegaLite(curvesFigure(curves, look));
      return { picture, csv: () => curvesTable(curves, firstUs), notes: [...notes, ...legendNotes(curves.length)] };
    }
    const picture = await printVegaLite(rollingFigure(curves, frames, look));
    const csv = () => curvesTable(curves, firstUs, frames);
    return { picture, csv, notes: [...notes, ...legendNotes(curves.length)] };
  } finally {
    manifest.close();
  }
}

/** Returns one ROI per grating, with the name of the grating, if the curves are those of gratings. */
function onePerGrating<T extends { readonly label: string }>(rois: readonly T[], gratings: ReadonlySet<string>): T[] {
  const left = new Set(gratings);
  return rois.flatMap((roi) => {
    const label = roi.label.replace(/_[^_]*$/, "");
    return left.delete(label) ? [{ ...roi, label }] : [];
  });
}

async function intervals(timesUs: Float64Array, look: { title: string; size: CurvesLook["size"] }): Promise<Drawn> {
  const seconds = frameIntervals(timesUs);
  if (seconds.length === 0) {
    throw new Failure("usage.invalid", "one frame has no interval to the next", { hint: "choose a longer window" });
  }
  const { medianSeconds, shortestSeconds, longestSeconds, long } = intervalSummary(seconds);
  const s = (value: number) => `${Number(value.toPrecision(4))} s`;
  const line =
    `${seconds.length} intervals: median ${s(medianSeconds)}, shortest ${s(shortestSeconds)}, longest ${s(longestSeconds)}; ` +
    `${long} longer than 1.5 medians`;
  const bars = histogramOf(seconds);
  const picture = await printVegaLite(intervalsFigure(bars, { ...look, subtitle: [line] }));
  return { picture, csv: () => barsTable(bars), notes: [line] };
}

async function profiles(config: Config, argv: Arguments): Promise<Drawn> {
  const limits = limitsOption(argv["y-limits"]);
  const size = sizeOption(argv.size);
  const images = argv.images ?? [];
  if (images.length === 0)
    throw new Failure("usage.invalid", "figure profiles needs images", { hint: `name ${PICTURES}` });
  const { rois, imageAngle } = await readRoiManifest(argv.rois ?? roiManifestPath(config));
  const labels = rois.map(({ label }) => label);
  refuseUnknownNames(argv.roi, labels);
  const isWanted = labelMatcher(argv.roi ?? []);
  const [roi, ...others] = rois.filter(({ label }) => isWanted(label));
  if (roi === undefined || others.length > 0) {
    const hint = firstNames(labels);
    throw new Failure("usage.invalid", "figure profiles needs the name of one ROI with --roi", { hint });
  }
  const row = rowOption(argv.row, roi.height);
  const named: NamedProfile[] = [];
  for (const given of images) {
    const { name, short, picture } = await chosenPicture(config, given);
    // Files of the same name in two directories get different lines in the legend.
    const legend = named.some((one) => one.legend === short) ? name : short;
    named.push({ name, legend, counts: rowProfile(picture, roi, imageAngle, row) });
  }
  const title = argv.title ?? experimentTitle(config);
  const subtitle = [`ROI ${roi.label}, ${row === undefined ? "mean of all rows" : `row ${row}`}`];
  const picture = await printVegaLite(profilesFigure(named, limits, { title, subtitle, size }));
  return { picture, csv: () => profilesTable(named), notes: [] };
}

function quantityOf({ referenced }: ChosenCurves, { normalise }: FigureArguments): string {
  if (normalise === "none") return "Resonance position (px)";
  const from = normalise === "first" ? "first frame" : "baseline";
  return `${referenced ? "Referenced shift" : "Shift"} from ${from} (px)`;
}

function subtitleOf(
  { analysis, simulated, joined, baseline, curves, noisy }: ChosenCurves,
  argv: FigureArguments,
  zone: TimeZone,
): string[] {
  const { name, method } = analysis;
  const facts = [
    `${METHOD_TITLES[method]}, analysis "${name}"${joined.length > 1 ? " and those before it, joined" : ""}`,
    ...(baseline === undefined || argv.normalise !== "baseline"
      ? []
      : [`baseline ${zone.span(baseline.fromUs, baseline.toUs)}`]),
    ...(simulated ? ["simulated chip"] : []),
    ...(argv.every > 1 ? [`every ${argv.every} frames`] : []),
  ];
  const counted = `${curves.length} ${curves.length === 1 ? "curve" : "curves"}`;
  const left = noisy.length === 0 ? "" : `; ${noisy.length} with more noise than ${argv["max-noise"]} px left out`;
  return [`${facts.join(" · ")} · ${counted}${left}`];
}

/** Largest number of names on one line. */
const MOST_NAMED = 20;

function noiseNotes({ noisy }: ChosenCurves, argv: FigureArguments): string[] {
  if (noisy.length === 0) return [];
  const names = noisy.map(
    ({ label, noise }) => `${label} (${Number.isFinite(noise) ? `${noise.toPrecision(2)} px` : "noise unknown"})`,
  );
  return [`left out, more noise than ${argv["max-noise"]} px: ${shortList(names, MOST_NAMED)}`];
}

function legendNotes(curves: number): string[] {
  return curves > MOST_TOLD_APART
    ? [`${curves} curves are too many for a legend; choose up to ${MOST_TOLD_APART} with --roi, or draw panels`]
    : [];
}
