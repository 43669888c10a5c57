// `phorest responses`: how far each curve moved in each injection, at fixed places of the injection.
import { writeToString } from "fast-csv";
import type { CommandModule } from "yargs";
import { type Phases, REPORT_POINTS, type ReportPoint, type Response, responsesOf } from "../assay/responses.ts";
import { loadConfig } from "../config/config.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { concentrationText } from "../measurement/concentration.ts";
import { medianOf } from "../measurement/statistics.ts";
import { safeText } from "../outputs/csv/file/text.ts";
import { textTable } from "../terminal/text-table.ts";
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

interface ResponsesArguments extends InjectionArguments {
  readonly summary: boolean;
}

/** A response of a grating. */
interface Row extends Response {
  readonly label: string;
  readonly phases: Phases;
}

export const responsesCommand: CommandModule<GlobalOptions, ResponsesArguments> = {
  command: "responses",
  describe: "How far each grating moved in each injection, with errors",
  builder: (yargs) =>
    yargs
      .options(INJECTION_OPTIONS)
      .option("summary", {
        type: "boolean",
        default: false,
        describe: "One line for each injection, over all gratings",
      })
      .example("$0 responses --summary", "the response to each injection")
      .example("$0 responses --roi '05*' --injection 3 --out responses.csv", "grating by grating"),
  handler: async (argv) => {
    const { config } = loadConfig(argv.config);
    const manifest = openStored(config);
    try {
      const rows = rowsOf(injectionCurves(manifest, config, argv));
      if (argv.summary) process.stdout.write(argv.json ? `${JSON.stringify(summaryOf(rows))}\n` : summaryTable(rows));
      else await writeText(argv.json ? [`${JSON.stringify(rows.map(jsonOf))}\n`] : [await csvOf(rows)], argv.out);
    } finally {
      manifest.close();
    }
  },
};

function rowsOf({ phases, windowUs, curves }: InjectionCurves): Row[] {
  const rows: Row[] = [];
  for (const curve of curves()) {
    for (const one of phases) {
      for (const response of responsesOf(curve, one, windowUs))
        rows.push({ ...response, label: curve.label, phases: one });
    }
  }
  return rows;
}

const COLUMNS = [
  "label",
  "injection",
  "cycle",
  "type",
  "solution",
  "concentration_M",
  "point",
  "from",
  "to",
  "frames",
  "response_px",
  "standard_error_px",
  "flags",
];

function csvOf(rows: readonly Row[]): Promise<string> {
  const lines = rows.map(({ label, phases: { injection }, point, window, frames, px, error, flags }) => [
    safeText(label),
    injection.injectionId,
    injection.cycle,
    injection.type,
    safeText(injection.solution),
    injection.concentration ?? "",
    point,
    isoFromUs(window.fromUs),
    isoFromUs(window.toUs),
    frames,
    digits(px, 7),
    digits(error, 4),
    flags.join("|"),
  ]);
  return writeToString([COLUMNS, ...lines], { headers: false, includeEndRowDelimiter: true });
}

const numberOf = (value: number): number | null => (Number.isFinite(value) ? value : null);

function jsonOf({ label, phases: { injection }, point, window, frames, px, error, flags }: Row): object {
  return {
    label,
    injection: injection.injectionId,
    cycle: injection.cycle,
    type: injection.type,
    solution: injection.solution,
    concentration_M: injection.concentration,
    point,
    from: isoFromUs(window.fromUs),
    to: isoFromUs(window.toUs),
    frames,
    response_px: numberOf(px),
    standard_error_px: numberOf(error),
    flags,
  };
}

interface Summary {
  readonly injection: number;
  readonly solution: string;
  readonly concentration_M: number | null;
  readonly point: ReportPoint;
  readonly gratings: number;
  readonly without_response: number;
  readonly flagged: number;
  readonly median_px: number | null;
  /** Half the distance between the 16th and the 84th percentile. */
  readonly spread_px: number | null;
  readonly median_error_px: number | null;
}

/** Over all gratings, by injection and point. */
function summaryOf(rows: readonly Row[]): Summary[] {
  const injections = [...new Map(rows.map(({ phases }) => [phases.injection.injectionId, phases.injection])).values()];
  return injections.flatMap((injection) =>
    REPORT_POINTS.map((point): Summary => {
      const own = rows.filter((row) => row.phases.injection === injection && row.point === point);
      const values = own
        .map(({ px }) => px)
        .filter(Number.isFinite)
        .sort((a, b) => a - b);
      const at = (share: number) => values[Math.round(share * (values.length - 1))] ?? Number.NaN;
      return {
        injection: injection.injectionId,
        solution: injection.solution,
        concentration_M: injection.concentration,
        point,
        gratings: own.length,
        without_response: own.length - values.length,
        flagged: own.filter(({ flags }) => flags.length > 0).length,
        median_px: numberOf(medianOf(Float64Array.from(values))),
        spread_px: numberOf((at(0.84) - at(0.16)) / 2),
        median_error_px: numberOf(medianOf(Float64Array.from(own, ({ error }) => error))),
      };
    }),
  );
}

function summaryTable(rows: readonly Row[]): string {
  const names = [
    "injection",
    "solution",
    "concentration",
    "point",
    "gratings",
    "median px",
    "spread px",
    "error px",
    "flagged",
  ];
  const lines = summaryOf(rows).map((one) => [
    String(one.injection),
    one.solution,
    one.concentration_M === null ? "" : concentrationText(one.concentration_M),
    one.point,
    String(one.gratings),
    one.median_px?.toFixed(4) ?? "-",
    one.spread_px?.toFixed(4) ?? "-",
    one.median_error_px?.toFixed(4) ?? "-",
    String(one.flagged),
  ]);
  return textTable(names, lines, "rlrlrrrrr");
}
