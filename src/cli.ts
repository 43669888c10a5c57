// The command line: one line per command; each lives in commands/. Turns anything thrown into one plain line.
import yargs, { type Argv } from "yargs";
import { hideBin } from "yargs/helpers";
import type { GlobalOptions } from "./commands/global.ts";
import { guardOutputs } from "./commands/outputs.ts";
import { encodeFailure, type FailureCode, type FailureData, failureLine } from "./failure/failure.ts";
import { checkParts } from "./installation/parts.ts";
import { isService } from "./installation/systemd-notify.ts";
import { packageVersion } from "./system/files.ts";
import { holdNoLonger, keepHangUpIgnored } from "./system/stop-signals.ts";

/**
 * The commands by name. Only the one that is asked for is loaded: SQLite, sharp and vega together take a second, which
 * `--version` and a misspelt option need not wait for.
 */
const COMMANDS: Readonly<Record<string, (parser: Argv<GlobalOptions>) => Promise<unknown>>> = {
  run: async (parser) => parser.command((await import("./commands/run.ts")).runCommand),
  analyse: async (parser) => parser.command((await import("./commands/analyse.ts")).analyseCommand),
  simulate: async (parser) => parser.command((await import("./commands/simulate.ts")).simulateCommand),
  calibrate: async (parser) => parser.command((await import("./commands/calibrate.ts")).calibrateCommand),
  "check-rois": async (parser) => parser.command((await import("./commands/check-rois.ts")).checkRoisCommand),
  capture: async (parser) => parser.command((await import("./commands/capture.ts")).captureCommand),
  preview: async (parser) => parser.command((await import("./commands/preview.ts")).previewCommand),
  cameras: async (parser) => parser.command((await import("./commands/devices.ts")).camerasCommand),
  sensors: async (parser) => parser.command((await import("./commands/devices.ts")).sensorsCommand),
  doctor: async (parser) => parser.command((await import("./commands/doctor.ts")).doctorCommand),
  status: async (parser) => parser.command((await import("./commands/status.ts")).statusCommand),
  health: async (parser) => parser.command((await import("./commands/health.ts")).healthCommand),
  menu: async (parser) => parser.command((await import("./commands/menu.ts")).menuCommand(Object.keys(COMMANDS))),
  logs: async (parser) => parser.command((await import("./commands/logs.ts")).logsCommand),
  report: async (parser) => parser.command((await import("./commands/report.ts")).reportCommand),
  sensorgram: async (parser) => parser.command((await import("./commands/sensorgram.ts")).sensorgramCommand),
  export: async (parser) => parser.command((await import("./commands/export.ts")).exportCommand),
  import: async (parser) => parser.command((await import("./commands/import.ts")).importCommand),
  sync: async (parser) => parser.command((await import("./commands/sync.ts")).syncCommand),
  "init-remote": async (parser) => parser.command((await import("./commands/init-remote.ts")).initRemoteCommand),
  backup: async (parser) => parser.command((await import("./commands/backup.ts")).backupCommand),
  restore: async (parser) => parser.command((await import("./commands/restore.ts")).restoreCommand),
  verify: async (parser) => parser.command((await import("./commands/verify.ts")).verifyCommand),
  opcua: async (parser) => parser.command((await import("./commands/opcua.ts")).opcuaCommand),
  "install-service": async (parser) =>
    parser.command((await import("./commands/install-service.ts")).installServiceCommand),
  licences: async (parser) => parser.command((await import("./commands/licences.ts")).licencesCommand),
  config: async (parser) => parser.command((await import("./commands/config.ts")).configCommand),
};

/** Adds the command that this command line names, or all of them for the help. */
async function addCommands(parser: Argv<GlobalOptions>, words: readonly string[]): Promise<void> {
  const named = words.find((word) => Object.hasOwn(COMMANDS, word));
  holdNoLonger(named);
  if (named !== undefined) await checkParts(named);
  for (const [name, add] of Object.entries(COMMANDS)) if (named === undefined || named === name) await add(parser);
}

/** Nothing was started: the user, not the work, was at fault. */
const USAGE_CODES: ReadonlySet<FailureCode> = new Set([
  "config.invalid",
  "usage.invalid",
  "experiment.locked",
  "experiment.unusable",
  "rois.missing",
  "rois.invalid",
  "chip.unknown",
  "chip.invalid",
  "manifest.newer",
  "installation.broken",
]);

const WRONG_USAGE = 2;
const FAILED = 1;
/** Not wrong, not done: what the picture shows does not suffice. */
const UNDECIDED = 3;

async function main(): Promise<void> {
  const words = hideBin(process.argv);
  if (words.includes("--version")) {
    process.stdout.write(`${packageVersion()}\n`);
    return;
  }
  const parser = yargs(words)
    .scriptName("phorest")
    .usage("$0 <command>: photographs a photonic sensor chip, measures every resonance, looks after the data")
    .option("config", { type: "string", describe: "Configuration file (default ./config.toml, else built-in)" })
    .option("log-level", { choices: ["error", "warn", "info", "debug"] as const, describe: "What the logs hold" })
    .option("json", { type: "boolean", default: false, describe: "Machine-readable output" })
    .demandCommand(1, "which command? `phorest --help` lists them")
    .strict()
    .version(packageVersion())
    .help()
    .showHelpOnFail(false)
    .exitProcess(false)
    .fail((message, error) => {
      const complaint = message || error?.message;
      if (complaint === undefined || (error && error.name !== "YError")) throw error;
      process.stderr.write(`${complaint.replace(/\s*\n\s*/g, " ")} (phorest --help)\n`);
      process.exitCode = WRONG_USAGE;
      throw new AlreadySaid();
    });
  try {
    await addCommands(parser, words);
    await parser.parseAsync();
  } catch (thrown) {
    if (thrown instanceof AlreadySaid) return;
    process.stderr.write(`${failureLine(thrown)}\n`);
    process.exitCode = exitCodeOf(encodeFailure(thrown));
    if (process.env.PHOREST_DEBUG !== undefined && thrown instanceof Error) process.stderr.write(`${thrown.stack}\n`);
  }
}

/** A service that ends with WRONG_USAGE is not started again; so it ends with FAILED where trying later can help. */
function exitCodeOf({ code, retry }: FailureData): number {
  const isForGood = retry === "never" || !isService(process.env);
  if (USAGE_CODES.has(code) && isForGood) return WRONG_USAGE;
  return code === "calibration.uncertain" ? UNDECIDED : FAILED;
}

/** Thrown to leave yargs after its own complaint has been printed. */
class AlreadySaid extends Error {}

guardOutputs();
keepHangUpIgnored();
await main();
