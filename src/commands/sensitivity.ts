// `phorest sensitivity`: px per RIU of each grating, from injections of known refractive index.
import { writeToString } from "fast-csv";
import type { CommandModule } from "yargs";
import { type CalibrationLine, calibrationLine } from "../assay/calibration-line.ts";
import { responsesOf } from "../assay/responses.ts";
import type { WorkedSensorgram } from "../assay/sensorgrams.ts";
import { loadConfig } from "../config/config.ts";
import { Failure } from "../failure/failure.ts";
import { medianOf } from "../measurement/statistics.ts";
import { safeText } from "../outputs/csv/file/text.ts";
import { writeText } from "./export.ts";
import type { GlobalOptions } from "./global.ts";
import {
  digits,
  INJECTION_OPTIONS,
  type InjectionArguments,
  type InjectionCurves,
  injectionCurves,
} from "./injection-curves.ts";
import { openStored } from "./stored-experiment.ts";

interface SensitivityArguments extends InjectionArguments {
  readonly "buffer-index": number | undefined;
}

export const sensitivityCommand: CommandModule<GlobalOptions, SensitivityArguments> = {
  command: "sensitivity",
  describe: "Sensitivity of each grating in px/RIU, from injections of known refractive index",
  builder: (yargs) =>
    yargs
      .options(INJECTION_OPTIONS)
      .option("buffer-index", {
        type: "number",
        requiresArg: true,
        describe:
          "Refractive index of the running buffer (default: unknown; two calibration injections are then needed)",
      })
      .example("$0 sensitivity --buffer-index 1.333", "of each grating, as CSV"),
  handler: async (argv) => {
    const { config } = loadConfig(argv.config);
    const index = argv["buffer-index"];
    if (index !== undefined && !(index >= 1 && index <= 3)) {
      throw new Failure("usage.invalid", `--buffer-index needs a refractive index, not "${index}"`, {
        hint: "water has 1.333",
      });
    }
    const manifest = openStored(config);
    try {
      const given = injectionCurves(manifest, config, argv, ({ injection }) => injection.type === "calibration");
      const lines = [...given.curves()].map((curve) => ({ label: curve.label, line: lineOf(curve, given, index) }));
      await writeText(argv.json ? [jsonOf(lines)] : [await csvOf(lines)], argv.out);
      process.stderr.write(`${summaryLine(lines)}\n`);
    } finally {
      manifest.close();
    }
  },
};

interface Found {
  readonly label: string;
  readonly line: CalibrationLine | undefined;
}

/** The calibration of a curve; undefined with fewer than two levels. */
export function lineOf(
  curve: WorkedSensorgram,
  { phases, windowUs }: InjectionCurves,
  bufferIndex?: number,
): CalibrationLine | undefined {
  const points = phases.flatMap((one) => {
    const { refractiveIndex } = one.injection;
    const late = responsesOf(curve, one, windowUs).find(({ point }) => point === "late");
    return refractiveIndex === null || late === undefined ? [] : [{ refractiveIndex, px: late.px, error: late.error }];
  });
  return calibrationLine(points, bufferIndex);
}

const COLUMNS = ["label", "px_per_riu", "standard_error", "levels", "injections", "reduced_chi_square", "flags"];

function csvOf(found: readonly Found[]): Promise<string> {
  const rows = found.map(({ label, line }) => [
    safeText(label),
    digits(line?.pxPerRiu ?? Number.NaN, 7),
    digits(line?.error ?? Number.NaN, 4),
    line?.levels ?? 0,
    line?.points ?? 0,
    digits(line?.reducedChiSquare ?? Number.NaN, 4),
    line?.flags.join("|") ?? "no_levels",
  ]);
  return writeToString([COLUMNS, ...rows], { headers: false, includeEndRowDelimiter: true });
}

function jsonOf(found: readonly Found[]): string {
  const plain = found.map(({ label, line }) => ({
    label,
    px_per_riu: line?.pxPerRiu ?? null,
    standard_error: line?.error ?? null,
    levels: line?.levels ?? 0,
    injections: line?.points ?? 0,
    reduced_chi_square: line === undefined || Number.isNaN(line.reducedChiSquare) ? null : line.reducedChiSquare,
    flags: line?.flags ?? ["no_levels"],
  }));
  return `${JSON.stringify(plain)}\n`;
}

function summaryLine(found: readonly Found[]): string {
  const lines = found.flatMap(({ line }) => line ?? []);
  if (lines.length === 0) {
    return "no grating has two levels of refractive index: inject a second solution, or give --buffer-index";
  }
  const median = medianOf(Float64Array.from(lines, ({ pxPerRiu }) => pxPerRiu));
  const error = medianOf(Float64Array.from(lines, (line) => line.error));
  return `${lines.length} of ${found.length} curves: median ${digits(median, 5)} px/RIU, median error ${digits(error, 3)} px/RIU`;
}
