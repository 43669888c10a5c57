// The types that the server sends to the page about the experiment and its curves. Both sides share them. Times are ms since
// 1970.
import type { BaselineWarning } from "../assay/baseline-warnings.ts";
import type { Sensitivity } from "../assay/precision.ts";
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
  /** What the user should do; empty if the alarm already says it. */
  readonly cure: string;
}

export interface MarkerView {
  readonly id: number;
  readonly at: number;
  readonly text: string;
}

/** A change to another ROI manifest or another version during the experiment. */
export interface ChangeView {
  readonly at: number;
  /** What changed. */
  readonly text: string;
  /** The two analyses, and how far the positions step. */
  readonly detail: string;
  /** Whether the shown analysis begins here. */
  readonly isStart: boolean;
}

/** The result of the last brightfield picture that was taken or requested. */
export interface BrightfieldView {
  readonly state: "unavailable" | "none" | "asked" | "taking" | "taken" | "failed";
  /** Where it is stored, or why there is none. */
  readonly message: string;
}

/** The overview of the experiment; pushed whenever it changes. */
export interface StateView {
  readonly title: string;
  readonly sample: string | undefined;
  readonly version: string;
  readonly experiment: "running" | "stopped" | "none";
  readonly startedAt: string | undefined;
  /** The camera of the last run; undefined if it was disabled or there was no run. */
  readonly camera: { readonly type: string; readonly simulated: boolean } | undefined;
  readonly now: number;
  /** Time zone of all displayed times: "UTC", or a name such as "Europe/Berlin". */
  readonly timeZone: string;
  readonly nextCapture: number | undefined;
  /** undefined if no brightfield picture can be taken. */
  readonly brightfield: BrightfieldView | undefined;
  readonly counts: ManifestCounts | undefined;
  /** The active outputs by name, such as "the CSV", and the number of frames waiting for each. */
  readonly outputs: readonly { readonly name: string; readonly waiting: number }[];
  readonly stages: readonly StageView[];
  readonly alarms: readonly AlarmView[];
  /** Notes about settings that the user should be aware of. */
  readonly notes: readonly string[];
  readonly disk:
    | {
        readonly freeBytes: number;
        readonly totalBytes: number;
        readonly minFreeBytes: number;
        /** How long there is space for new pictures, and what happens then, as text for the user. */
        readonly full: string | undefined;
      }
    | undefined;
  /** Progress of syncing; undefined without syncing. */
  readonly share: { readonly copied: number; readonly waiting: number } | undefined;
  readonly lastFrame:
    | { readonly filename: string | undefined; readonly capturedAt: string; readonly status: string }
    | undefined;
  /** The last outcome: curves drawn with an earlier one are outdated. */
  readonly outcome: number;
  /** Method of the current analysis; undefined if nothing is measured. */
  readonly method: string | undefined;
  /** The analyses that have measured frames, oldest first. */
  readonly analyses: readonly SnapshotAnalysis[];
  readonly markers: readonly MarkerView[];
  /** Number of the last change of the injections: injections read at another number are outdated. */
  readonly injectionChange: number;
}

export interface RoiView {
  readonly label: string;
  readonly flip: boolean;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Position in the last frame, px; null if there is none. */
  readonly position: number | null;
  /** Standard error of the position. */
  readonly standardError: number | null;
  /** Shift since the baseline, px, and its standard error. */
  readonly shift: number | null;
  readonly shiftError: number | null;
  /** 0 to 1. */
  readonly quality: number | null;
  readonly flags: readonly string[];
  /** Line shape in use, "auto" before it is chosen; absent for methods without a line for the whole ROI. */
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
  /** Whether the user chose it. */
  readonly chosen: boolean;
  /** Why it begins and ends there, as text: "ends before a step". */
  readonly why: string;
}

export interface CurveView extends DecimatedCurve {
  readonly label: string;
  readonly reference: boolean;
  /** Noise, px. Each value has its standard error; for the drift as in Precision. */
  readonly noise: number | null;
  readonly noiseError: number | null;
  readonly driftPerHour: number | null;
  readonly driftError: number | null;
  readonly detectionLimit: number | null;
  readonly detectionLimitError: number | null;
  /** Why the baseline is unsuitable; empty if nothing is wrong with it. */
  readonly doubts: readonly BaselineWarning[];
  /** Number of members of a group. */
  readonly members?: number;
  /** Undefined if it is not known, and so are values in RIU. */
  readonly sensitivity: Sensitivity | undefined;
}

export interface CurvesView {
  /** Identifies how it was made: a drawing with the same key is updated with only its end. */
  readonly key: string;
  /**
   * If set, the curves and temperatures begin at this time, ms, and what was drawn before it stays; if absent, they are
   * complete.
   */
  readonly tailFrom?: number;
  readonly outcome: number;
  /** Number of frames of the analysis, or of the joined ones. */
  readonly frames: number;
  readonly joined: boolean;
  /** Changes to another analysis, among those that are joined or could be. */
  readonly changes: readonly ChangeView[];
  /** First and last frame. */
  readonly span: readonly [number, number];
  readonly baseline: BaselineView;
  readonly references: readonly string[];
  /** Requested names, including references, that match nothing. */
  readonly unknown: readonly string[];
  readonly curves: readonly CurveView[];
  /** Number of matching curves that were left out. */
  readonly more: number;
  /** What is wrong with the baselines of these curves, as text. */
  readonly baselineWords: readonly string[];
  readonly temperatures: readonly {
    readonly sensor: string;
    readonly times: number[];
    readonly values: (number | null)[];
  }[];
}

/** Small curves of all gratings, or of all ROIs. */
export interface PanelsView {
  /** Identifies how it was made: columns of answers with the same key belong together. */
  readonly key: string;
  /** Whether the answer has only the columns that changed since the requested outcome. */
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
    /** Share of frames that are flagged or without a value, 0 to 1. */
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
  /** Sample, operator and so on, as configured: name and text. */
  readonly about: readonly (readonly [string, string])[];
  readonly settings: readonly SettingView[];
  readonly runs: readonly RunView[];
  readonly directories: Readonly<Record<string, string>>;
  /** The stages that write to the log. */
  readonly logStages: readonly string[];
}

export interface LogLineView {
  readonly time: string;
  readonly level: string;
  readonly text: string;
}
