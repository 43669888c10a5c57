// Copies a batch of images to the remote, several at a time. Each result names its entry, because one may fail while another
// succeeds.
import { encodeFailure, Failure, type FailureData } from "../failure/failure.ts";
import { type PictureRoots, placeOf } from "../manifest/picture-place.ts";
import type { NamedFile } from "../system/confined-file.ts";
import { type Copied, type CopyTask, copyVerified } from "./copy.ts";
import { type CopyContext, FileProblem, isAbort } from "./remote-guard.ts";
import { withSource } from "./source.ts";

/** An image to copy. */
export interface PictureTask extends CopyTask {
  readonly entryId: number;
  /** As named in its row. `source` is for messages. */
  readonly picture: { readonly filepath: string; readonly filename: string };
}

export interface PictureCopied extends Copied {
  readonly entryId: number;
}

export interface PictureRefused {
  readonly entryId: number;
  readonly kind: FileProblem["kind"];
  readonly reason: string;
}

export interface BatchResult {
  readonly copied: readonly PictureCopied[];
  /** Images that could not be copied because of a problem with the file itself, here or on the share. */
  readonly refused: readonly PictureRefused[];
  /** Why the batch ended early, if the remote is the reason. */
  readonly failure: FailureData | undefined;
}

/**
 * Copies the images in order, `parallel` at a time, and starts no more after `limitMs`. Never throws for a file: the first
 * failure of the remote ends the batch, and the results up to then are still returned.
 */
export async function copyPictures(
  tasks: readonly PictureTask[],
  context: CopyContext,
  { parallel, limitMs, roots }: { readonly parallel: number; readonly limitMs: number; readonly roots: PictureRoots },
): Promise<BatchResult> {
  const copied: PictureCopied[] = [];
  const refused: PictureRefused[] = [];
  let failure: FailureData | undefined;
  let next = 0;
  const startedMs = performance.now();
  const lane = async (): Promise<void> => {
    while (failure === undefined && !context.signal.aborted && performance.now() - startedMs < limitMs) {
      const task = tasks[next++];
      if (task === undefined) return;
      const { entryId } = task;
      try {
        copied.push({ entryId, ...(await copyPicture(task, context, roots)) });
      } catch (error) {
        if (error instanceof FileProblem) refused.push({ entryId, kind: error.kind, reason: error.reason });
        else if (!isAbort(error)) failure ??= encodeFailure(error);
      }
    }
  };
  await Promise.all(Array.from({ length: parallel }, lane));
  return { copied, refused, failure };
}

/** Copies one image, opened only at the place that its row names; the opened file is the one that is copied. */
async function copyPicture(task: PictureTask, context: CopyContext, roots: PictureRoots): Promise<Copied> {
  const { picture, source: shown } = task;
  const file = place(picture, shown, roots);
  return withSource(file, shown, (source) => copyVerified({ ...task, source, shown }, context));
}

function place(picture: PictureTask["picture"], shown: string, roots: PictureRoots): NamedFile {
  try {
    return placeOf(picture, roots);
  } catch (error) {
    if (error instanceof Failure) throw new FileProblem("unreadable", shown, error.message, error);
    throw error;
  }
}
