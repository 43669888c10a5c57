// What crosses between the supervisor and a stage's thread: two unions, plain data only.

import type { CompressOptions } from "../archive/compress.ts";
import type { FileProblem } from "../archive/guard.ts";
import type { BatchResult, PictureTask } from "../archive/pictures.ts";
import type { Place } from "../archive/place.ts";
import type { RemoteInspection } from "../archive/remote.ts";
import type { SideFile, SideListing, SideTask, StagedFile } from "../archive/side-files.ts";
import type { FailureData } from "../failure.ts";
import type { PlainSourceOptions } from "../frame/camera.ts";
import type { FrameSettings } from "../frame/frame.ts";
import type { Reading } from "../frame/reading.ts";
import type { ThermometerSettings } from "../frame/thermometer.ts";
import type { LogLevel } from "../log-levels.ts";
import type { PictureRoots } from "../manifest/picture-place.ts";
import type { Delivered, DeliverySettings } from "../opcua/delivery.ts";
import type { SetAsideFile } from "../system/set-aside.ts";

/** Supervisor to thread. */
export type ToThread<Settings, Job> =
  | { readonly type: "open"; readonly settings: Settings }
  | { readonly type: "job"; readonly id: number; readonly job: Job }
  | { readonly type: "cancel"; readonly id: number }
  | { readonly type: "close" };

/** Thread to supervisor. */
export type FromThread<Answer> =
  | { readonly type: "settled"; readonly id: number; readonly answer: Answer }
  | { readonly type: "failed"; readonly id: number; readonly failure: FailureData }
  | { readonly type: "log"; readonly level: LogLevel; readonly message: string }
  /** The job in hand moves on: the time limit begins anew. */
  | { readonly type: "progress" }
  | { readonly type: "closed" };

/** Settings and jobs of the collector's thread. */
export interface CollectorSettings {
  readonly dataDir: string;
  readonly camera: { readonly type: string; readonly id: number; readonly transform: string; readonly format: string };
  /** Without its functions, which cannot cross; the thread adds them. */
  readonly source: PlainSourceOptions;
  /** Where brightfield pictures go and what takes them. */
  readonly brightfield: { readonly directory: string; readonly source: PlainSourceOptions };
  /** Capture pauses below it; `minFreeKey` is the setting that asks for it. */
  readonly minFreeBytes: number;
  readonly minFreeKey: string;
  readonly place: Place;
  /** Undefined: no thermometer is read. */
  readonly thermometers: ThermometerSettings | undefined;
  readonly manifestFile: string;
}

/** `dueMs`: the tick of the cadence that this capture belongs to, on the monotonic clock. */
export type CollectorJob =
  | { readonly type: "capture"; readonly dueMs: number }
  | { readonly type: "brightfield" }
  | { readonly type: "open" };

/** A picture that lies durably in the data directory and waits for its row. */
export interface CollectedFrame {
  readonly capturedAtUs: number;
  readonly filename: string;
  readonly directory: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly bitDepth: number | undefined;
  readonly settings: FrameSettings;
  readonly warnings: readonly string[];
  readonly readings: readonly Reading[];
  readonly tookMs: number;
}

/** Pictures that cannot be taken under their present name: a line for each of the first ones, and how many there are. */
export interface SkippedList {
  readonly lines: readonly string[];
  readonly total: number;
}

/**
 * `frame` null: nothing new, or a brightfield picture, which gets no row but lies at the path `brightfield`. `more`:
 * another picture is known already.
 */
export interface CollectorAnswer {
  readonly frame: CollectedFrame | null;
  readonly more: boolean;
  /** What a source of files skips now; absent for every other answer than that to a capture. */
  readonly skipped?: SkippedList;
  /** Pictures that could not be taken while others could. */
  readonly setAside?: readonly SetAsideFile[];
  /** Path of the brightfield picture, or why there is none: that must not cost the camera and the thermometers. */
  readonly brightfield?: string | FailureData;
}

/** Settings and jobs of the communicator's thread. */
export interface CommunicatorSettings {
  readonly manifestFile: string;
  readonly resultsDir: string;
  /** Names the experiment in the plot's title. */
  readonly rootDir: string;
  /** Labels or globs of the ROIs to draw; empty: all. */
  readonly plotRois: readonly string[];
}

/** `state`: the CSV appender's, as last committed. `archive`: the last one, whose frames are no longer live. */
export type CommunicatorJob = {
  readonly type: "report";
  readonly plot: boolean;
  readonly state: string | undefined;
  readonly archive: number;
};

export interface CommunicatorAnswer {
  /** The outcome up to which the CSV is durable, and the appender's state to keep beside it; undefined: nothing new. */
  readonly delivered: { readonly cursor: number; readonly state: string } | undefined;
  readonly lines: number;
  readonly plotMs: number | undefined;
  readonly more: boolean;
  /** A plot that could not be drawn never holds up the CSV; it is reported beside it. */
  readonly plotFailure: FailureData | undefined;
}

/** Settings and jobs of the syncer's process, the only one that touches the remote. */
export interface SyncerSettings {
  /** Absolute. */
  readonly remoteRoot: string;
  readonly layout: { readonly rootDir: string; readonly dataDir: string };
  /** Where pictures may be opened. */
  readonly pictures: PictureRoots;
  /** Directories whose files are copied beside the pictures. */
  readonly sideDirectories: readonly string[];
  /** Of which only the brightfield pictures are copied. */
  readonly brightfieldDirectory: string;
  readonly manifestFile: string;
  readonly minFreeBytes: number;
  readonly maxBytesPerSecond: number;
  readonly parallel: number;
}

export type SyncerJob =
  /** Which remote is it, and can it be used? */
  | { readonly type: "inspect"; readonly remoteId: string | undefined }
  | {
      readonly type: "pictures";
      readonly remoteId: string;
      readonly tasks: readonly PictureTask[];
      readonly limitMs: number;
    }
  | { readonly type: "list" }
  /** A consistent copy of the manifest, beside it, under a temporary name. */
  | { readonly type: "snapshot" }
  | { readonly type: "stage"; readonly remoteId: string; readonly task: SideTask }
  | { readonly type: "publish"; readonly remoteId: string; readonly staged: StagedFile };

export type SyncerAnswer =
  | { readonly type: "inspect"; readonly inspection: RemoteInspection }
  | { readonly type: "pictures"; readonly result: BatchResult }
  | ({ readonly type: "list"; readonly brightfield: readonly SideFile[] } & SideListing)
  | { readonly type: "snapshot"; readonly file: SideFile }
  | { readonly type: "stage"; readonly staged: StagedFile }
  | { readonly type: "publish"; readonly remotePath: string }
  /** In place of the answer about one file: it is the trouble itself. */
  | { readonly type: "problem"; readonly kind: FileProblem["kind"]; readonly reason: string };
/** Settings and jobs of the compressor's thread, which answers with a CompressOutcome. */
export type CompressorSettings = CompressOptions;

export interface CompressorJob {
  readonly type: "compress";
  /** Directory, absolute. */
  readonly filepath: string;
  readonly filename: string;
  /** The picture's hash when it was taken, where it is known. */
  readonly sha256: string | undefined;
}
/** Settings and jobs of the OPC UA output's thread. */
export interface OpcUaThreadSettings extends DeliverySettings {
  readonly manifestFile: string;
}

/** `cursor`: the last outcome the server is known to have. */
export type OpcUaJob = { readonly type: "deliver"; readonly cursor: number; readonly alarm: string };

export type OpcUaAnswer = Delivered;

/** Jobs of the health stage's thread, which is opened with the whole configuration. */
export type HealthJob = { readonly type: "look"; readonly report: boolean };

export interface HealthAnswer {
  /** Troubles that somebody was told of and that are not over. */
  readonly told: number;
  /** Notices that have not arrived yet. */
  readonly undelivered: number;
}
