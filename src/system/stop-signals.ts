// The signals that ask a command to end: Ctrl-C, a stop by the system, a closed terminal or ssh connection.
import { readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";

export const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
export type StopSignal = (typeof STOP_SIGNALS)[number];

/** Exit codes that a shell reports for a program that a signal ended. */
export const SIGNAL_EXIT_CODES: Readonly<Record<StopSignal, number>> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

/** Why something ended after a signal, for people and for the manifest. */
export const SIGNAL_REASONS: Readonly<Record<StopSignal, string>> = {
  SIGINT: "interrupted",
  SIGTERM: "stop requested",
  SIGHUP: "the terminal was closed",
};

/** Bit of SIGHUP in the masks of /proc. */
const HANG_UP = 1n;

/**
 * Whether this program was started to outlive the terminal. Node.js resets every signal to its default before the first line of
 * JavaScript, so the ignored SIGHUP that `nohup` passes on cannot be seen any more. Visible signs are the shell's name for the
 * command, a parent that ignores the signal itself (`trap '' HUP`), and the standard input that nohup uses in place of a
 * terminal, which can only be written to.
 */
function ignoresHangUp(): boolean {
  // Determined once: a parent may have ended later.
  ignored ??= basename(process.env._ ?? "") === "nohup" || parentIgnoresHangUp() || inputIsOfNohup();
  return ignored;
}

let ignored: boolean | undefined;

function parentIgnoresHangUp(): boolean {
  const status = readProc(`/proc/${process.ppid}/status`);
  const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return mask !== undefined && (BigInt(`0x${mask}`) & HANG_UP) !== 0n;
}

function inputIsOfNohup(): boolean {
  const flags = /^flags:\s*([0-7]+)$/m.exec(readProc("/proc/self/fdinfo/0"))?.[1];
  const writeOnly = flags !== undefined && (Number.parseInt(flags, 8) & 3) === 1;
  return writeOnly && linkOf("/proc/self/fd/0") === "/dev/null";
}

/** Reads a file of /proc; empty if it does not exist or belongs to another user. */
function readProc(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

/** Keeps an ignored SIGHUP ignored, for every command. Call this first. */
export function keepHangUpIgnored(): void {
  if (ignoresHangUp()) process.on("SIGHUP", () => undefined);
}

/**
 * Calls `listener` for each stop signal, including those held so far; returns a function that ends this. An ignored SIGHUP does
 * not count.
 */
export function onStopSignal(listener: (signal: StopSignal) => void): () => void {
  const signals = receivedSignals();
  for (const signal of signals) process.on(signal, listener);
  const early = takeHeld();
  // Wait until the caller has finished its setup.
  queueMicrotask(() => {
    for (const signal of early) listener(signal);
  });
  return () => {
    for (const signal of signals) process.off(signal, listener);
  };
}

const receivedSignals = (): StopSignal[] => STOP_SIGNALS.filter((signal) => signal !== "SIGHUP" || !ignoresHangUp());

interface HeldSignals {
  readonly signals: StopSignal[];
  end(): void;
}

/** The executable's first code and the program are two bundles, so a variable of this module would exist twice. */
const HELD = Symbol.for("phorest.held-stop-signals");
const shared = globalThis as { [HELD]?: HeldSignals | undefined };
/** The command that exits with code 0 after a stop. Loading it takes a second or more. */
const HOLDING_COMMAND = "run";
const INTERRUPTED_TWICE = 130;

/**
 * Call this first, with the words of the command line: a signal that arrives while `run` is still loading is kept until the run
 * asks for it with `onStopSignal`. A second request ends the process at once. Other commands end at a signal anyway.
 */
export function holdStopSignals(words: readonly string[]): void {
  if (!words.includes(HOLDING_COMMAND) || shared[HELD] !== undefined) return;
  keepHangUpIgnored();
  const heard = receivedSignals();
  const signals: StopSignal[] = [];
  const patience = new Patience();
  const hold = (signal: StopSignal): void => {
    if (patience.isOver(signal)) process.exit(INTERRUPTED_TWICE);
    signals.push(signal);
  };
  for (const signal of heard) process.on(signal, hold);
  const end = (): void => {
    for (const signal of heard) process.off(signal, hold);
  };
  shared[HELD] = { signals, end };
}

/** Called if the word was not the command: signals have their usual effect again, including one that arrived meanwhile. */
export function holdNoLonger(command: string | undefined): void {
  if (command === HOLDING_COMMAND) return;
  const [signal] = takeHeld();
  if (signal !== undefined) process.kill(process.pid, signal);
}

/** Returns the signals held so far, and stops holding them. */
function takeHeld(): readonly StopSignal[] {
  const held = shared[HELD];
  shared[HELD] = undefined;
  held?.end();
  return held?.signals ?? [];
}

/**
 * Whether `signal` is the user's second request, after which a command ends at once. A closed terminal sends SIGHUP, often twice
 * and after another signal, although no one pressed a key twice.
 */
export class Patience {
  #demands = 0;

  isOver(signal: StopSignal): boolean {
    if (signal !== "SIGHUP") this.#demands += 1;
    return this.#demands > 1;
  }
}
