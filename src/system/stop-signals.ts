// The signals that ask a command to end: Ctrl-C, a stop by the system, a terminal or ssh connection that was closed.
import { readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";

export const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
export type StopSignal = (typeof STOP_SIGNALS)[number];

/** What a shell reports of a program that a signal ended. */
export const SIGNAL_EXIT_CODES: Readonly<Record<StopSignal, number>> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

/** Why something ended that a signal asked to end, for people and for the manifest. */
export const SIGNAL_REASONS: Readonly<Record<StopSignal, string>> = {
  SIGINT: "interrupted",
  SIGTERM: "stop requested",
  SIGHUP: "the terminal was closed",
};

/** Bit of SIGHUP in the masks of /proc. */
const HANG_UP = 1n;

/**
 * Whether this program was started to outlive the terminal. Node.js sets every signal back to its default
 * before the first line of JavaScript, so that the ignored SIGHUP that `nohup` hands on cannot be seen any more. What can be
 * seen: the shell's name for the command, a parent that ignores the signal itself (`trap '' HUP`), and the standard input
 * that nohup puts in a terminal's place, which can only be written to.
 */
function ignoresHangUp(): boolean {
  // Once and for all: a parent that is asked about later may have ended.
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

/** A file of /proc; empty where there is none, or where it belongs to another user. */
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

/** For every command: a SIGHUP that was to be ignored stays ignored. To be called first. */
export function keepHangUpIgnored(): void {
  if (ignoresHangUp()) process.on("SIGHUP", () => undefined);
}

/**
 * Calls `listener` at each signal that asks for an end, also at those held so far; returns how to call it no more. An ignored
 * SIGHUP is none.
 */
export function onStopSignal(listener: (signal: StopSignal) => void): () => void {
  const signals = receivedSignals();
  for (const signal of signals) process.on(signal, listener);
  const early = takeHeld();
  // Not before the caller has finished what it was setting up.
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

/** The executable's first code and the program are two bundles: a variable of this module would exist twice. */
const HELD = Symbol.for("phorest.held-stop-signals");
const shared = globalThis as { [HELD]?: HeldSignals | undefined };
/** The command that answers a stop with exit code 0. To load it takes a second or more. */
const HOLDING_COMMAND = "run";
const INTERRUPTED_TWICE = 130;

/**
 * To be called first with the words of the command line: a signal that comes while `run` is still being loaded is kept until
 * the run asks for it with `onStopSignal`. A second demand ends the process at once. Other commands end at a signal anyway.
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

/** Where the word was not the command: the signals have their usual effect again, also one that came meanwhile. */
export function holdNoLonger(command: string | undefined): void {
  if (command === HOLDING_COMMAND) return;
  const [signal] = takeHeld();
  if (signal !== undefined) process.kill(process.pid, signal);
}

/** The signals held so far, which are not held any more. */
function takeHeld(): readonly StopSignal[] {
  const held = shared[HELD];
  shared[HELD] = undefined;
  held?.end();
  return held?.signals ?? [];
}

/**
 * Whether `signal` is a person's second demand, after which a command ends at once. A closed terminal sends SIGHUP, often
 * twice and after another signal, although no one pressed a key twice.
 */
export class Patience {
  #demands = 0;

  isOver(signal: StopSignal): boolean {
    if (signal !== "SIGHUP") this.#demands += 1;
    return this.#demands > 1;
  }
}
