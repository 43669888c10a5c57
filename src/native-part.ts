// Why a compiled part of the program cannot be loaded, in one line. The words of the operating system and of Node.js name
// the symptom; a person needs the file, the cause and the command that mends it.
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "./failure.ts";
import { packageRoot } from "./files.ts";

interface Diagnosis {
  readonly why: string;
  /** What to do, where installing again does not help. */
  readonly cure?: string;
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
  const words = wordsOf(cause);
  const path = /(?:^|[\s'"(:→])(\/[^'":\n]*\.node)\b/.exec(words)?.[1];
  const { why, cure } = diagnose(words, path);
  const where = path === undefined || why.includes(path) ? "" : ` (${path})`;
  return new Failure("installation.broken", `${name}${where} cannot be loaded: ${why}`, {
    hint: cure ?? reinstall(),
    cause,
  });
}

/** The message of an error and of all its causes. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}\n${wordsOf(error.cause)}`;
}

function diagnose(words: string, path: string | undefined): Diagnosis {
  const abi = /NODE_MODULE_VERSION (\d+)/.exec(words)?.[1];
  if (abi !== undefined) return { why: otherNode(abi) };
  if (/did not self-register/.test(words)) return { why: otherNode(undefined) };
  const library = /version [`'](\w+_[\d.]+)' not found/.exec(words)?.[1];
  if (library !== undefined) {
    return {
      why: `it needs ${library}, which this system is too old for`,
      cure: `${reinstall()}, or update the system`,
    };
  }
  if (/failed to map segment|Operation not permitted|Permission denied/.test(words)) {
    return {
      why: "the system does not run code from there",
      cure: "install phorest on a disk that is not mounted noexec, or correct the permissions",
    };
  }
  if (/microarchitecture/.test(words)) {
    return { why: "this processor lacks instructions it needs (x86-64-v2)", cure: "use a newer processor" };
  }
  const dependency = /(\S+): cannot open shared object file: No such file/.exec(words)?.[1];
  if (dependency !== undefined && !dependency.endsWith(".node"))
    return { why: `it needs ${dependency}, which is missing` };
  if (path !== undefined && existsSync(path)) return { why: unfit(path) ?? firstLine(words) };
  return /find|locate|No such file|could not load/i.test(words) ? { why: "it is missing" } : { why: firstLine(words) };
}

function otherNode(abi: string | undefined): string {
  const built = abi === undefined ? undefined : NODE_OF_ABI[abi];
  const version = built === undefined ? "another Node" : `Node ${built}`;
  const number = abi === undefined ? "" : ` (ABI ${abi})`;
  return `built for ${version}${number}, this is Node ${process.versions.node} (ABI ${process.versions.modules})`;
}

/** What is wrong with the file itself, by its first bytes; undefined where these are in order. */
function unfit(path: string): string | undefined {
  const head = Buffer.alloc(20);
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    if (readSync(file, head, 0, head.length, 0) < head.length) return "the file is cut off";
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

function firstLine(words: string): string {
  return words.split("\n", 1)[0]?.trim() ?? "";
}

function reinstall(): string {
  const root = packageRoot();
  // Only a checkout can be built again in its place.
  return existsSync(join(root, "package-lock.json")) ? `run \`npm ci\` in ${root}` : "install phorest again";
}
