// What a command does when its own output can no longer be written: the terminal was closed, the reader of a pipe has gone,
// the disk of a file is full.
import { closeSync } from "node:fs";
import { isatty } from "node:tty";
import { SIGNAL_EXIT_CODES } from "../system/stop-signals.ts";
import { exitNow } from "./stoppable.ts";

let goesOn = false;

/** For commands whose work counts and not what they print: they finish it although nobody can read them. */
export function outliveReaders(): void {
  goesOn = true;
}

/** To be called first: without it, Node.js ends the program at the first line that cannot be written. */
export function guardOutputs(): void {
  const terminals = [0, 1, 2].filter((fd) => isatty(fd));
  process.on("exit", () => {
    // Node.js gives terminals back as it found them, and aborts where that fails; it leaves closed ones alone.
    for (const fd of terminals) if (!isatty(fd)) closeSync(fd);
  });
  // What a command says on standard error is never its result.
  process.stderr.on("error", () => undefined);
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (goesOn) return;
    // A closed pipe (`phorest export | head`) is how a reader says "enough".
    if (error.code === "EPIPE") exitNow(0);
    if (terminals.includes(1) && !isatty(1)) exitNow(SIGNAL_EXIT_CODES.SIGHUP);
    process.stderr.write(
      `what was to be printed cannot be written (${error.message}); free some space where it goes\n`,
    );
    exitNow(1);
  });
}
