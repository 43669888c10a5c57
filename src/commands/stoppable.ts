// Commands that work for long and hold something: a stop lets them put it away before they end.
import { endPrograms } from "../system/program.ts";
import { onStopSignal, Patience, SIGNAL_EXIT_CODES, SIGNAL_REASONS, type StopSignal } from "../system/stop-signals.ts";

const INTERRUPTED_TWICE = 130;
/** A call to a share that is gone never returns; nobody may be left to press Ctrl-C again. */
const LONGEST_STOP_MS = 30_000;

/**
 * Runs `work` to its end. A stop signal aborts its `signal`; whatever `work` then throws counts as having stopped, one line
 * says so, and the exit code is the signal's. A second Ctrl-C ends the program at once.
 */
export async function stoppable(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const patience = new Patience();
  let asked: StopSignal | undefined;
  // Heard until the process ends: a closed terminal sends its signal more than once.
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

/** From here on a stop signal ends this process and the programs it has started, which run in groups of their own. */
export function endProgramsWithCommand(): void {
  onStopSignal((signal) => exitNow(SIGNAL_EXIT_CODES[signal]));
}
