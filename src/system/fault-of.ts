// Whose fault an error is: that of the one file it happened to, or that of the disk or share, which would refuse every other
// file as well. File systems report both with the same codes, so the judge is a small file with a plain name: if that one
// can be written, the disk works.
import { randomBytes } from "node:crypto";
import { open, opendir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "../failure/error-code.ts";
import { Failure, failureLine } from "../failure/failure.ts";
import { PARTIAL_SUFFIX } from "./files.ts";

/** Errors caused by a name, a size or a kind of file, not by the disk. */
const OF_THE_FILE = new Set(["ENAMETOOLONG", "EILSEQ", "EFBIG", "EISDIR", "ELOOP", "ENOTEMPTY", "ETXTBSY"]);
/** Errors of this process. */
const OF_THE_PROCESS = new Set(["EMFILE", "ENFILE", "ENOMEM", "ERR_WORKER_OUT_OF_MEMORY"]);
/** Nothing more fits: a small file may still, and that says nothing. */
const NO_SPACE = new Set(["ENOSPC", "EDQUOT"]);

/**
 * Whether `error`, which happened while a file in `directory` was written, renamed or removed, is that file's fault alone.
 * Writes a small file there if the code alone does not tell.
 */
export async function isFileFault(error: unknown, directory: string): Promise<boolean> {
  if (error instanceof Failure) return error.code.startsWith("file.") || error.code.startsWith("frame.");
  const code = systemCode(error);
  if (code === undefined || OF_THE_PROCESS.has(code) || NO_SPACE.has(code)) return false;
  return OF_THE_FILE.has(code) || (await canWrite(directory));
}

/** Whether this process has used up its open files or its memory: then neither a file nor a disk is at fault. */
export function isOfTheProcess(error: unknown): boolean {
  return OF_THE_PROCESS.has(systemCode(error) ?? "");
}

const WORDS: Readonly<Record<string, string>> = {
  ENAMETOOLONG: "its name is too long for this disk",
  EILSEQ: "this disk cannot store the characters of its name",
  EINVAL: "this disk does not allow its name (EINVAL)",
  EFBIG: "it is too large for the file system of this disk",
  EISDIR: "it is a directory",
  ELOOP: "it is a symbolic link",
  EACCES: "permission denied",
  EPERM: "permission denied: it may be immutable or belong to another user",
  EIO: "the disk reports an input/output error for it",
  ETXTBSY: "another program keeps it open",
  EBUSY: "another program keeps it open",
};

/** Why one file could not be handled on this machine, as the end of the sentence "NAME: ...". */
export function fileFaultReason(error: unknown): string {
  return WORDS[systemCode(error) ?? ""] ?? failureLine(error);
}

/** The same for a check that continues after any error; undefined for a defect and for what is this process's own fault. */
export function checkedFaultReason(error: unknown): string | undefined {
  if (error instanceof Failure) return error.code.startsWith("file.") ? error.message : undefined;
  return systemCode(error) === undefined || isOfTheProcess(error) ? undefined : fileFaultReason(error);
}

/** The code of an error of the operating system, such as `EIO`; undefined for anything else. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && "syscall" in error ? errorCode(error) : undefined;
}

const PROBE = "phorest-probe";

/** Whether a small file with a plain name can be written, read back, renamed and removed in `directory`. Never throws. */
export async function canWrite(directory: string): Promise<boolean> {
  const random = randomBytes(4).toString("hex");
  const [first, second] = ["a", "b"].map((end) => join(directory, `.${PROBE}-${random}-${end}${PARTIAL_SUFFIX}`));
  if (first === undefined || second === undefined) return false;
  try {
    const handle = await open(first, "wx");
    try {
      await handle.writeFile(PROBE);
      await handle.sync();
    } finally {
      await handle.close();
    }
    // A disk that no longer gives anything back is no better than one that takes nothing.
    if ((await readFile(first, "utf8")) !== PROBE)
      throw new Error("the content read back differs from what was written");
    await rename(first, second);
    await rm(second);
    return true;
  } catch {
    await Promise.allSettled([rm(first, { force: true }), rm(second, { force: true })]);
    return false;
  }
}

/** Whether a directory can be listed. Never throws. */
export async function canList(directory: string): Promise<boolean> {
  try {
    const listing = await opendir(directory);
    await listing.read();
    await listing.close();
    return true;
  } catch {
    return false;
  }
}
