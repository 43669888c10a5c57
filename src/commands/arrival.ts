// `phorest arrival`: when the front of an injection arrives at each grating, and which way and how fast the liquid flows.
import { writeToString } from "fast-csv";
import type { CommandModule } from "yargs";
import { type Flow, flowOf } from "../assay/flow.ts";
import { type Front, frontOf } from "../assay/front.ts";
import type { Phases } from "../assay/responses.ts";
import type { WorkedSensorgram } from "../assay/sensorgrams.ts";
import { loadConfig } from "../config/config.ts";
import type { Analysis } from "../manifest/analyses.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { roisOf } from "../measurement/labels.ts";
import { safeText } from "../outputs/csv/file/text.ts";
import { writeText } from "./export.ts";
import type { GlobalOptions } from "./global.ts";
import { digits, INJECTION_OPTIONS, type InjectionArguments, injectionCurves } from "./injection-curves.ts";
import { openStored } from "./stored-experiment.ts";

export const arrivalCommand: CommandModule<GlobalOptions, InjectionArguments> = {
  command: "arrival",
  describe: "When each injection arrives at each grating, and the direction and speed of the flow",
  builder: (yargs) =>
    yargs
      .options(INJECTION_OPTIONS)
      .example("$0 arrival --injection 2 --out arrival.csv", "times at which half of the front has passed"),
  handler: async (argv) => {
    const { config } = loadConfig(argv.config);
    const manifest = openStored(config);
    try {
      const { analysis, phases, curves } = injectionCurves(manifest, config, argv);
      const places = placesOf(manifest, analysis);
      const rows: Row[] = [];
      for (const curve of curves()) {
        const place = places(curve.label);
        for (const one of phases) rows.push({ label: curve.label, phases: one, front: frontIn(curve, one), ...place });
      }
      const flows = phases.map((one) => ({ phases: one, flow: flowIn(rows.filter((row) => row.phases === one)) }));
      await writeText(argv.json ? [jsonOf(rows, flows)] : [await csvOf(rows)], argv.out);
      for (const { phases: one, flow } of flows) process.stderr.write(`${flowLine(one, flow)}\n`);
    } finally {
      manifest.close();
    }
  },
};

interface Row {
  readonly label: string;
  readonly phases: Phases;
  /** Middle of the ROI or grating in the image, px. */
  readonly x: number;
  readonly y: number;
  /** Times are seconds from the start of the injection. */
  readonly front: Front;
}

/** Frames before the injection that the fit sees, as a part of the injection's length. */
const LEAD = 0.5;

/** The front of an injection in a curve, seconds from its start. */
export function frontIn({ timesUs, result, flags }: WorkedSensorgram, { quietFromUs, startUs, endUs }: Phases): Front {
  const fromUs = Math.max(quietFromUs, startUs - LEAD * (endUs - startUs));
  const kept = [...timesUs.keys()].filter((at) => {
    const timeUs = timesUs[at] as number;
    return timeUs >= fromUs && timeUs < endUs && flags[at] === 0 && Number.isFinite(result[at]);
  });
  return frontOf(
    Float64Array.from(kept, (at) => ((timesUs[at] as number) - startUs) / 1e6),
    Float64Array.from(kept, (at) => result[at] as number),
  );
}

function flowIn(rows: readonly Row[]): Flow | undefined {
  return flowOf(rows.map(({ x, y, front }) => ({ x, y, seconds: front.seconds, error: front.error })));
}

/** The middle of an ROI, or of a grating's halves, in the image that the ROI manifest describes. */
function placesOf(manifest: Manifest, { roiManifestId }: Analysis): (label: string) => { x: number; y: number } {
  const rois = roiManifestId === undefined ? [] : (manifest.analyses.roiManifest(roiManifestId)?.rois ?? []);
  return (label) => {
    const own = roisOf(rois, label);
    const mean = (of: (roi: (typeof own)[number]) => number) => own.reduce((sum, roi) => sum + of(roi), 0) / own.length;
    return { x: mean(({ x, width }) => x + width / 2), y: mean(({ y, height }) => y + height / 2) };
  };
}

const COLUMNS = [
  "label",
  "injection",
  "x_px",
  "y_px",
  "arrival_s",
  "standard_error_s",
  "width_s",
  "width_standard_error_s",
  "height_px",
  "height_standard_error_px",
  "flags",
];

function csvOf(rows: readonly Row[]): Promise<string> {
  const lines = rows.map(({ label, phases, x, y, front }) => [
    safeText(label),
    phases.injection.injectionId,
    digits(x, 6),
    digits(y, 6),
    digits(front.seconds, 7),
    digits(front.error, 4),
    digits(front.width, 5),
    digits(front.widthError, 4),
    digits(front.height, 6),
    digits(front.heightError, 4),
    front.flags.join("|"),
  ]);
  return writeToString([COLUMNS, ...lines], { headers: false, includeEndRowDelimiter: true });
}

function jsonOf(rows: readonly Row[], flows: readonly { phases: Phases; flow: Flow | undefined }[]): string {
  const number = (value: number | undefined) => (value !== undefined && Number.isFinite(value) ? value : null);
  return `${JSON.stringify({
    arrivals: rows.map(({ label, phases, x, y, front }) => ({
      label,
      injection: phases.injection.injectionId,
      x_px: number(x),
      y_px: number(y),
      arrival_s: number(front.seconds),
      standard_error_s: number(front.error),
      width_s: number(front.width),
      width_standard_error_s: number(front.widthError),
      height_px: number(front.height),
      height_standard_error_px: number(front.heightError),
      flags: front.flags,
    })),
    flows: flows.map(({ phases, flow }) => ({
      injection: phases.injection.injectionId,
      speed_px_per_s: number(flow?.speed),
      speed_standard_error: number(flow?.speedError),
      direction_degrees: number(flow?.directionDegrees),
      direction_standard_error: number(flow?.directionError),
      gratings: flow?.used ?? 0,
      left_out: flow?.leftOut ?? 0,
      scatter_s: number(flow?.scatter),
    })),
  })}\n`;
}

function flowLine({ injection }: Phases, flow: Flow | undefined): string {
  const name = `injection ${injection.injectionId} (${injection.solution})`;
  if (flow === undefined) return `${name}: no direction of flow can be told from the arrivals`;
  const plus = (value: number, error: number, decimals: number) =>
    `${value.toFixed(decimals)} ± ${error.toFixed(decimals)}`;
  return (
    `${name}: flows at ${digits(flow.speed, 4)} ± ${digits(flow.speedError, 2)} px/s, ` +
    `${plus(flow.directionDegrees, flow.directionError, 1)}° from right to down in the image; ${flow.used} curves, ${flow.leftOut} left out`
  );
}
