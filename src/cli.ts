// The command line: one line per command; each lives in commands/. Turns anything thrown into one plain line.
import yargs, { type Argv } from "yargs";
import { hideBin } from "yargs/helpers";
import type { GlobalOptions } from "./commands/global.ts";
import type { HelpTexts } from "./commands/man.ts";
import { guardOutputs } from "./commands/outputs.ts";
import { usageLine } from "./commands/usage-line.ts";
import { encodeFailure, type FailureCode, type FailureData, failureLine } from "./failure/failure.ts";
import { checkParts } from "./installation/parts.ts";
import { isService } from "./installation/systemd-notify.ts";
import { packageVersion } from "./system/files.ts";
import { holdNoLonger, keepHangUpIgnored } from "./system/stop-signals.ts";

/** The commands by name. Only the named one is loaded, because SQLite, sharp and vega together take a second to load. */
const COMMANDS: Readonly<Record<string, (parser: Argv<GlobalOptions>) => Promise<unknown>>> = {
  new: async (parser) => parser.command((await import("./commands/new.ts")).newCommand),
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
  remeasure: async (parser) => parser.command((await import("./commands/remeasure.ts")).remeasureCommand),
  analyses: async (parser) => parser.command((await import("./commands/analyses.ts")).analysesCommand),
  compare: async (parser) => parser.command((await import("./commands/compare.ts")).compareCommand),
  figure: async (parser) => parser.command((await import("./commands/figure.ts")).figureCommand),
  diff: async (parser) => parser.command((await import("./commands/diff.ts")).diffCommand),
  kinetics: async (parser) => parser.command((await import("./commands/kinetics.ts")).kineticsCommand),
  view: async (parser) => parser.command((await import("./commands/view.ts")).viewCommand),
  report: async (parser) => parser.command((await import("./commands/report.ts")).reportCommand),
  sensorgram: async (parser) => parser.command((await import("./commands/sensorgram.ts")).sensorgramCommand),
  baseline: async (parser) => parser.command((await import("./commands/baseline.ts")).baselineCommand),
  injections: async (parser) => parser.command((await import("./commands/injections.ts")).injectionsCommand),
  responses: async (parser) => parser.command((await import("./commands/responses.ts")).responsesCommand),
  sensitivity: async (parser) => parser.command((await import("./commands/sensitivity.ts")).sensitivityCommand),
  arrival: async (parser) => parser.command((await import("./commands/arrival.ts")).arrivalCommand),
  map: async (parser) => parser.command((await import("./commands/map.ts")).mapCommand),
  markers: async (parser) => parser.command((await import("./commands/markers.ts")).markersCommand),
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
  man: async (parser) => parser.command((await import("./commands/man.ts")).manCommand(helpTexts)),
};

/** What commands are followed by that do several things. */
const SUBCOMMANDS: Readonly<Record<string, readonly string[]>> = {
  config: ["check", "show", "docs"],
  injections: ["add", "edit", "remove", "list", "import", "history"],
  markers: ["add", "edit", "remove", "list", "import"],
  opcua: ["check", "browse", "trust"],
};

/** yargs' own: prints a script for the shell, which asks the program for what may follow. */
const COMPLETION = "completion";
const COMPLETING = "--get-yargs-completions";

const commandIn = (words: readonly string[]): string | undefined => words.find((word) => Object.hasOwn(COMMANDS, word));

/** Adds the named command, or all commands for the help. */
async function addCommands(parser: Argv<GlobalOptions>, words: readonly string[]): Promise<void> {
  const named = commandIn(words);
  holdNoLonger(named);
  if (named !== undefined) await checkParts(named);
  const namesOnly = named === undefined && words[0] === COMPLETING;
  for (const [name, add] of Object.entries(COMMANDS)) {
    if (namesOnly) parser.command(name, "");
    else if (named === undefined || named === name) await add(parser);
  }
}

/** The help of the program and of every command, as on a terminal of 80 columns. */
async function helpTexts(): Promise<HelpTexts> {
  const helpOf = async (words: readonly string[]) => {
    const parser = newParser(words);
    for (const add of Object.values(COMMANDS)) await add(parser);
    return parser.wrap(80).getHelp();
  };
  const commands: [string, string][] = [];
  for (const name of Object.keys(COMMANDS)) commands.push([name, await helpOf([name])]);
  return { program: await helpOf([]), commands };
}

/** Errors in the command line, settings or installation: nothing was started. */
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
/** The image does not show enough to decide. */
const UNDECIDED = 3;

async function main(): Promise<void> {
  const words = hideBin(process.argv);
  if (words.includes("--version")) {
    process.stdout.write(`${packageVersion()}\n`);
    return;
  }
  const parser = newParser(words);
  try {
    await addCommands(parser, words);
    await parser.parseAsync();
  } catch (thrown) {
    if (thrown instanceof AlreadyReported) return;
    process.stderr.write(`${failureLine(thrown)}\n`);
    process.exitCode = exitCodeOf(encodeFailure(thrown));
    if (process.env.PHOREST_DEBUG !== undefined && thrown instanceof Error) process.stderr.write(`${thrown.stack}\n`);
  }
}

function newParser(words: readonly string[]): Argv<GlobalOptions> {
  const parser: Argv<GlobalOptions> = yargs(words)
    .scriptName("phorest")
    .usage(
      "$0 <command>: runs photonic biosensor experiments: captures images, measures every resonance, keeps the data safe",
    )
    .option("config", {
      type: "string",
      describe: "Configuration file (default: ./config.toml if it exists, else built-in settings)",
    })
    .option("log-level", {
      choices: ["error", "warn", "info", "debug"] as const,
      describe: "Least important messages to log",
    })
    .option("json", { type: "boolean", default: false, describe: "Print JSON" })
    .demandCommand(1, "no command given; `phorest --help` lists the commands")
    .strict()
    .version(packageVersion())
    .help()
    .completion(COMPLETION, "Print a script that makes the shell complete commands and options")
    .showHelpOnFail(false)
    .exitProcess(false)
    .fail((message, error) => {
      const complaint = message || error?.message;
      if (complaint === undefined || (error && error.name !== "YError")) throw error;
      const options = parser.parsed === false ? [] : Object.keys(parser.parsed.aliases);
      const command = commandIn(words);
      const commands = [...Object.keys(COMMANDS), COMPLETION];
      const usage = { words, command, commands, subcommands: SUBCOMMANDS[command ?? ""] ?? [], options };
      process.stderr.write(`${usageLine(complaint, usage)}\n`);
      process.exitCode = WRONG_USAGE;
      throw new AlreadyReported();
    });
  // yargs prepares its help at the start of every command; breaking its lines would be a tenth of the work of a short one.
  if (!words.some((word) => word.includes("help"))) parser.wrap(null);
  return parser;
}

/** systemd does not restart a service that exits with WRONG_USAGE, so use FAILED if a later try can help. */
function exitCodeOf({ code, retry }: FailureData): number {
  const isForGood = retry === "never" || !isService(process.env);
  if (USAGE_CODES.has(code) && isForGood) return WRONG_USAGE;
  return code === "calibration.uncertain" ? UNDECIDED : FAILED;
}

/** Thrown to leave yargs after it has printed its own message. */
class AlreadyReported extends Error {}

guardOutputs();
keepHangUpIgnored();
await main();
