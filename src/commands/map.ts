// `phorest map`: any quantity of the gratings, drawn on the chip.
import { join } from "node:path";
import { writeToString } from "fast-csv";
import type { CommandModule } from "yargs";
import { loadConfig } from "../config/config.ts";
import { experimentName } from "../config/identity.ts";
import { Failure } from "../failure/failure.ts";
import { type MapCell, mapFigure } from "../figures/map-figure.ts";
import { renderVegaLite } from "../figures/render.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { roisOf } from "../measurement/labels.ts";
import { medianOf } from "../measurement/statistics.ts";
import { safeText } from "../outputs/csv/file/text.ts";
import { ANALYSIS_OPTION } from "./chosen-analysis.ts";
import { writeText } from "./export.ts";
import { figureFile, writeFigure } from "./figure-file.ts";
import type { GlobalOptions } from "./global.ts";
import { digits } from "./injection-curves.ts";
import { MAP_QUANTITIES, type MapQuantity, type MapRequest, type MapValue, mapOf } from "./map-values.ts";
import { openStored } from "./stored-experiment.ts";

interface MapArguments extends GlobalOptions, MapRequest {
  readonly quantity: MapQuantity | undefined;
  readonly scale: string | undefined;
  readonly out: string | undefined;
  readonly csv: string | undefined;
}

export const mapCommand: CommandModule<GlobalOptions, MapArguments> = {
  command: "map <quantity>",
  describe: "Draw a quantity on the chip, grating by grating, with its histogram",
  builder: (yargs) =>
    yargs
      .positional("quantity", { choices: MAP_QUANTITIES, describe: "What to draw" })
      .option("at", {
        type: "string",
        requiresArg: true,
        describe: "shift: time, or seconds since the first frame (default: the last tenth)",
      })
      .option("injection", {
        type: "number",
        requiresArg: true,
        describe: "response, arrival: number of the injection (default: the first)",
      })
      .option("point", {
        choices: ["early", "late", "stability", "dissociation"] as const,
        default: "late" as const,
        describe: "response: point of the injection",
      })
      .option("buffer-index", {
        type: "number",
        requiresArg: true,
        describe: "sensitivity: refractive index of the running buffer",
      })
      .option("roi", {
        type: "string",
        array: true,
        requiresArg: true,
        describe: "ROI names; * matches any (default: all)",
      })
      .option("pairs", { type: "boolean", default: true, describe: "One value per grating, from both halves" })
      .option("analysis", ANALYSIS_OPTION)
      .option("window", {
        type: "number",
        requiresArg: true,
        describe: "Length of windows in seconds (default: five frames, at least 10 s)",
      })
      .option("scale", {
        type: "string",
        requiresArg: true,
        describe: "MIN,MAX: ends of the colour scale (default: the middle 96 % of the values)",
      })
      .option("out", {
        type: "string",
        requiresArg: true,
        describe: "PNG or SVG file (default: map_<quantity>.png in results)",
      })
      .option("csv", { type: "string", requiresArg: true, describe: "Also write the values to this CSV" })
      .example("$0 map noise", "which gratings are noisy?")
      .example("$0 map response --injection 3 --point late --out response.svg", "for a figure"),
  handler: async (argv) => {
    const { config } = loadConfig(argv.config);
    const { quantity = "shift" } = argv;
    const limits = argv.scale === undefined ? undefined : limitsOf(argv.scale);
    const target = figureFile("--out", argv.out ?? join(config.Paths.results_dir, `map_${quantity}.png`));
    const manifest = openStored(config);
    try {
      const map = mapOf(manifest, config, quantity, argv);
      const cells = cellsOf(manifest, map.roiManifestId, map.values);
      if (cells.length === 0)
        throw new Failure("usage.invalid", "the places of these gratings are not known, so there is no map");
      const subtitle = [map.detail, summaryLine(map.values, map.unit)];
      const title = `${experimentName(config)}: ${map.name}`;
      const figure = mapFigure(cells, {
        title,
        subtitle,
        quantity: `${map.name} (${map.unit})`,
        diverging: map.diverging,
        limits,
      });
      if (argv.csv !== undefined) await writeText([await csvOf(map.values, quantity, map.unit)], argv.csv);
      await writeFigure(target, await renderVegaLite(figure));
      if (argv.json) process.stdout.write(`${JSON.stringify(jsonOf(map.values, quantity, map.unit))}\n`);
      else process.stdout.write(`${target.path}: ${summaryLine(map.values, map.unit)}\n`);
    } finally {
      manifest.close();
    }
  },
};

function limitsOf(text: string): readonly [number, number] {
  const [low, high, ...more] = text.split(",").map(Number);
  if (low !== undefined && high !== undefined && more.length === 0 && high > low) return [low, high];
  throw new Failure("usage.invalid", `--scale needs MIN,MAX, not "${text}"`, { hint: "for example --scale 0,2" });
}

/** Values with the places of their gratings in the image; what has no place is left out. */
function cellsOf(manifest: Manifest, roiManifestId: number | undefined, values: readonly MapValue[]): MapCell[] {
  const rois = roiManifestId === undefined ? [] : (manifest.analyses.roiManifest(roiManifestId)?.rois ?? []);
  return values.flatMap(({ label, value, flagged }): MapCell[] => {
    const own = roisOf(rois, label);
    if (own.length === 0) return [];
    const edge = (of: (roi: (typeof own)[number]) => number, most: (...all: number[]) => number) =>
      most(...own.map(of));
    return [
      {
        label,
        left: edge(({ x }) => x, Math.min),
        top: edge(({ y }) => y, Math.min),
        right: edge(({ x, width }) => x + width, Math.max),
        bottom: edge(({ y, height }) => y + height, Math.max),
        value,
        flagged,
      },
    ];
  });
}

/** "median 1054 px/RIU, middle 68 % from 1020 to 1090, 318 of 322" */
function summaryLine(values: readonly MapValue[], unit: string): string {
  const known = values
    .map(({ value }) => value)
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  if (known.length === 0) return `none of ${values.length} is known`;
  const at = (share: number) => digits(known[Math.round(share * (known.length - 1))] as number, 4);
  return `median ${digits(medianOf(Float64Array.from(known)), 4)} ${unit}, middle 68 % from ${at(0.16)} to ${at(0.84)}, ${known.length} of ${values.length}`;
}

function csvOf(values: readonly MapValue[], quantity: string, unit: string): Promise<string> {
  const rows = values.map(({ label, value, error, flagged }) => [
    safeText(label),
    digits(value, 7),
    digits(error, 4),
    Number(flagged),
  ]);
  const names = ["label", `${quantity} (${unit})`, `standard error (${unit})`, "flagged"];
  return writeToString([names, ...rows], { headers: false, includeEndRowDelimiter: true });
}

function jsonOf(values: readonly MapValue[], quantity: string, unit: string): object {
  const number = (value: number) => (Number.isFinite(value) ? value : null);
  return {
    quantity,
    unit,
    values: values.map(({ label, value, error, flagged }) => ({
      label,
      value: number(value),
      standard_error: number(error),
      flagged,
    })),
  };
}
