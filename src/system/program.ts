// Runs another program once: the only place where sources and sensors start child processes. There is no shell; time and output
// are limited. When the promise settles, the whole process group has ended, and no file of it is left. Processes that it left in
// another session block nothing.
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorCode, hasCode } from "../failure/error-code.ts";
import { Failure } from "../failure/failure.ts";
import { megabytes } from "./byte-size.ts";
import { monotonicMs } from "./clock.ts";

export interface ProgramOptions {
  /** Name to look up on PATH, or a path. */
  readonly program: string;
  readonly args: readonly string[];
  readonly timeoutMs: number;
  /** If the program writes more than this to standard output, it is ended. */
  readonly maxBytes: number;
  /** If aborted, the program is ended and the promise rejects. */
  readonly signal?: AbortSignal | undefined;
  /** Gives the program a second output file, with the name SIDE_FILE. */
  readonly sideFile?: boolean;
  /** The package that provides the program, for the message if it is not installed. */
  readonly install?: string;
}

export interface ProgramOutput {
  readonly stdout: Buffer;
  /** The end of standard error, at most STDERR_TAIL_BYTES. */
  readonly stderr: string;
  /** Text of the side file; empty without one. */
  readonly side: string;
  /** Monotonic time of the first byte of output, ms; undefined if there was none. */
  readonly firstByteMs: number | undefined;
  readonly exitCode: number;
}

/** Path by which a program opens its side file: an unnamed file, so that no crash can leave it behind. */
export const SIDE_FILE = "/dev/fd/3";
const STDERR_TAIL_BYTES = 4096;
const MAX_SIDE_BYTES = 1 << 20;
/** Time that a program has to end after SIGTERM, before SIGKILL. */
const GRACE_MS = 1000;

/**
 * Runs a program to its end and collects its output. Throws Failure: camera.unavailable if it is not installed or must not be
 * run, camera.timeout after `timeoutMs`, camera.failed if it ends with an error (with the last line of its output), is killed by
 * a signal, is aborted or writes too much. All of them can be retried later.
 */
export async function runProgram(options: ProgramOptions): Promise<ProgramOutput> {
  const output = await tryProgram(options);
  if (output.exitCode === 0) return output;
  throw failed(options.program, `exited with code ${output.exitCode}${lastWords(output.stderr)}`);
}

/** Does the same, but an exit code other than 0 is a result, not a failure. */
export async function tryProgram(options: ProgramOptions): Promise<ProgramOutput> {
  const { program, signal } = options;
  if (signal?.aborted) throw stopped(options, signal);
  const side = options.sideFile ? await openNameless() : undefined;
  try {
    const stdio = ["ignore", "pipe", "pipe", ...(side === undefined ? [] : [side.fd])] as const;
    // A separate process group: a wrapper script's children end with it, and Ctrl-C at the terminal does not interrupt an image.
    const child = spawn(program, options.args, { stdio: [...stdio], detached: true, shell: false });
    const output = await collect(child, options);
    return { ...output, side: side === undefined ? "" : await textOf(side) };
  } finally {
    await side?.close();
  }
}

function collect(child: ChildProcess, options: ProgramOptions): Promise<Omit<ProgramOutput, "side">> {
  const { program, timeoutMs, maxBytes, signal } = options;
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let [bytes, stderr] = [0, Buffer.alloc(0)];
    let firstByteMs: number | undefined;
    let cause: Failure | undefined;
    let killer: NodeJS.Timeout | undefined;
    let letGo: NodeJS.Timeout | undefined;
    const end = (why: Failure) => {
      if (cause !== undefined) return;
      cause = why;
      signalGroup(child, "SIGTERM");
      killer = setTimeout(() => signalGroup(child, "SIGKILL"), GRACE_MS);
    };
    const late = () => end(timedOut(program, timeoutMs));
    const aborted = () => end(stopped(options, signal));
    const timer = setTimeout(late, timeoutMs);
    signal?.addEventListener("abort", aborted, { once: true });
    const settle = () => {
      clearTimeout(timer);
      clearTimeout(killer);
      clearTimeout(letGo);
      signal?.removeEventListener("abort", aborted);
    };

    child.stdout?.on("data", (chunk: Buffer) => {
      firstByteMs ??= monotonicMs();
      bytes += chunk.length;
      if (bytes <= maxBytes) chunks.push(chunk);
      else end(failed(program, `wrote more than ${megabytes(maxBytes, 0)}`));
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      stderr = Buffer.concat([stderr, chunk]).subarray(-STDERR_TAIL_BYTES);
    });
    child.on("error", (error) => {
      settle();
      reject(notStarted(options, error));
    });
    // Descendants that outlive the program keep its pipes open: without this, "close" might never come.
    child.on("exit", () => {
      signalGroup(child, "SIGKILL");
      letGo = setTimeout(() => letGoOfPipes(child), GRACE_MS);
    });
    child.on("close", (exitCode, signalName) => {
      settle();
      if (cause !== undefined) reject(cause);
      else if (exitCode === null) reject(failed(program, `was killed by ${signalName}${lastWords(stderr.toString())}`));
      else resolve({ stdout: Buffer.concat(chunks), stderr: stderr.toString(), firstByteMs, exitCode });
    });
  });
}

/**
 * Closes the pipes. A descendant in its own session (a daemon) cannot be ended and may keep the pipes open for ever. What the
 * program itself wrote is still read first, because the immediate runs after the reads of this turn.
 */
function letGoOfPipes({ stdout, stderr }: ChildProcess): void {
  setImmediate(() => {
    stdout?.destroy();
    stderr?.destroy();
  });
}

/**
 * Kills the process groups of all programs that this process has started, in any of its threads, before this process ends: a
 * hanging program would block the camera for everybody.
 */
export function endPrograms(): void {
  for (const { pid, parent } of groupLeaders()) if (parent === process.pid) signalGroup({ pid }, "SIGKILL");
}

/** Environment variable of programs: the run that they work for. */
const RUN_MARK = "PHOREST_RUN";

/** Marks the programs and threads that this process starts from now on as those of `run`. */
export function markPrograms(run: string): void {
  process.env[RUN_MARK] = run;
}

/** Kills processes that a killed run has left running, for the same reason; returns the number of process groups. */
export function endProgramsOf(run: string): number {
  let ended = 0;
  for (const { pid } of groupLeaders()) {
    if (!environmentOf(pid).includes(`${RUN_MARK}=${run}`)) continue;
    signalGroup({ pid }, "SIGKILL");
    ended++;
  }
  return ended;
}

function* groupLeaders(): Generator<{ pid: number; parent: number }> {
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    const stat = ofProcess(name, "stat");
    // The program's name, in brackets, may contain anything.
    const [, parent, group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (group === name) yield { pid: Number(name), parent: Number(parent) };
  }
}

function environmentOf(pid: number): string[] {
  return ofProcess(String(pid), "environ").split("\0");
}

/** Reads a file of /proc; empty if the process has ended since it was listed, or belongs to another user. */
function ofProcess(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return "";
  }
}

function signalGroup({ pid }: Pick<ChildProcess, "pid">, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // The whole group has ended already, as intended.
    if (!hasCode(error, "ESRCH")) throw error;
  }
}

/** Opens a file and removes its name. */
async function openNameless(): Promise<FileHandle> {
  const path = join(tmpdir(), `.phorest-${process.pid}-${randomBytes(6).toString("hex")}`);
  const handle = await open(path, "wx+", 0o600);
  await rm(path);
  return handle;
}

async function textOf(handle: FileHandle): Promise<string> {
  const size = Math.min((await handle.stat()).size, MAX_SIDE_BYTES);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(size), 0, size, 0);
  return buffer.subarray(0, bytesRead).toString("utf8");
}

/** Returns the last line that a program printed, as a reason. */
export function lastWords(stderr: string): string {
  const last =
    stderr
      .trim()
      .split(/[\r\n]+/)
      .at(-1)
      ?.trim() ?? "";
  return last === "" ? "" : `: ${last.slice(0, 300)}`;
}

/**
 * Returns the result of `work` on a program's output. If that fails although the program ended well, its last line is the
 * likelier reason, and is added.
 */
export async function withWords<T>(stderr: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const words = lastWords(stderr);
    if (words === "" || !(error instanceof Failure)) throw error;
    const { hint, retry } = error;
    throw new Failure(error.code, `${error.message}; its last message was${words}`, { hint, retry, cause: error });
  }
}

function failed(program: string, how: string): Failure {
  return new Failure("camera.failed", `${program} ${how}`, {
    hint: "phorest retries; check the devices with `phorest doctor`",
    retry: "later",
  });
}

/** Returns why an aborted signal ends a program: the time limit of the capture has passed, or a stop was requested. */
function stopped({ program, timeoutMs }: ProgramOptions, signal: AbortSignal | undefined): Failure {
  const reason: unknown = signal?.reason;
  if (reason instanceof Error && reason.name === "TimeoutError") return timedOut(program, timeoutMs);
  return failed(program, "was stopped together with the capture");
}

function timedOut(program: string, timeoutMs: number): Failure {
  return new Failure("camera.timeout", `${program} did not finish within ${timeoutMs / 1000} s and was stopped`, {
    hint: "check the device and its cable, or increase Camera.timeout_seconds for long exposures",
    retry: "later",
  });
}

function notStarted({ program, install }: ProgramOptions, error: Error): Failure {
  const code = errorCode(error);
  const why =
    code === "ENOENT" ? "is not installed" : code === "EACCES" ? "cannot be executed (no permission)" : error.message;
  return new Failure("camera.unavailable", `${program} ${why}`, {
    hint: install ?? "install it, or set its full path",
    retry: "later",
    cause: error,
  });
}
