// Checks every image that a row names: the local file and the copy on the share.
import { basename, dirname } from "node:path";
import { Failure } from "../failure/failure.ts";
import { pictureNameProblem } from "../image/picture-name.ts";
import type { PictureRow } from "../manifest/checks.ts";
import { type PictureRoots, placeOf } from "../manifest/picture-place.ts";
import type { Repairs } from "../manifest/repairs.ts";
import { digestOpened, type NamedFile, shownPath, withConfinedFile } from "../system/confined-file.ts";
import { checkedFaultReason } from "../system/fault-of.ts";
import { printable } from "../system/file-name.ts";
import type { Content } from "./compressed-file.ts";
import type { Finding } from "./finding.ts";

export interface PictureContext {
  /** Where images may be opened. */
  readonly roots: PictureRoots;
  /** undefined while the share is not available: its copies are then not checked. */
  readonly remoteRoot: string | undefined;
  /** The share whose copies are checked: the mounted one, or the current one if none is mounted. */
  readonly shareId: string | undefined;
  /** undefined: check only, change nothing. */
  readonly repairs: Repairs | undefined;
  /** Called with the size and hash of an imported or found image that had none recorded. */
  firstContent(entryId: number, content: Content): void;
  readonly nowUs: number;
  /**
   * Whether the share is available at this moment. A copy that is not found on a share that was disconnected meanwhile is not
   * lost.
   */
  remoteThere(): boolean;
  /** Records a copy that could not be checked. */
  unseen(entryId: number): void;
  /** Records a copy on a share that is not the mounted one. */
  elsewhere(row: PictureRow): void;
}

/** `unreadable`: the disk cannot read it, so its content is unknown; `difference` says why. */
type State = "sound" | "unrecorded" | "damaged" | "unreadable" | "gone";

interface Look {
  readonly state: State;
  readonly content: Content | undefined;
  readonly difference: string;
}

interface Copy {
  /** `unseen`: it could not be checked. */
  readonly state: State | "unseen";
  readonly path: string;
  readonly difference: string;
}

/** Checks one image and returns its problem, after repairing what may be repaired. */
export async function checkPicture(row: PictureRow, context: PictureContext): Promise<Finding[]> {
  const problem = pictureNameProblem(row.filename);
  if (problem !== undefined) return row.missing ? [] : [refused(row, problem, context)];
  return row.local ? await checkLocal(row, context) : await checkMoved(row, context);
}

/** Handles a row that does not name an image. No file is opened. */
function refused({ entryId, filename }: PictureRow, problem: string, { repairs, nowUs }: PictureContext): Finding {
  const reason = `its file name ${problem}`;
  repairs?.refuse(entryId, reason, nowUs);
  return {
    kind: "refused",
    subject: printable(filename).slice(1, -1),
    meaning: `${reason}; the file is never opened`,
    cure: "--repair or the next run skips this entry",
    repaired: repairs === undefined ? undefined : "set aside",
  };
}

async function checkLocal(row: PictureRow, context: PictureContext): Promise<Finding[]> {
  const { repairs, nowUs } = context;
  const { entryId } = row;
  const here = await look(placeOf(row, context.roots), row.bytes, row.sha256);
  const copy = row.synced ? await checkCopy(row, context) : undefined;
  const found: Finding[] = [];
  const fixed = (what: string, fix: () => void): string | undefined => {
    if (repairs === undefined) return undefined;
    fix();
    return what;
  };
  if (row.missing && here.state !== "gone" && here.state !== "unreadable") {
    found.push({
      kind: "returned",
      subject: row.filename,
      meaning: "a missing image is back",
      cure: "--repair or the next run uses it again",
      repaired: fixed("used again", () => repairs?.markReturned(entryId)),
    });
  }
  switch (here.state) {
    case "sound":
      if (row.damaged) repairs?.markSound(entryId);
      break;
    case "unrecorded":
      if (row.isFound) {
        if (here.content !== undefined) context.firstContent(entryId, here.content);
        break;
      }
      found.push({
        kind: "not known before",
        subject: row.filename,
        meaning: "its size or hash was never recorded, so changes cannot be detected",
        cure: "--repair records the current ones",
        repaired: fixed("recorded the current ones", () => {
          if (here.content !== undefined) repairs?.recordContent(entryId, here.content.bytes, here.content.sha256);
        }),
      });
      break;
    case "damaged":
      // Already marked as damaged earlier; it is still counted.
      if (row.damaged) break;
      found.push({
        kind: "damaged",
        subject: row.filename,
        meaning: `${here.difference}: it has changed since capture`,
        cure:
          copy?.state === "sound"
            ? `replace it with the good copy ${copy.path}`
            : "replace it with a good copy; --repair marks it as damaged",
        repaired: fixed("marked as damaged; file and hash are unchanged", () => repairs?.markDamaged(entryId, nowUs)),
      });
      break;
    case "unreadable":
      found.push(unreadable(row.filename, here.difference));
      break;
    case "gone":
      if (row.missing) break;
      if (copy?.state === "sound") {
        found.push({
          kind: "missing",
          subject: row.filename,
          meaning: "the image is missing here; its copy on the share is good",
          cure: "--repair uses the copy",
          repaired: fixed("the copy on the share is used now", () =>
            repairs?.moveToRemote(entryId, dirname(copy.path), basename(copy.path)),
          ),
        });
      } else if (copy?.state === "unseen") {
        found.push({
          kind: "missing",
          subject: row.filename,
          meaning: `the image is missing here; its copy is on the share with id ${row.remoteId ?? "unknown"}, which is not mounted`,
          cure: "mount that share and verify again; --repair then uses the copy",
        });
      } else {
        found.push({
          kind: "missing",
          subject: row.filename,
          meaning: "the image is missing and has no verified copy",
          cure: "put it back if you have it; --repair marks it as missing",
          repaired: fixed("marked as missing", () => repairs?.markMissing(entryId, nowUs)),
        });
      }
  }
  if (copy?.state === "unreadable") found.push(unreadable(copy.path, copy.difference));
  else if (copy !== undefined && copy.state !== "sound" && copy.state !== "unseen") {
    found.push({
      kind: copy.state === "gone" ? "copy gone" : "copy damaged",
      subject: copy.path,
      meaning:
        copy.state === "gone" ? "the copy on the share is missing" : `${copy.difference}: it differs from the image`,
      cure: "--repair lets the next sync copy it again",
      repaired: fixed("the next sync copies it again", () => repairs?.unsync(entryId)),
    });
  }
  return found;
}

/** Checks an image whose only copy is on the share, or that the ring buffer has removed. */
async function checkMoved(row: PictureRow, context: PictureContext): Promise<Finding[]> {
  const { remoteRoot, repairs, nowUs } = context;
  if (!row.synced) return [];
  if (isElsewhere(row, context)) return [];
  // By its path on the share, wherever that is mounted now.
  const file =
    row.remotePath === undefined || remoteRoot === undefined
      ? placeOf(row, context.roots)
      : { directory: remoteRoot, path: row.remotePath };
  const path = shownPath(file);
  const there =
    remoteRoot === undefined
      ? undefined
      : await inspectOnShare(file, row.remoteBytes ?? row.bytes, row.remoteSha256 ?? row.sha256, context);
  if (there === undefined) {
    context.unseen(row.entryId);
    return [];
  }
  if (row.missing || there.state === "sound" || (there.state === "damaged" && row.damaged)) {
    if (row.missing && there.state === "sound") repairs?.markReturned(row.entryId);
    return [];
  }
  if (there.state === "unrecorded") {
    if (row.isFound) {
      if (there.content !== undefined) context.firstContent(row.entryId, there.content);
      return [];
    }
    if (there.content !== undefined) repairs?.recordContent(row.entryId, there.content.bytes, there.content.sha256);
    return [
      {
        kind: "not known before",
        subject: path,
        meaning: "its size or hash was never recorded, so changes cannot be detected",
        cure: "--repair records the current ones",
        repaired: repairs === undefined ? undefined : "recorded the current ones",
      },
    ];
  }
  if (there.state === "unreadable") return [unreadable(path, there.difference)];
  const gone = there.state === "gone";
  if (gone) repairs?.markMissing(row.entryId, nowUs);
  else repairs?.markDamaged(row.entryId, nowUs);
  return [
    {
      kind: gone ? "copy gone" : "copy damaged",
      subject: path,
      meaning: gone
        ? "the image was moved to the share, but is missing there"
        : `${there.difference}: it has changed since it was moved there`,
      cure: "look for it in the backups of the share; --repair marks it",
      repaired: repairs === undefined ? undefined : `marked as ${gone ? "missing" : "damaged"}`,
    },
  ];
}

/** Whether the copy is on a share that is not the mounted one; if so, records it. */
function isElsewhere(row: PictureRow, { shareId, elsewhere }: PictureContext): boolean {
  if (row.remoteId === undefined || row.remoteId === shareId) return false;
  elsewhere(row);
  return true;
}

async function checkCopy(row: PictureRow, context: PictureContext): Promise<Copy | undefined> {
  // Imported histories say "synced" about copies made by other programs, whose path is not known.
  if (row.remotePath === undefined) return undefined;
  const file = { directory: context.remoteRoot ?? "", path: row.remotePath };
  const path = shownPath(file);
  const unseen = { state: "unseen", path, difference: "" } as const;
  if (isElsewhere(row, context)) return unseen;
  const there =
    context.remoteRoot === undefined
      ? undefined
      : await inspectOnShare(file, row.remoteBytes, row.remoteSha256, context);
  if (there === undefined) {
    context.unseen(row.entryId);
    return unseen;
  }
  const { state, difference } = there;
  return { state: state === "unrecorded" ? "sound" : state, path, difference };
}

/** Inspects a file on the share; returns undefined if the share was disconnected meanwhile. */
async function inspectOnShare(
  file: NamedFile,
  bytes: number | undefined,
  sha256: string | undefined,
  { remoteThere }: PictureContext,
): Promise<Look | undefined> {
  try {
    const found = await look(file, bytes, sha256);
    return found.state === "sound" || remoteThere() ? found : undefined;
  } catch (error) {
    if (remoteThere()) throw error;
    return undefined;
  }
}

async function look(file: NamedFile, bytes: number | undefined, sha256: string | undefined): Promise<Look> {
  const content = await contentOrProblem(file);
  if (content === undefined) return { state: "gone", content: undefined, difference: "" };
  if ("refused" in content) return { state: "damaged", content: undefined, difference: content.refused };
  if ("unreadable" in content) return { state: "unreadable", content: undefined, difference: content.unreadable };
  if (bytes !== undefined && content.bytes !== bytes) {
    return { state: "damaged", content, difference: `${content.bytes} bytes instead of ${bytes}` };
  }
  if (sha256 !== undefined && content.sha256 !== sha256) {
    return { state: "damaged", content, difference: "its content differs from the recorded hash" };
  }
  const recorded = bytes !== undefined && sha256 !== undefined;
  return { state: recorded ? "sound" : "unrecorded", content, difference: "" };
}

/** Returns the finding for a file that the disk or the share cannot read. */
export function unreadable(subject: string, reason: string): Finding {
  const cure = "fix its permissions or the disk, and verify again";
  return { kind: "unreadable", subject, meaning: `it cannot be checked: ${reason}`, cure };
}

type Problem = { readonly refused: string } | { readonly unreadable: string };

/**
 * Returns size and hash of a file; undefined if it does not exist. `refused`: it is not a file that may be opened (a link, a
 * pipe, a directory). One unreadable file must not end the check.
 */
async function contentOrProblem({ directory, path, ...options }: NamedFile): Promise<Content | Problem | undefined> {
  try {
    return await withConfinedFile(directory, path, (file) => digestOpened(file), options);
  } catch (error) {
    if (error instanceof Failure && error.code === "file.missing") return undefined;
    const reason = checkedFaultReason(error);
    if (reason === undefined) throw error;
    return error instanceof Failure ? { refused: reason } : { unreadable: reason };
  }
}
