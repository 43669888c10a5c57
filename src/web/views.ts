// What the server tells the page of the experiment and its curves. Types that both sides share. Times are ms since 1970.
import type { BaselineWarning } from "../assay/baseline-warnings.ts";
import type { SnapshotAnalysis } from "../health/snapshot.ts";
import type { ManifestCounts } from "../manifest/history.ts";
import type { DecimatedCurve } from "./decimate.ts";
import type { DrawnColumn } from "./panel-columns.ts";

export interface StageView {
  readonly stage: string;
  readonly state: string;
  readonly ageSeconds: number;
  readonly detail: string;
}

interface AlarmView {
  readonly what: string;
  /** What a person should do; empty where the alarm says it already. */
  readonly cure: string;
}

export interface MarkerView {
  readonly id: number;
  readonly at: number;
  readonly text: string;
}

/** Where a run went on with another ROI manifest or another version. */
export interface ChangeView {
  readonly at: number;
  /** What changed. */
  readonly text: string;
  /** Between which analyses, and how far the positions step. */
  readonly detail: string;
  /** The analysis that is shown begins there. */
  readonly isStart: boolean;
}

/** What became of the brightfield picture that was taken or asked for last. */
export interface BrightfieldView {
  readonly state: "unavailable" | "none" | "asked" | "taking" | "taken" | "failed";
  /** Where it is, or why there is none. */
  readonly message: string;
}

/** Everything that is asked at a glance; pushed whenever it changes. */
export interface StateView {
  readonly title: string;
  readonly sample: string | undefined;
  readonly version: string;
  readonly experiment: "running" | "stopped" | "none";
  readonly startedAt: string | undefined;
  /** Of the last run; undefined where it was switched off or there was no run. */
  readonly camera: { readonly type: string; readonly simulated: boolean } | undefined;
  readonly now: number;
  /** Of all times shown: "UTC", or a name such as "Europe/Berlin". */
  readonly timeZone: string;
  readonly nextCapture: number | undefined;
  /** undefined while nothing can take one. */
  readonly brightfield: BrightfieldView | undefined;
  readonly counts: ManifestCounts | undefined;
  readonly stages: readonly StageView[];
  readonly alarms: readonly AlarmView[];
  /** What is as it was set, and yet should be known. */
  readonly notes: readonly string[];
  readonly disk:
    | {
        readonly freeBytes: number;
        readonly totalBytes: number;
        readonly minFreeBytes: number;
        /** Until when there is room for new pictures, and what happens then, for a person. */
        readonly full: string | undefined;
      }
    | undefined;
  /** undefined without syncing. */
  readonly share: { readonly copied: number; readonly waiting: number } | undefined;
  readonly lastFrame:
    | { readonly filename: string | undefined; readonly capturedAt: string; readonly status: string }
    | undefined;
  /** The last outcome: curves drawn with an earlier one are out of date. */
  readonly outcome: number;
  /** Of the analysis in force; undefined while nothing is measured. */
  readonly method: string | undefined;
  /** Those that have measured frames, oldest first. */
  readonly analyses: readonly SnapshotAnalysis[];
  readonly markers: readonly MarkerView[];
  /** Number of the last change of the injections: those read at another one are out of date. */
  readonly injectionChange: number;
}

export interface RoiView {
  readonly label: string;
  readonly flip: boolean;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** px, in the last frame; null where there is none. */
  readonly position: number | null;
  /** Of the position. */
  readonly standardError: number | null;
  /** px since the baseline, and its standard error. */
  readonly shift: number | null;
  readonly shiftError: number | null;
  /** 0 to 1. */
  readonly quality: number | null;
  readonly flags: readonly string[];
  /** What it is measured with, "auto" before that is chosen; absent for methods without a line for the whole ROI. */
  readonly line: string | undefined;
}

export interface ChipView {
  readonly analysisId: number;
  /** Name of the analysis. */
  readonly name: string;
  readonly method: string;
  readonly imageAngle: number;
  readonly capturedAt: number;
  readonly baseline: BaselineView;
  readonly rois: readonly RoiView[];
  readonly gratings: readonly string[];
  readonly groups: readonly string[];
  readonly references: readonly string[];
}

export interface BaselineView {
  readonly from: number;
  readonly to: number;
  /** By a person. */
  readonly chosen: boolean;
  /** Why it begins and ends there, for people: "ends before a step". */
  readonly why: string;
}

export interface CurveView extends DecimatedCurve {
  readonly label: string;
  readonly reference: boolean;
  /** px; each with its standard error, that of the drift as in Precision. */
  readonly noise: number | null;
  readonly noiseError: number | null;
  readonly driftPerHour: number | null;
  readonly driftError: number | null;
  readonly detectionLimit: number | null;
  readonly detectionLimitError: number | null;
  /** Why the baseline is none; empty where nothing speaks against it. */
  readonly doubts: readonly BaselineWarning[];
  /** Members, of a group. */
  readonly members?: number;
}

export interface CurvesView {
  /** Of how it was made: what is drawn with the same one is brought up to date by its end. */
  readonly key: string;
  /** The curves and temperatures here begin at this time, ms, and what was drawn before it stays; absent: they are whole. */
  readonly tailFrom?: number;
  readonly outcome: number;
  /** Of the analysis, or of those that are joined. */
  readonly frames: number;
  readonly joined: boolean;
  /** Where another analysis went on, of those that are joined or could be. */
  readonly changes: readonly ChangeView[];
  /** First and last frame. */
  readonly span: readonly [number, number];
  readonly baseline: BaselineView;
  readonly references: readonly string[];
  /** What was asked for, also as a reference, and names nothing here. */
  readonly unknown: readonly string[];
  readonly curves: readonly CurveView[];
  /** Matching curves that were left out. */
  readonly more: number;
  readonly pxPerRiu: number | undefined;
  /** Its standard error; undefined where it counts as exact. */
  readonly pxPerRiuError: number | undefined;
  /** What the baselines of these curves are not, for a person. */
  readonly baselineWords: readonly string[];
  readonly temperatures: readonly {
    readonly sensor: string;
    readonly times: number[];
    readonly values: (number | null)[];
  }[];
}

/** Small curves of all gratings, or of all ROIs. */
export interface PanelsView {
  /** Of how it was made: columns of answers with the same one belong together. */
  readonly key: string;
  /** The answer has only the columns that changed since the outcome that was asked from. */
  readonly partial: boolean;
  readonly outcome: number;
  readonly joined: boolean;
  readonly changes: readonly ChangeView[];
  /** First and last frame. */
  readonly span: readonly [number, number];
  readonly baseline: BaselineView;
  readonly references: readonly string[];
  readonly columnMs: number;
  readonly units: readonly {
    readonly label: string;
    readonly reference: boolean;
    /** Share of the frames that are flagged or without a value, 0 to 1. */
    readonly doubtful: number;
  }[];
  readonly columns: readonly DrawnColumn[];
}

interface SettingView {
  readonly key: string;
  readonly value: string;
  readonly origin: string;
}

interface RunView {
  readonly id: number;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  readonly endReason: string | undefined;
  readonly version: string;
  readonly host: string;
}

export interface ExperimentView {
  /** Sample, operator and so on, as configured: what it is, and the words. */
  readonly about: readonly (readonly [string, string])[];
  readonly settings: readonly SettingView[];
  readonly runs: readonly RunView[];
  readonly directories: Readonly<Record<string, string>>;
  /** Who writes to the log. */
  readonly logStages: readonly string[];
}

export interface LogLineView {
  readonly time: string;
  readonly level: string;
  readonly text: string;
}
