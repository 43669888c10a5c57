// For long commands that hold resources: a stop signal lets them clean up before they end.
import { endPrograms } from "../system/program.ts";
import { onStopSignal, Patience, SIGNAL_EXIT_CODES, SIGNAL_REASONS, type StopSignal } from "../system/stop-signals.ts";

const INTERRUPTED_TWICE = 130;
/** A call to a disconnected share may never return, and there may be no one to press Ctrl-C again. */
const LONGEST_STOP_MS = 30_000;

/**
 * Runs `work`. A stop signal aborts its `signal`; an error thrown after that counts as a stop, is reported in one line, and
 * sets the exit code of the signal. A second Ctrl-C ends the program at once.
 */
export async function stoppable(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const patience = new Patience();
  let asked: StopSignal | undefined;
  // Handled until the process ends, because a closed terminal sends its signal more than once.
  onStopSignal((signal) => {
    asked ??= signal;
    if (patience.isOver(signal)) exitNow(INTERRUPTED_TWICE);
    stop.abort();
    setTimeout(() => exitNow(SIGNAL_EXIT_CODES[signal]), LONGEST_STOP_MS).unref();
  });
  try {
    await work(stop.signal);
  } catch (error) {
    if (asked === undefined) throw error;
  }
  if (asked === undefined) return;
  process.stderr.write(`stopped: ${SIGNAL_REASONS[asked]}\n`);
  process.exitCode = SIGNAL_EXIT_CODES[asked];
}

/** Ends this process and the programs it has started. */
export function exitNow(code: number): never {
  endPrograms();
  process.exit(code);
}

/** Makes a stop signal end this process and the programs it started, which run in separate process groups. */
export function endProgramsWithCommand(): void {
  onStopSignal((signal) => exitNow(SIGNAL_EXIT_CODES[signal]));
}
