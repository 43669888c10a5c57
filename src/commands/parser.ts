// The parser of the command line: the options and rules of every command, and the commands by name.
import { existsSync } from "node:fs";
import yargs, { type Argv } from "yargs";
import { packageVersion } from "../system/files.ts";
import type { GlobalOptions } from "./global.ts";
import type { HelpTexts } from "./man.ts";
import { checkOptionValues } from "./option-values.ts";
import { pairsApart } from "./pairs-option.ts";
import { checkZone, TZ } from "./shown-zone.ts";
import { usageLine } from "./usage-line.ts";

const WRONG_USAGE = 2;

/** The commands by name. Only the named one is loaded, because SQLite, sharp and vega together take a second to load. */
const COMMANDS: Readonly<Record<string, (parser: Argv<GlobalOptions>) => Promise<unknown>>> = {
  new: async (parser) => parser.command((await import("./new.ts")).newCommand),
  run: async (parser) => parser.command((await import("./run.ts")).runCommand),
  analyse: async (parser) => parser.command((await import("./analyse.ts")).analyseCommand),
  simulate: async (parser) => parser.command((await import("./simulate.ts")).simulateCommand),
  calibrate: async (parser) => parser.command((await import("./calibrate.ts")).calibrateCommand),
  "check-rois": async (parser) => parser.command((await import("./check-rois.ts")).checkRoisCommand),
  capture: async (parser) => parser.command((await import("./capture.ts")).captureCommand),
  preview: async (parser) => parser.command((await import("./preview.ts")).previewCommand),
  cameras: async (parser) => parser.command((await import("./devices.ts")).camerasCommand),
  sensors: async (parser) => parser.command((await import("./devices.ts")).sensorsCommand),
  doctor: async (parser) => parser.command((await import("./doctor.ts")).doctorCommand),
  status: async (parser) => parser.command((await import("./status.ts")).statusCommand),
  health: async (parser) => parser.command((await import("./health.ts")).healthCommand),
  menu: async (parser) => parser.command((await import("./menu.ts")).menuCommand(Object.keys(COMMANDS))),
  logs: async (parser) => parser.command((await import("./logs.ts")).logsCommand),
  remeasure: async (parser) => parser.command((await import("./remeasure.ts")).remeasureCommand),
  analyses: async (parser) => parser.command((await import("./analyses.ts")).analysesCommand),
  compare: async (parser) => parser.command((await import("./compare.ts")).compareCommand),
  figure: async (parser) => parser.command((await import("./figure.ts")).figureCommand),
  diff: async (parser) => parser.command((await import("./diff.ts")).diffCommand),
  kinetics: async (parser) => parser.command((await import("./kinetics.ts")).kineticsCommand),
  view: async (parser) => parser.command((await import("./view.ts")).viewCommand),
  report: async (parser) => parser.command((await import("./report.ts")).reportCommand),
  sensorgram: async (parser) => parser.command((await import("./sensorgram.ts")).sensorgramCommand),
  baseline: async (parser) => parser.command((await import("./baseline.ts")).baselineCommand),
  injections: async (parser) => parser.command((await import("./injections.ts")).injectionsCommand),
  responses: async (parser) => parser.command((await import("./responses.ts")).responsesCommand),
  sensitivity: async (parser) => parser.command((await import("./sensitivity.ts")).sensitivityCommand),
  arrival: async (parser) => parser.command((await import("./arrival.ts")).arrivalCommand),
  map: async (parser) => parser.command((await import("./map.ts")).mapCommand),
  markers: async (parser) => parser.command((await import("./markers.ts")).markersCommand),
  export: async (parser) => parser.command((await import("./export.ts")).exportCommand),
  import: async (parser) => parser.command((await import("./import.ts")).importCommand),
  sync: async (parser) => parser.command((await import("./sync.ts")).syncCommand),
  "init-remote": async (parser) => parser.command((await import("./init-remote.ts")).initRemoteCommand),
  backup: async (parser) => parser.command((await import("./backup.ts")).backupCommand),
  restore: async (parser) => parser.command((await import("./restore.ts")).restoreCommand),
  verify: async (parser) => parser.command((await import("./verify.ts")).verifyCommand),
  opcua: async (parser) => parser.command((await import("./opcua.ts")).opcuaCommand),
  "install-service": async (parser) => parser.command((await import("./install-service.ts")).installServiceCommand),
  licences: async (parser) => parser.command((await import("./licences.ts")).licencesCommand),
  config: async (parser) => parser.command((await import("./config.ts")).configCommand),
  man: async (parser) => parser.command((await import("./man.ts")).manCommand(helpTexts)),
};

/** The subcommands of commands that have some. */
const SUBCOMMANDS: Readonly<Record<string, readonly string[]>> = {
  config: ["check", "show", "docs"],
  injections: ["add", "edit", "remove", "list", "import", "propose", "history"],
  markers: ["add", "edit", "remove", "list", "import"],
  opcua: ["check", "browse", "trust"],
};

/** yargs' own command: prints a script for the shell, which asks the program for possible completions. */
const COMPLETION = "completion";
const COMPLETING = "--get-yargs-completions";

/** Returns the name of the command among the words. */
export const commandIn = (words: readonly string[]): string | undefined =>
  words.find((word) => Object.hasOwn(COMMANDS, word));

/** Adds the named command, or all commands for the help. */
export async function addCommands(parser: Argv<GlobalOptions>, words: readonly string[]): Promise<void> {
  const named = commandIn(words);
  const namesOnly = named === undefined && words[0] === COMPLETING;
  for (const [name, add] of Object.entries(COMMANDS)) {
    if (namesOnly) parser.command(name, "");
    else if (named === undefined || named === name) await add(parser);
  }
}

/** Returns the help of the program and of every command, for a terminal of 80 columns. */
export async function helpTexts(): Promise<HelpTexts> {
  const helpOf = async (words: readonly string[]) => {
    const parser = newParser(words);
    for (const add of Object.values(COMMANDS)) await add(parser);
    return longNames(await parser.wrap(80).getHelp());
  };
  const commands: [string, string][] = [];
  for (const name of Object.keys(COMMANDS)) commands.push([name, await helpOf([name])]);
  return { program: await helpOf([]), commands };
}

/**
 * Returns a parser without commands. For a wrong command line, it prints one line on standard error, sets the exit code and
 * throws AlreadyReported.
 */
export function newParser(words: readonly string[]): Argv<GlobalOptions> {
  const parser: Argv<GlobalOptions> = yargs(commandIn(words) === "compare" ? pairsApart(words) : words)
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
    .option("tz", TZ)
    .demandCommand(1, "no command given; `phorest --help` lists the commands")
    .strict()
    .middleware((argv) => {
      checkOptionValues(argv, parser, words);
      checkZone(argv.tz);
      // Commands that need no settings must also reject a wrong file name.
      const { config } = argv;
      return typeof config === "string" && !existsSync(config) ? refuseConfig(config) : undefined;
    }, true)
    .version(packageVersion())
    .help()
    .completion(COMPLETION, "Print a script that makes the shell complete commands and options")
    .showHelpOnFail(false)
    .exitProcess(false)
    .fail((message, error, usage) => {
      const complaint = message || error?.message;
      if (complaint === undefined || (error && error.name !== "YError")) throw error;
      const options = parser.parsed === false ? [] : Object.keys(parser.parsed.aliases);
      const command = commandIn(words);
      const commands = [...Object.keys(COMMANDS), COMPLETION];
      const typed = { words, command, commands, subcommands: SUBCOMMANDS[command ?? ""] ?? [], options };
      // Despite its type, this is not the parser, but what yargs knows about the command; its help is a string.
      process.stderr.write(`${usageLine(complaint, { ...typed, help: () => String(usage.help()) })}\n`);
      process.exitCode = WRONG_USAGE;
      throw new AlreadyReported();
    });
  // yargs prepares its help at the start of every command; wrapping its lines would take a tenth of the time of a short command.
  if (!words.some((word) => word.includes("help"))) parser.wrap(null);
  return parser;
}

/** Throws the problems of a configuration file. Loads the schema of the settings, which is not needed for completion. */
async function refuseConfig(path: string): Promise<void> {
  (await import("../config/config.ts")).loadConfig(path);
}

/** yargs shows a one-letter name with one dash, although it is typed with two like all others. */
export const longNames = (help: string): string => help.replace(/^ {2}-([a-z]) {4}/gm, "      --$1");

/** Thrown to leave yargs after it has printed its own message. */
export class AlreadyReported extends Error {}
