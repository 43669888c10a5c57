// Handles errors of a command's own output: a closed terminal, a closed pipe, a full disk.
import { closeSync } from "node:fs";
import { isatty } from "node:tty";
import { SIGNAL_EXIT_CODES } from "../system/stop-signals.ts";
import { exitNow } from "./stoppable.ts";

let continues = false;

/** For commands whose work matters more than their output: they continue even if the output cannot be written. */
export function outliveReaders(): void {
  continues = true;
}

/** Must be called first: by default, Node.js ends the program when it cannot write a line. */
export function guardOutputs(): void {
  const terminals = [0, 1, 2].filter((fd) => isatty(fd));
  process.on("exit", () => {
    // Node.js restores the settings of terminals at exit, and aborts if that fails; it ignores closed ones.
    for (const fd of terminals) if (!isatty(fd)) closeSync(fd);
  });
  // Messages on standard error are not the result of a command, so losing them is not an error.
  process.stderr.on("error", () => undefined);
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (continues) return;
    // A closed pipe (`phorest export | head`) means that the reader has enough.
    if (error.code === "EPIPE") exitNow(0);
    if (terminals.includes(1) && !isatty(1)) exitNow(SIGNAL_EXIT_CODES.SIGHUP);
    process.stderr.write(`cannot write the output (${error.message}); check the disk that it is written to\n`);
    exitNow(1);
  });
}
