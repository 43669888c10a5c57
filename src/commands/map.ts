// `phorest map`: any quantity of the gratings, drawn on the chip.
import { join } from "node:path";
import type { CommandModule } from "yargs";
import type { ReportPoint } from "../assay/responses.ts";
import { loadConfig } from "../config/config.ts";
import { experimentName } from "../config/identity.ts";
import { MAP_QUANTITIES, type MapQuantity, mapCells, mapCsv, mapJson, mapOf, mapSummary } from "../evaluation/maps.ts";
import { timeOption } from "../evaluation/time-options.ts";
import { Failure } from "../failure/failure.ts";
import { mapFigure } from "../figures/map-figure.ts";
import { renderVegaLite } from "../figures/render.ts";
import { ANALYSIS_OPTION, chosenAnalysis } from "./chosen-analysis.ts";
import { writeText } from "./export.ts";
import { figureFile, writeFigure } from "./figure-file.ts";
import type { GlobalOptions } from "./global.ts";
import { ROI_LIST } from "./roi-list.ts";
import { shownZone } from "./shown-zone.ts";
import { openStored } from "./stored-experiment.ts";

const RATE_OPTIONS = ["model", "solution", "delay"] as const;

/** The options that only some quantities have. */
const OWN_OPTIONS = {
  shift: ["at"],
  response: ["injection", "point", "window"],
  arrival: ["injection"],
  sensitivity: ["injection", "buffer-index", "window"],
  ka: RATE_OPTIONS,
  kd: RATE_OPTIONS,
  KD: RATE_OPTIONS,
} as const satisfies Partial<Record<MapQuantity, readonly (keyof MapArguments)[]>>;

interface MapArguments extends GlobalOptions {
  readonly quantity: MapQuantity | undefined;
  readonly at: string | undefined;
  readonly injection: number | undefined;
  readonly point: ReportPoint | undefined;
  readonly "buffer-index": number | undefined;
  readonly roi: string[] | undefined;
  readonly pairs: boolean;
  readonly analysis: string | undefined;
  readonly window: number | undefined;
  readonly model: string | undefined;
  readonly solution: string | undefined;
  readonly delay: number | undefined;
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
        describe: "response, arrival, sensitivity: number of the injection (default: the first; all calibrations)",
      })
      .option("point", {
        choices: ["early", "late", "stability", "dissociation"] as const,
        describe: "response: point of the injection (default: late)",
      })
      .option("buffer-index", {
        type: "number",
        requiresArg: true,
        describe: "sensitivity: refractive index of the running buffer",
      })
      .option("roi", {
        ...ROI_LIST,
        describe: "ROI names; * matches any (default: all)",
      })
      .option("pairs", { type: "boolean", default: true, describe: "One value per grating, from both halves" })
      .option("analysis", ANALYSIS_OPTION)
      .option("window", {
        type: "number",
        requiresArg: true,
        describe: "response, sensitivity: length of windows in seconds (default: five frames, at least 10 s)",
      })
      .option("model", { type: "string", requiresArg: true, describe: "ka, kd, KD: as in kinetics" })
      .option("solution", { type: "string", requiresArg: true, describe: "ka, kd, KD: as in kinetics" })
      .option("delay", { type: "number", requiresArg: true, describe: "ka, kd, KD: as in kinetics" })
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
      .example("$0 map KD --model 1:1", "affinity, grating by grating")
      .example("$0 map noise", "which gratings are noisy?")
      .example("$0 map response --injection 3 --point late --out response.svg", "for a figure"),
  handler: async (argv) => {
    const { config } = loadConfig(argv.config);
    const zone = shownZone(config, argv.tz);
    const { quantity = "shift", point = "late", model = "auto", delay = 0 } = argv;
    checkOptions(quantity, argv);
    const limits = argv.scale === undefined ? undefined : limitsOf(argv.scale);
    const target = figureFile("--out", argv.out ?? join(config.Paths.results_dir, `map_${quantity}.png`));
    const manifest = openStored(config);
    try {
      const map = mapOf(manifest, config, quantity, {
        ...argv,
        analysis: chosenAnalysis(manifest, argv.analysis),
        point,
        at: argv.at === undefined ? undefined : timeOption("--at", argv.at, zone),
        bufferIndex: argv["buffer-index"],
        kinetics: { model, solution: argv.solution, delayS: delay },
      });
      const cells = mapCells(manifest, map);
      if (cells.length === 0)
        throw new Failure("usage.invalid", "the places of these gratings are not known, so there is no map");
      const subtitle = [zone.shown(map.detail), mapSummary(map)];
      const title = `${experimentName(config)}: ${map.name}`;
      const figure = mapFigure(cells, {
        title,
        subtitle,
        name: map.name,
        unit: map.unit,
        diverging: map.diverging,
        limits,
      });
      if (argv.csv !== undefined) await writeText([await mapCsv(quantity, map)], argv.csv);
      await writeFigure(target, await renderVegaLite(figure));
      if (argv.json) process.stdout.write(`${JSON.stringify(mapJson(quantity, map))}\n`);
      else process.stdout.write(`${target.path}: ${mapSummary(map)}\n`);
    } finally {
      manifest.close();
    }
  },
};

/** An option that the quantity does not have would be ignored, and the map would not show what was asked for. */
function checkOptions(quantity: MapQuantity, argv: MapArguments): void {
  const own: Partial<Record<MapQuantity, readonly (keyof MapArguments)[]>> = OWN_OPTIONS;
  const foreign = Object.values(own)
    .flat()
    .find((name) => argv[name] !== undefined && own[quantity]?.includes(name) !== true);
  if (foreign === undefined) return;
  const quantities = MAP_QUANTITIES.filter((one) => own[one]?.includes(foreign));
  const line = `--${foreign} ${argv[foreign]}: an option of ${quantities.join(", ")}, not of ${quantity}`;
  throw new Failure("usage.invalid", line, { hint: "see `phorest map --help`" });
}

function limitsOf(text: string): readonly [number, number] {
  const [low, high, ...more] = text.split(",").map(Number);
  if (low !== undefined && high !== undefined && more.length === 0 && high > low) return [low, high];
  throw new Failure("usage.invalid", `--scale needs MIN,MAX, not "${text}"`, { hint: "for example --scale 0,2" });
}
