// `phorest doctor`: checks everything that an experiment needs; one line each, and what to do if there is a problem.
import type { CommandModule } from "yargs";
import { loadConfig } from "../config/config.ts";
import { type Diagnosis, diagnose, type Verdict } from "../doctor/check.ts";
import { CHECKS } from "../doctor/checks.ts";
import type { GlobalOptions } from "./global.ts";
import { endProgramsWithCommand } from "./stoppable.ts";

const SIGNS: Readonly<Record<Verdict, string>> = { good: "ok  ", doubt: "warn", bad: "BAD ", off: "-   " };

export const doctorCommand: CommandModule<GlobalOptions, GlobalOptions> = {
  command: "doctor",
  describe: "Check disk, clock, permissions, camera, sensors, share and OPC UA, and say how to fix problems",
  builder: (yargs) => yargs.example("$0 doctor", "before a long run; exit code 1 if there is a problem"),
  handler: async ({ config: file, json }) => {
    const { config, warnings } = loadConfig(file);
    for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
    endProgramsWithCommand();
    const found: Diagnosis[] = [];
    for await (const diagnosis of diagnose(CHECKS, config)) {
      found.push(diagnosis);
      if (!json) process.stdout.write(`${doctorLine(diagnosis)}\n`);
    }
    if (json) process.stdout.write(`${JSON.stringify(found)}\n`);
    if (found.some(({ verdict }) => verdict === "bad")) process.exitCode = 1;
  },
};

/** Formats a check, such as `ok   camera         tis: 4000x3000, 8 bits in 0.3 s`, and after an arrow what to do. */
export function doctorLine({ verdict, check, found, cure }: Diagnosis): string {
  return `${SIGNS[verdict]} ${check.padEnd(14)} ${found}${cure === undefined ? "" : ` -> ${cure}`}`;
}
