// Running another program once: the one place where sources and sensors start child processes. No shell, a time limit,
// bounded output. In every case, its whole process group is gone and reaped when the promise settles,
// and no file of it is left. What it left behind in a session of its own holds nothing up.
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
  /** Name looked up on PATH, or a path. */
  readonly program: string;
  readonly args: readonly string[];
  readonly timeoutMs: number;
  /** More on standard output than this ends the program. */
  readonly maxBytes: number;
  /** Aborted: the program is ended and the promise rejects. */
  readonly signal?: AbortSignal | undefined;
  /** Gives the program a file to write next to its output, under the name SIDE_FILE. */
  readonly sideFile?: boolean;
  /** Which package provides a program that is not installed. */
  readonly install?: string;
}

export interface ProgramOutput {
  readonly stdout: Buffer;
  /** The end of standard error, at most STDERR_TAIL_BYTES. */
  readonly stderr: string;
  /** Text of the side file; empty without one. */
  readonly side: string;
  /** Monotonic ms at which the first byte of output came; undefined where none came. */
  readonly firstByteMs: number | undefined;
  readonly exitCode: number;
}

/** How a program reaches its side file: a file without a name, so that no crash can leave it behind. */
export const SIDE_FILE = "/dev/fd/3";
const STDERR_TAIL_BYTES = 4096;
const MAX_SIDE_BYTES = 1 << 20;
/** How long a program may take to end after SIGTERM before SIGKILL. */
const GRACE_MS = 1000;

/**
 * Runs a program to its end and collects its output. Throws Failure: camera.unavailable when it is not installed or may
 * not be run, camera.timeout after `timeoutMs`, camera.failed when it ends with an error (with the last line it said),
 * is killed by a signal, is aborted or writes too much. All are worth another try later.
 */
export async function runProgram(options: ProgramOptions): Promise<ProgramOutput> {
  const output = await tryProgram(options);
  if (output.exitCode === 0) return output;
  throw failed(options.program, `exited with code ${output.exitCode}${lastWords(output.stderr)}`);
}

/** The same, but a program that ends by itself with an error code is an answer, not a failure. */
export async function tryProgram(options: ProgramOptions): Promise<ProgramOutput> {
  const { program, signal } = options;
  if (signal?.aborted) throw stopped(options, signal);
  const side = options.sideFile ? await openNameless() : undefined;
  try {
    const stdio = ["ignore", "pipe", "pipe", ...(side === undefined ? [] : [side.fd])] as const;
    // A group of its own: a wrapper script's children end with it, and Ctrl-C at the terminal does not cut a picture.
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
    // Descendants that outlive the program hold its pipes open: without this, "close" might never come.
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
 * A descendant that made itself a session of its own (a daemon) is out of reach and may keep the pipes for ever. What the
 * program itself wrote is still read first: the immediate comes after the reading of this turn.
 */
function letGoOfPipes({ stdout, stderr }: ChildProcess): void {
  setImmediate(() => {
    stdout?.destroy();
    stderr?.destroy();
  });
}

/**
 * Kills the groups of all programs that this process has started, in whichever of its threads, for a process that is about
 * to end before they do: one that hangs would keep the camera from everybody.
 */
export function endPrograms(): void {
  for (const { pid, parent } of groupLeaders()) if (parent === process.pid) signalGroup({ pid }, "SIGKILL");
}

/** In the environment of programs: the run that they work for. */
const RUN_MARK = "PHOREST_RUN";

/** Programs that this process starts from now on, and its threads that begin from now on, are known as those of `run`. */
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
    // The program's name, in brackets, may hold anything.
    const [, parent, group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (group === name) yield { pid: Number(name), parent: Number(parent) };
  }
}

function environmentOf(pid: number): string[] {
  return ofProcess(String(pid), "environ").split("\0");
}

/** A file of /proc; empty for a process that has ended since it was listed, and for what other people's say of themselves. */
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
    // The whole group is gone already, which is what was wanted.
    if (!hasCode(error, "ESRCH")) throw error;
  }
}

/** A file that is open and has no name any more. */
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

/** The last line a program said, as a reason. */
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
 * What `work` makes of a program's output. Where that fails although the program ended well, its last words are the likelier
 * reason, and are added.
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

/** Why an aborted signal ends a program: the time of the whole capture is over, or a stop was asked for. */
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
