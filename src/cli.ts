// The command line: runs the named command, and turns anything thrown into one plain line.
import { hideBin } from "yargs/helpers";
import { guardOutputs } from "./commands/outputs.ts";
import { AlreadyReported, addCommands, commandIn, longNames, newParser } from "./commands/parser.ts";
import { forTerminal } from "./commands/shown-zone.ts";
import { encodeFailure, type FailureCode, type FailureData, failureLine } from "./failure/failure.ts";
import { checkParts } from "./installation/parts.ts";
import { isService } from "./installation/systemd-notify.ts";
import { packageVersion } from "./system/files.ts";
import { holdNoLonger, keepHangUpIgnored } from "./system/stop-signals.ts";

/** Errors in the command line, settings or installation: nothing was started. */
const USAGE_CODES: ReadonlySet<FailureCode> = new Set([
  "config.invalid",
  "usage.invalid",
  "experiment.locked",
  "experiment.unusable",
  // An image that the user named: those of an experiment are failed frames, not errors of a command.
  "frame.missing",
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
const HELP = "--help";
const WIDEST_HELP = 80;

async function main(): Promise<void> {
  const words = hideBin(process.argv);
  if (words.includes("--version")) {
    process.stdout.write(`${packageVersion()}\n`);
    return;
  }
  const isHelp = words.includes(HELP);
  const parser = newParser(isHelp ? words.filter((word) => word !== HELP) : words);
  try {
    const named = commandIn(words);
    holdNoLonger(named);
    if (named !== undefined) await checkParts(named);
    await addCommands(parser, words);
    if (isHelp) {
      const { columns = WIDEST_HELP } = process.stdout;
      process.stdout.write(`${longNames(await parser.wrap(Math.min(WIDEST_HELP, columns)).getHelp())}\n`);
      return;
    }
    await parser.parseAsync();
  } catch (thrown) {
    if (thrown instanceof AlreadyReported) return;
    process.stderr.write(`${forTerminal(failureLine(thrown))}\n`);
    process.exitCode = exitCodeOf(encodeFailure(thrown));
    if (process.env.PHOREST_DEBUG !== undefined && thrown instanceof Error) process.stderr.write(`${thrown.stack}\n`);
  }
}

/** systemd does not restart a service that exits with WRONG_USAGE, so use FAILED if a later try can help. */
function exitCodeOf({ code, retry }: FailureData): number {
  const isForGood = retry === "never" || !isService(process.env);
  if (USAGE_CODES.has(code) && isForGood) return WRONG_USAGE;
  return code === "calibration.uncertain" ? UNDECIDED : FAILED;
}

guardOutputs();
keepHangUpIgnored();
await main();
