// Decides whether an error concerns a single file, or the disk or share, which would refuse every other file too. File systems
// use the same codes for both, so a small file with a plain name is written as a test: if that works, the disk works.
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
/** Errors of a full disk: a small file may still fit, so the test would prove nothing. */
const NO_SPACE = new Set(["ENOSPC", "EDQUOT"]);

/**
 * Whether only this file caused `error`, which happened while it was written, renamed or removed in `directory`. Writes a small
 * test file there if the code is ambiguous.
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

/** Explains why a local file could not be handled; completes the sentence "NAME: ...". */
export function fileFaultReason(error: unknown): string {
  return WORDS[systemCode(error) ?? ""] ?? failureLine(error);
}

/** Does the same for a check that continues after any error; undefined for a bug and for problems of this process. */
export function checkedFaultReason(error: unknown): string | undefined {
  if (error instanceof Failure) return error.code.startsWith("file.") ? error.message : undefined;
  return systemCode(error) === undefined || isOfTheProcess(error) ? undefined : fileFaultReason(error);
}

/** Returns the code of an operating-system error, such as `EIO`; undefined for anything else. */
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
    // A disk that returns wrong data is no better than one that cannot be written.
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
