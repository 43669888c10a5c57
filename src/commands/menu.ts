// `phorest menu`: a menu of the common commands, for example for work over SSH. Each choice shows the command and runs it in a
// separate process.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import confirm from "@inquirer/confirm";
import input from "@inquirer/input";
import select from "@inquirer/select";
import type { CommandModule } from "yargs";
import { loadConfig } from "../config/config.ts";
import type { Loaded } from "../config/loaded.ts";
import { errorCode } from "../failure/error-code.ts";
import { Failure } from "../failure/failure.ts";
import { experimentHolder } from "../manifest/lock.ts";
import { onStopSignal, SIGNAL_EXIT_CODES, type StopSignal } from "../system/stop-signals.ts";
import type { GlobalOptions } from "./global.ts";
import { ownCommand } from "./own-command.ts";

interface Choice {
  readonly name: string;
  /** The command that it runs. */
  readonly command: string;
  readonly description: string;
  act(): Promise<unknown>;
}

const START_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 200;
/** File for the output of a run started here, until it writes its own logs. */
const START_LOG = "menu-start.log";

/** `commands`: names of the available commands; other choices are not offered. */
export function menuCommand(commands: readonly string[]): CommandModule<GlobalOptions, GlobalOptions> {
  return {
    command: "menu",
    describe: "Start, stop, calibrate and check the experiment from a menu",
    builder: (yargs) => yargs.example("$0 menu", "choose with the arrow keys and Enter; Ctrl-C quits"),
    handler: async ({ config: file }) => {
      if (process.stdin.isTTY !== true || process.stdout.isTTY !== true) {
        throw new Failure("usage.invalid", "the menu needs a terminal", {
          hint: "in scripts, use commands such as phorest run, status, health or doctor",
        });
      }
      const loaded = loadConfig(file);
      endWithTerminal();
      try {
        while (await offer(loaded, file, commands));
      } catch (error) {
        // Ctrl-C at a prompt.
        if (!(error instanceof Error && error.name === "ExitPromptError")) throw error;
      }
    },
  };
}

/** Asks once and runs the choice; false when the user quits. */
async function offer({ config }: Loaded, file: string | undefined, commands: readonly string[]): Promise<boolean> {
  const dataDir = config.Paths.data_dir;
  const holder = experimentHolder(dataDir);
  const run = (...words: string[]) => runCommand(words, file);
  const stopChoice: Choice = {
    name: "Stop",
    command: "run",
    description: "finishes the current frame and writes all data",
    act: () => stop(dataDir, config.Supervisor.shutdown_timeout_seconds),
  };
  const startChoice: Choice = {
    name: "Start",
    command: "run",
    description: "in the background; it continues when you log out",
    act: () => start(dataDir, config.Paths.logs_dir, file),
  };
  const runs = (name: string, command: string, description: string, ...options: string[]): Choice => ({
    name,
    command,
    description,
    act: () => run(command, ...options),
  });
  const all: Choice[] = [
    runs("Status", "status", "stages, queues, last results and alarms; q returns here", "--watch"),
    holder === undefined ? startChoice : stopChoice,
    runs("Preview", "preview", "live image for alignment; Ctrl-C returns here"),
    {
      name: "Calibrate",
      command: "calibrate",
      description: "find the chip in an image and write the ROIs",
      act: () => calibrate(run),
    },
    runs("Logs", "logs", "the last log lines of all stages"),
    runs("Health", "health", "reports problems"),
    runs("Check storage", "doctor", "checks disk, share, camera and clock, and says how to fix problems"),
    runs("Verify files", "verify", "compares every file with its recorded hash"),
    runs("Report", "report", "CSV, plots and an HTML page"),
  ];
  const known = all.filter(({ command }) => commands.includes(command));
  const state = holder === undefined ? "no run is active" : `a run is active (process ${holder.pid} on ${holder.host})`;
  const chosen = await select<Choice | undefined>({
    message: `phorest, ${dataDir}: ${state}`,
    pageSize: known.length + 1,
    choices: [
      ...known.map((choice) => ({
        name: choice.name,
        value: choice,
        description: `phorest ${choice.command}: ${choice.description}`,
      })),
      { name: "Quit", value: undefined, description: "an active run continues" },
    ],
  });
  if (chosen === undefined) return false;
  await chosen.act();
  return true;
}

/** The command that the menu is waiting for. */
let running: ChildProcess | undefined;

/** A stop signal or a closed terminal ends the running command, then the menu. */
function endWithTerminal(): void {
  const end = (signal: StopSignal) => {
    const code = SIGNAL_EXIT_CODES[signal];
    if (running === undefined) process.exit(code);
    // The terminal sends Ctrl-C to the command too; it is meant only for the command.
    if (signal === "SIGINT") return;
    running.once("exit", () => process.exit(code));
    running.kill(signal);
  };
  onStopSignal(end);
  // Runs before the prompt's own handler, which would try to restore a closed terminal.
  process.stdin.prependListener("end", () => end("SIGHUP"));
}

/** Runs a command of this program on this terminal; prints its exit code if it is not 0. */
async function runCommand(words: readonly string[], file: string | undefined): Promise<void> {
  const args = [...words, ...(file === undefined ? [] : ["--config", file])];
  process.stdout.write(`$ phorest ${args.join(" ")}\n`);
  const child = spawn(...ownCommand(args), { stdio: "inherit" });
  running = child;
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on("error", reject);
      child.on("exit", resolve);
    });
    if (code !== 0) process.stdout.write(`(${code === null ? "interrupted" : `exit code ${code}`})\n`);
  } finally {
    running = undefined;
  }
}

async function calibrate(run: (...words: string[]) => Promise<void>): Promise<void> {
  const image = await input({ message: "Image to calibrate with (leave empty to go back)" });
  if (image.trim() !== "") await run("calibrate", image.trim());
}

/** Starts a run in its own session, and waits until it holds the experiment's lock. */
async function start(dataDir: string, logsDir: string, file: string | undefined): Promise<void> {
  mkdirSync(logsDir, { recursive: true });
  const path = join(logsDir, START_LOG);
  const output = openSync(path, "w");
  const args = ["run", ...(file === undefined ? [] : ["--config", file])];
  const child = spawn(...ownCommand(args), { detached: true, stdio: ["ignore", output, output] });
  closeSync(output);
  let ended: string | undefined;
  child.on("error", (error) => {
    ended = error.message;
  });
  child.on("exit", (code) => {
    ended = `exit code ${code}`;
  });
  const untilMs = performance.now() + START_WITHIN_MS;
  while (ended === undefined && performance.now() < untilMs) {
    if (experimentHolder(dataDir)?.pid === child.pid) {
      child.unref();
      process.stdout.write(`started: process ${child.pid}\n`);
      return;
    }
    await sleep(LOOK_EVERY_MS);
  }
  child.unref();
  const words = readFileSync(path, "utf8").trim();
  process.stdout.write(
    `${words}\n${ended === undefined ? `not started yet; see ${path}` : `the run did not start (${ended})`}\n`,
  );
}

async function stop(dataDir: string, limitSeconds: number): Promise<void> {
  const holder = experimentHolder(dataDir);
  if (holder === undefined) return void process.stdout.write("no run is active\n");
  if (holder.host !== hostname() || holder.pid <= 0) {
    return void process.stdout.write(`the run is process ${holder.pid} on ${holder.host}; stop it there\n`);
  }
  if (!(await confirm({ message: `Stop the run (process ${holder.pid})?`, default: false }))) return;
  try {
    process.kill(holder.pid, "SIGTERM");
  } catch (error) {
    const code = errorCode(error);
    if (code !== "EPERM" && code !== "ESRCH") throw error;
    const why =
      code === "EPERM"
        ? "it belongs to another user; stop it as that user, or stop its service"
        : "it has ended already";
    return void process.stdout.write(`process ${holder.pid}: ${why}\n`);
  }
  process.stdout.write("stopping after the current frame ...\n");
  const untilMs = performance.now() + limitSeconds * 1000 + START_WITHIN_MS;
  while (performance.now() < untilMs) {
    if (experimentHolder(dataDir)?.pid !== holder.pid) return void process.stdout.write("stopped\n");
    await sleep(LOOK_EVERY_MS);
  }
  process.stdout.write("the run has not stopped yet; check its log, or choose Stop again\n");
}
