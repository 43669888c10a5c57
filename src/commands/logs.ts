// `phorest logs`: the last log lines of all stages, in order of time.

import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { CommandModule } from "yargs";
import { loadConfig } from "../config/config.ts";
import { wrongOption } from "../evaluation/time-options.ts";
import { Failure } from "../failure/failure.ts";
import { LOG_LEVELS, LOG_STAGES, type LogLevel, type LogStage } from "../log/levels.ts";
import { type LogLine, logTail } from "../log/tail.ts";
import type { GlobalOptions } from "./global.ts";
import { shownZone } from "./shown-zone.ts";

interface LogsOptions extends GlobalOptions {
  lines: number;
  stage: LogStage[] | undefined;
  level: LogLevel;
  follow: boolean;
}

const LOOK_EVERY_MS = 500;
/** Maximum number of new lines per update. */
const MOST_NEW = 2000;

export const logsCommand: CommandModule<GlobalOptions, LogsOptions> = {
  command: "logs",
  describe: "Show the last log lines of all stages",
  builder: (yargs) =>
    yargs
      .option("lines", { alias: "n", type: "number", default: 40, requiresArg: true, describe: "Number of lines" })
      .option("stage", { type: "string", array: true, choices: LOG_STAGES, describe: "Only these stages" })
      .option("level", {
        choices: LOG_LEVELS,
        default: "debug" as const,
        describe: "Only lines of this level or more important",
      })
      .option("follow", {
        alias: "f",
        type: "boolean",
        default: false,
        describe: "Keep printing new lines until Ctrl-C",
      })
      .example("$0 logs --level warn", "recent warnings and errors"),
  handler: async ({ config: file, lines, stage, level, follow, json, tz }) => {
    if (!Number.isInteger(lines) || lines < 1) {
      throw wrongOption("--lines", "a whole number of at least 1", lines);
    }
    const { config } = loadConfig(file);
    const zone = shownZone(config, tz);
    const wanted = { ...(stage === undefined ? {} : { stages: stage }), level };
    const print = (line: LogLine) => process.stdout.write(`${json ? JSON.stringify(line) : zone.shown(line.text)}\n`);
    if (!existsSync(config.Paths.logs_dir)) {
      throw new Failure("usage.invalid", `there are no logs: ${config.Paths.logs_dir} does not exist`, {
        hint: "run this in the directory of an experiment, or name its configuration with --config",
      });
    }
    let shown = logTail(config.Paths.logs_dir, { limit: lines, ...wanted });
    shown.forEach(print);
    if (shown.length === 0) process.stderr.write(`no matching log lines in ${config.Paths.logs_dir}\n`);
    while (follow) {
      await sleep(LOOK_EVERY_MS);
      const now = logTail(config.Paths.logs_dir, { limit: MOST_NEW, ...wanted });
      newLines(shown, now).forEach(print);
      shown = now;
    }
  },
};

/** Returns the lines of `now` that are not in `before`. A late line may have an earlier time. */
export function newLines(before: readonly LogLine[], now: readonly LogLine[]): LogLine[] {
  const last = before.at(-1)?.time ?? "";
  const known = new Set(before.map(({ text }) => text));
  return now.filter(({ time, text }) => time >= last && !known.has(text));
}
