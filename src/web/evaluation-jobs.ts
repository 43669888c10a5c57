// Messages between the page and the thread that evaluates injections for it: plain data only.
import type { KineticsRequest } from "../assay/kinetics/experiment/plan.ts";
import type { ReportPoint } from "../assay/responses.ts";
import type { Config } from "../config/schema.ts";
import type { MapQuantity } from "../evaluation/maps.ts";

export interface EvaluatorSettings {
  readonly config: Config;
  readonly manifestFile: string;
}

/** Selects curves and injections, like the options of the commands. */
export interface InjectionQuestion {
  /** Name of the analysis; undefined: the one in force. */
  readonly analysis: string | undefined;
  readonly roi: readonly string[] | undefined;
  readonly pairs: boolean;
  readonly injection: readonly number[] | undefined;
  readonly window: number | undefined;
}

export interface MapQuestion extends Omit<InjectionQuestion, "injection"> {
  readonly quantity: MapQuantity;
  readonly injection: number | undefined;
  readonly point: ReportPoint;
  readonly bufferIndex: number | undefined;
  /** Microseconds since the epoch. */
  readonly atUs: number | undefined;
}

export interface KineticsQuestion extends KineticsRequest {
  /** Name of the analysis; undefined: the one in force. */
  readonly analysis: string | undefined;
  /** Points of each cycle in a drawing. */
  readonly points: number;
}

export interface ComparisonQuestion {
  /** Name of analysis A; undefined: the one in force. */
  readonly analysis: string | undefined;
  /** Name of analysis B. */
  readonly other: string;
  readonly roi: readonly string[] | undefined;
  readonly pairs: boolean;
}

/** `csv`: the file that the command writes; otherwise JSON. */
export type EvaluationJob =
  | { readonly type: "responses" | "arrivals"; readonly question: InjectionQuestion; readonly csv: boolean }
  | {
      readonly type: "sensitivities";
      readonly question: InjectionQuestion & { readonly bufferIndex: number | undefined };
      readonly csv: boolean;
    }
  | { readonly type: "map"; readonly question: MapQuestion; readonly csv: boolean }
  | { readonly type: "kinetics"; readonly question: KineticsQuestion; readonly csv: boolean }
  /** `figure`: the drawing, as SVG; otherwise JSON. */
  | { readonly type: "comparison"; readonly question: ComparisonQuestion; readonly figure: boolean }
  | { readonly type: "proposals" };
