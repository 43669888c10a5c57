// Why a compiled part of the program cannot be loaded, in one line. The words of the operating system and of Node.js name
// the symptom; a person needs the file, the cause and the command that mends it.
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../failure/failure.ts";
import { packageRoot } from "../system/files.ts";
import { MOUNT_TABLE, mountOf } from "../system/mounts.ts";

/** Why a compiled part was not loaded. */
export interface LoadingFault {
  readonly why: string;
  /** What to do, where installing again does not help. */
  readonly remedy?: string;
  /** Whether installing again helps as well as the remedy. */
  readonly reinstallHelps?: boolean;
  /** Whether the disk or directory is at fault, so that the same file may be loaded from another. */
  readonly ofPlace?: boolean;
}

/** Major versions of Node.js by the number of their binary interface (NODE_MODULE_VERSION). */
const NODE_OF_ABI: Readonly<Record<string, number>> = {
  93: 16,
  108: 18,
  111: 19,
  115: 20,
  120: 21,
  127: 22,
  131: 23,
  137: 24,
  141: 25,
};

/** Machine numbers of ELF files, and what Node.js calls these machines. */
const MACHINES: Readonly<Record<number, string>> = {
  3: "ia32",
  8: "mips",
  21: "ppc64",
  22: "s390x",
  40: "arm",
  62: "x64",
  183: "arm64",
  243: "riscv64",
};

/** The Failure `installation.broken` for the part `name`, whose loading failed with `cause`. */
export function brokenPart(name: string, cause: unknown): Failure {
  const { why, remedy, reinstallHelps, path } = loadingFault(cause);
  const where = path === undefined || why.includes(path) ? "" : ` (${path})`;
  const hints = [
    ...(remedy === undefined || reinstallHelps ? [reinstall()] : []),
    ...(remedy === undefined ? [] : [remedy]),
  ];
  return new Failure("installation.broken", `cannot load ${name}${where}: ${why}`, {
    hint: hints.join(", or "),
    cause,
  });
}

/** The message of an error and of all its causes. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}\n${wordsOf(error.cause)}`;
}

/** What the error `cause` of a compiled part that was not loaded means, and the part's path where the error names it. */
export function loadingFault(cause: unknown): LoadingFault & { readonly path?: string } {
  const words = wordsOf(cause);
  const path = /(?:^|[\s'"(:→])(\/[^'":\n]*\.node)\b/.exec(words)?.[1];
  return { ...diagnose(words, path), ...(path === undefined ? {} : { path }) };
}

function diagnose(words: string, path: string | undefined): LoadingFault {
  const abi = /NODE_MODULE_VERSION (\d+)/.exec(words)?.[1];
  if (abi !== undefined) return { why: otherNode(abi) };
  if (/did not self-register/.test(words)) return { why: otherNode(undefined) };
  const [, library, wanted] = /version [`'](\w+)_([\d.]+)' not found/.exec(words) ?? [];
  if (library !== undefined && wanted !== undefined) return oldLibrary(library, wanted);
  if (/Cannot allocate memory/.test(words)) {
    return { why: "not enough memory", remedy: "close other programs, or raise the limit (ulimit -v)" };
  }
  // A damaged file asks for what cannot be mapped ("Invalid argument"): the place is not at fault.
  if (/failed to map segment(?! from shared object: )|Operation not permitted|Permission denied/.test(words)) {
    return { ...refusedByPlace(words, path), ofPlace: true };
  }
  if (/microarchitecture/.test(words)) {
    return { why: "this processor lacks required instructions (x86-64-v2)", remedy: "use a newer processor" };
  }
  const dependency = /(\S+): cannot open shared object file: No such file/.exec(words)?.[1];
  if (dependency !== undefined && !dependency.endsWith(".node"))
    return { why: `it needs ${dependency}, which is missing` };
  if (path !== undefined && existsSync(path)) return { why: unfit(path) ?? firstLine(words) };
  return /find|locate|No such file|could not load/i.test(words) ? { why: "it is missing" } : { why: firstLine(words) };
}

/** Versions that a library offers are named after it: GLIBC_2.34 is a version of glibc, the others are of libstdc++. */
function oldLibrary(library: string, wanted: string): LoadingFault {
  const name = library === "GLIBC" ? "glibc" : library;
  const found = versionOfLibrary(library);
  const here = found === undefined ? "an older one" : found;
  return {
    why: `it needs ${name} ${wanted}, and this system has ${here}`,
    remedy: "update the system",
    reinstallHelps: true,
  };
}

/** The newest version of `library` that this process has loaded; undefined where that cannot be found out. */
function versionOfLibrary(library: string): string | undefined {
  // The report asks the network for names of addresses otherwise.
  Object.assign(process.report, { excludeNetwork: true });
  const { header, sharedObjects }: SystemReport = JSON.parse(JSON.stringify(process.report.getReport()));
  if (library === "GLIBC") return header.glibcVersionRuntime;
  const file = sharedObjects.find((path) => /libstdc\+\+\.so/.test(path));
  if (file === undefined) return undefined;
  const versions = readFileSync(file, "latin1").match(new RegExp(`\\b${library}_[\\d.]+`, "g")) ?? [];
  return versions
    .map((version) => version.slice(library.length + 1))
    .sort(byNumbers)
    .at(-1);
}

interface SystemReport {
  readonly header: { readonly glibcVersionRuntime?: string };
  readonly sharedObjects: readonly string[];
}

function byNumbers(one: string, other: string): number {
  return one.localeCompare(other, "en", { numeric: true });
}

/** The system does not map the file. Its words are the same for a disk mounted noexec and for a security policy. */
function refusedByPlace(words: string, path: string | undefined): Pick<LoadingFault, "why" | "remedy"> {
  if (path !== undefined && existsSync(path)) {
    if (isNoexec(path)) {
      return { why: "the disk is mounted noexec", remedy: "install phorest on a disk that programs can run from" };
    }
    if (/cannot open shared object file/.test(words)) {
      return { why: "this user has no permission to read it", remedy: "correct the permissions" };
    }
    return {
      why: "a security policy prevents running code from there",
      remedy: "allow it in the security policy (SELinux, AppArmor, fapolicyd), or install phorest elsewhere",
    };
  }
  return {
    why: "the system prevents running code from there",
    remedy: "install phorest on a disk that is not mounted noexec, or correct the permissions",
  };
}

/**
 * Whether code in `path`, which must exist, cannot be run because its disk is mounted noexec.
 * @param table the text of /proc/self/mountinfo.
 */
export function isNoexec(path: string, table = mountTable()): boolean {
  return mountOf(path, table)?.noexec === true;
}

function mountTable(): string {
  try {
    return readFileSync(MOUNT_TABLE, "utf8");
  } catch {
    return "";
  }
}

function otherNode(abi: string | undefined): string {
  const built = abi === undefined ? undefined : NODE_OF_ABI[abi];
  const version = built === undefined ? "another Node" : `Node ${built}`;
  const number = abi === undefined ? "" : ` (ABI ${abi})`;
  return `built for ${version}${number}, this is Node ${process.versions.node} (ABI ${process.versions.modules})`;
}

const CUT_OFF = "the file is incomplete";

/** What is wrong with the file itself, by its first bytes and its length; undefined where these are in order. */
function unfit(path: string): string | undefined {
  const head = Buffer.alloc(20);
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    if (readSync(file, head, 0, head.length, 0) < head.length || isCutOff(file)) return CUT_OFF;
  } catch (error) {
    return `the file cannot be read (${firstLine(wordsOf(error))})`;
  } finally {
    if (file !== undefined) closeSync(file);
  }
  if (!head.subarray(0, 4).equals(Buffer.from("\u007fELF", "latin1"))) return "the file is damaged";
  const machine = head[5] === 2 ? head.readUInt16BE(18) : head.readUInt16LE(18);
  const built = MACHINES[machine] ?? `another machine (${machine})`;
  return built === process.arch ? undefined : `built for ${built}, this machine is ${process.arch}`;
}

/**
 * Runs `load`, in which a compiled part that is cut off is an Error. The system maps such a file without a word, and ends the
 * process with SIGBUS when it reaches the missing part.
 */
export async function withWholeParts<T>(load: () => Promise<T>): Promise<T> {
  const { dlopen } = process;
  process.dlopen = (module: object, path: string, ...rest: unknown[]): void => {
    if (existsSync(path) && unfit(path) === CUT_OFF) throw new Error(`${path}: ${CUT_OFF}`);
    Reflect.apply(dlopen, process, [module, path, ...rest]);
  };
  try {
    return await load();
  } finally {
    process.dlopen = dlopen;
  }
}

const ELF_64_LITTLE_ENDIAN = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
const LOADED_SEGMENT = 1;

/** Whether a file of a 64-bit machine ends before what the system would load of it. */
function isCutOff(file: number): boolean {
  const { size } = fstatSync(file);
  const head = Buffer.alloc(64);
  const length = readSync(file, head, 0, head.length, 0);
  if (!head.subarray(0, ELF_64_LITTLE_ENDIAN.length).equals(ELF_64_LITTLE_ENDIAN)) return false;
  if (length < head.length) return true;
  const [tableAt, entryBytes, entries] = [
    Number(head.readBigUInt64LE(32)),
    head.readUInt16LE(54),
    head.readUInt16LE(56),
  ];
  if (tableAt + entryBytes * entries > size) return true;
  const segment = Buffer.alloc(56);
  for (let entry = 0; entry < entries; entry += 1) {
    readSync(file, segment, 0, segment.length, tableAt + entry * entryBytes);
    const end = segment.readBigUInt64LE(8) + segment.readBigUInt64LE(32);
    if (segment.readUInt32LE(0) === LOADED_SEGMENT && end > BigInt(size)) return true;
  }
  return false;
}

function firstLine(words: string): string {
  return words.split("\n", 1)[0]?.trim() ?? "";
}

/** How to install this program again, in its own place where it can be. */
export function reinstall(): string {
  const root = packageRoot();
  // Only a checkout can be built again in its place.
  return existsSync(join(root, "package-lock.json")) ? `run \`npm ci\` in ${root}` : "install phorest again";
}
