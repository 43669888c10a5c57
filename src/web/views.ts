// What the server tells the page: the types both sides share, and nothing else. Times are ms since 1970.
import type { BaselineWarning } from "../assay/baseline-warnings.ts";
import type { HistogramBar, IntervalSummary } from "../assay/intervals.ts";
import type { CalibrationSummary } from "../calibration/report.ts";
import type { SnapshotAnalysis } from "../health/snapshot.ts";
import type { ManifestCounts } from "../manifest/history.ts";
import type { Displacement } from "../measurement/displacement.ts";
import type { InjectionType } from "../measurement/injection-type.ts";
import type { Roi } from "../measurement/roi.ts";
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

/** An injection as the API answers it. Concentration in M. */
export interface InjectionView {
  readonly id: number;
  readonly cycle: number;
  readonly solution: string;
  readonly type: InjectionType;
  readonly concentration: number | null;
  readonly refractiveIndex: number | null;
  readonly start: number;
  readonly end: number;
  /** null: the dissociation lasts until the next injection. */
  readonly dissociationEnd: number | null;
  readonly note: string;
}

/** What may be an injection that nobody recorded. */
export interface ProposalView {
  readonly start: number;
  /** null: no step back was found. */
  readonly end: number | null;
  /** px. */
  readonly stepPx: number;
}

/** A quantity of each grating, as `phorest map --json` writes it, with its place and colours. */
export interface MapView {
  readonly quantity: string;
  readonly unit: string;
  readonly values: readonly {
    readonly label: string;
    readonly value: number | null;
    readonly standard_error: number | null;
    readonly flagged: boolean;
  }[];
  readonly name: string;
  readonly detail: string;
  readonly summary: string;
  /** px of the image; what has no place is not here. */
  readonly places: readonly {
    readonly label: string;
    readonly left: number;
    readonly top: number;
    readonly right: number;
    readonly bottom: number;
  }[];
  /** Zero is the middle of the colours. */
  readonly diverging: boolean;
  /** Ends of the colour scale: those of the middle 96 % of the values. */
  readonly limits: readonly [number, number];
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

export interface FrameView {
  readonly entryId: number;
  readonly filename: string;
  readonly capturedAt: number;
  readonly width: number;
  readonly height: number;
  readonly bitDepth: number;
  /** Pixels in each of 256 equal parts of the scale. */
  readonly histogram: readonly number[];
  /** Share of the pixels at the top of the camera's scale. */
  readonly saturated: number;
  /** Mean over the full scale, 0 to 1. */
  readonly brightness: number;
  /** Variance of the Laplacian as `phorest preview` shows it, counts² of 8 bits: compare frames of one exposure, higher is sharper. */
  readonly focus: number;
  readonly tilePx: number;
  /** Level n has 1/2^n of the pixels on each side; this is the smallest. */
  readonly levels: number;
}

export interface FrameTimeView {
  readonly entryId: number;
  readonly capturedAt: number;
}

/** The frames that images can be chosen from, and the time resolution. */
export interface FramesView {
  /** In order of their numbers, about a thousand of them at most. */
  readonly frames: readonly FrameTimeView[];
  /** Between neighbouring frames, all of them; undefined for fewer than two frames. */
  readonly intervals: (IntervalSummary & { readonly bars: readonly HistogramBar[] }) | undefined;
}

/** The second image minus the first. */
export interface DifferenceView {
  readonly a: FrameTimeView;
  readonly b: FrameTimeView;
  readonly width: number;
  readonly height: number;
  /** What the second was multiplied by, so that both are equally bright. */
  readonly gain: number;
  /** The difference of the strongest colour, counts of the first. */
  readonly fullScale: number;
  /** Undefined where nothing in the images is alike. */
  readonly moved: Displacement | undefined;
}

/** One ROI in several frames: the mean of its rows, counts of the image. */
export interface ProfilesView {
  readonly label: string;
  readonly profiles: readonly (FrameTimeView & { readonly profile: readonly number[] })[];
}

export interface ProfileView {
  readonly label: string;
  readonly entryId: number;
  /** Mean over the ROI's rows, 8-bit counts, from the ROI's left edge after flipping. */
  readonly profile: readonly number[];
  /** The method's line fitted to that mean row; absent for methods without one, and where it did not converge. */
  readonly fit: readonly number[] | undefined;
  readonly line: string | undefined;
  /** As stored for the frame, px. */
  readonly position: number | null;
  readonly standardError: number | null;
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

/** Where the chip was found in a picture. */
export interface CalibrationFound {
  readonly summary: CalibrationSummary;
  /** Degrees; ROIs and labels are in the picture turned by its negative. */
  readonly imageAngle: number;
  readonly rois: readonly Roi[];
  /** The printed labels in view. */
  readonly labels: readonly Roi[];
}

export interface CalibrationView {
  /** Of the picture; 0 before the first. */
  readonly id: number;
  /** Of the picture, for people. */
  readonly name: string;
  readonly state: "none" | "receiving" | "searching" | "found" | "doubt" | "failed" | "writing" | "accepted";
  /** Why it is in doubt or failed; the files that were written. */
  readonly message: string;
  /** What a person should know before accepting; empty for nothing. */
  readonly warning: string;
  readonly picture: FrameView | undefined;
  /** Which image of its file the picture is, from 1, and how many the file has; 0 and 0 before the first picture. */
  readonly page: number;
  readonly pages: number;
  readonly found: CalibrationFound | undefined;
  /** Largest picture that is taken, bytes. */
  readonly largestBytes: number;
}

/** What can be named in a picture by hand. */
export interface ChipLabelsView {
  readonly type: string;
  readonly printed: readonly string[];
  readonly gratings: readonly string[];
}
