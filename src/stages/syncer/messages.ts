// Settings, jobs and answers of the syncer's process, the only one that touches the remote. Plain data only.

import type { AuxiliaryFile, AuxiliaryListing, AuxiliaryTask, StagedFile } from "../../archive/auxiliary-files.ts";
import type { BatchResult, PictureTask } from "../../archive/pictures.ts";
import type { RemoteInspection } from "../../archive/remote.ts";
import type { FileProblem } from "../../archive/remote-guard.ts";
import type { PictureRoots } from "../../manifest/picture-place.ts";

/** Settings and jobs of the syncer's process, the only one that touches the remote. */
export interface SyncerSettings {
  /** Absolute. */
  readonly remoteRoot: string;
  readonly layout: { readonly rootDir: string; readonly dataDir: string };
  /** Where images may be opened. */
  readonly pictures: PictureRoots;
  /** Directories whose files are copied in addition to the images. */
  readonly auxiliaryDirectories: readonly string[];
  /** A directory of which only the brightfield images are copied. */
  readonly brightfieldDirectory: string;
  readonly manifestFile: string;
  readonly minFreeBytes: number;
  readonly maxBytesPerSecond: number;
  readonly parallel: number;
}

export type SyncerJob =
  /** Returns which remote it is, and whether it can be used. */
  | { readonly type: "inspect"; readonly remoteId: string | undefined }
  | {
      readonly type: "pictures";
      readonly remoteId: string;
      readonly tasks: readonly PictureTask[];
      readonly limitMs: number;
    }
  | { readonly type: "list" }
  /** Makes a consistent copy of the manifest, next to it, under a temporary name. */
  | { readonly type: "snapshot" }
  | { readonly type: "stage"; readonly remoteId: string; readonly task: AuxiliaryTask }
  | { readonly type: "publish"; readonly remoteId: string; readonly staged: StagedFile };

export type SyncerAnswer =
  | { readonly type: "inspect"; readonly inspection: RemoteInspection }
  | { readonly type: "pictures"; readonly result: BatchResult }
  | ({ readonly type: "list"; readonly brightfield: readonly AuxiliaryFile[] } & AuxiliaryListing)
  | { readonly type: "snapshot"; readonly file: AuxiliaryFile }
  | { readonly type: "stage"; readonly staged: StagedFile }
  | { readonly type: "publish"; readonly remotePath: string }
  /** Replaces the answer about one file if that file is the problem. */
  | { readonly type: "problem"; readonly kind: FileProblem["kind"]; readonly reason: string };

/** The answer to a job, or the problem of the file it is about. */
export type AnswerTo<T extends SyncerJob["type"]> =
  | Extract<SyncerAnswer, { type: T }>
  | Extract<SyncerAnswer, { type: "problem" }>;
