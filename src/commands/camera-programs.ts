// Commands that start a camera's or a sensor's programs: these must not outlive them.
import { endPrograms } from "../frame/program.ts";

const CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * From here on Ctrl-C, a stop and a closed terminal end what was started as well. Programs run in groups of their own, which
 * a terminal's Ctrl-C does not reach.
 */
export function endProgramsWithCommand(): void {
  for (const [signal, code] of Object.entries(CODES)) {
    process.once(signal, () => {
      endPrograms();
      process.exit(code);
    });
  }
}
