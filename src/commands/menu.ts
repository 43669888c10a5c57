// `phorest menu`: what a technician does over SSH, chosen instead of typed. Every choice runs the command of that name in a
// process of its own, and shows which; the menu itself knows nothing that the commands do not.
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
  /** The command it stands for. */
  readonly command: string;
  readonly description: string;
  act(): Promise<unknown>;
}

const START_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 200;
/** What a run that was started here says before it has its own logs. */
const START_LOG = "menu-start.log";

/** `commands`: names of the commands of this program; a choice whose command is not among them is not offered. */
export function menuCommand(commands: readonly string[]): CommandModule<GlobalOptions, GlobalOptions> {
  return {
    command: "menu",
    describe: "Start, stop, calibrate, preview, logs and storage, chosen from a menu",
    builder: (yargs) => yargs.example("$0 menu", "arrow keys and Enter; Ctrl-C leaves"),
    handler: async ({ config: file }) => {
      if (process.stdin.isTTY !== true || process.stdout.isTTY !== true) {
        throw new Failure("usage.invalid", "the menu needs a terminal", {
          hint: "in scripts use the commands themselves: phorest run, status, health, doctor",
        });
      }
      const loaded = loadConfig(file);
      endWithTerminal();
      try {
        while (await offer(loaded, file, commands));
      } catch (error) {
        // Ctrl-C at a question.
        if (!(error instanceof Error && error.name === "ExitPromptError")) throw error;
      }
    },
  };
}

/** One question and what follows; false once the user leaves. */
async function offer({ config }: Loaded, file: string | undefined, commands: readonly string[]): Promise<boolean> {
  const dataDir = config.Paths.data_dir;
  const holder = experimentHolder(dataDir);
  const run = (...words: string[]) => runCommand(words, file);
  const going: Choice = {
    name: "Stop",
    command: "run",
    description: "the frame in hand is finished, everything is written",
    act: () => stop(dataDir, config.Supervisor.shutdown_timeout_seconds),
  };
  const resting: Choice = {
    name: "Start",
    command: "run",
    description: "in the background: it goes on when you log out",
    act: () => start(dataDir, config.Paths.logs_dir, file),
  };
  const runs = (name: string, command: string, description: string, ...options: string[]): Choice => ({
    name,
    command,
    description,
    act: () => run(command, ...options),
  });
  const all: Choice[] = [
    runs("Status", "status", "stages, queues, last results, alarms; q comes back here", "--watch"),
    holder === undefined ? resting : going,
    runs("Preview", "preview", "a live picture for alignment; Ctrl-C comes back here"),
    {
      name: "Calibrate",
      command: "calibrate",
      description: "find the chip's labels in a picture, write the ROIs",
      act: () => calibrate(run),
    },
    runs("Logs", "logs", "the last lines of all stages"),
    runs("Health", "health", "is it well?"),
    runs("Check storage", "doctor", "disk, share, camera, clock: a line each, with the cure"),
    runs("Verify files", "verify", "every file against its recorded hash"),
    runs("Report", "report", "CSV, plots and a page of the run"),
  ];
  const known = all.filter(({ command }) => commands.includes(command));
  const state = holder === undefined ? "no run is going" : `a run is going (process ${holder.pid} on ${holder.host})`;
  const chosen = await select<Choice | undefined>({
    message: `phorest, ${dataDir}: ${state}`,
    pageSize: known.length + 1,
    choices: [
      ...known.map((choice) => ({
        name: choice.name,
        value: choice,
        description: `phorest ${choice.command}: ${choice.description}`,
      })),
      { name: "Leave", value: undefined, description: "a run goes on without the menu" },
    ],
  });
  if (chosen === undefined) return false;
  await chosen.act();
  return true;
}

/** The command that the menu has started and waits for. */
let running: ChildProcess | undefined;

/** A stop, or a terminal that was closed, ends the menu, and first the command that it has started. */
function endWithTerminal(): void {
  const end = (signal: StopSignal) => {
    const code = SIGNAL_EXIT_CODES[signal];
    if (running === undefined) process.exit(code);
    // Ctrl-C reaches the command by itself and is for the command alone.
    if (signal === "SIGINT") return;
    running.once("exit", () => process.exit(code));
    running.kill(signal);
  };
  onStopSignal(end);
  // Before the question hears of it: it would try to give a terminal back that is no longer there.
  process.stdin.prependListener("end", () => end("SIGHUP"));
}

/** Runs a command of this program on this terminal; its exit code is said unless it is 0. */
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
    if (code !== 0) process.stdout.write(`(exit code ${code ?? "none: interrupted"})\n`);
  } finally {
    running = undefined;
  }
}

async function calibrate(run: (...words: string[]) => Promise<void>): Promise<void> {
  const image = await input({ message: "Picture to calibrate with (empty: back)" });
  if (image.trim() !== "") await run("calibrate", image.trim());
}

/** A run of its own session; whether it came up is seen by the lock. */
async function start(dataDir: string, logsDir: string, file: string | undefined): Promise<void> {
  mkdirSync(logsDir, { recursive: true });
  const path = join(logsDir, START_LOG);
  const said = openSync(path, "w");
  const args = ["run", ...(file === undefined ? [] : ["--config", file])];
  const child = spawn(...ownCommand(args), { detached: true, stdio: ["ignore", said, said] });
  closeSync(said);
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
    `${words}\n${ended === undefined ? `not up yet; see ${path}` : `it did not start (${ended})`}\n`,
  );
}

async function stop(dataDir: string, limitSeconds: number): Promise<void> {
  const holder = experimentHolder(dataDir);
  if (holder === undefined) return void process.stdout.write("no run is going\n");
  if (holder.host !== hostname() || holder.pid <= 0) {
    return void process.stdout.write(`the run is process ${holder.pid} on ${holder.host}: stop it there\n`);
  }
  if (!(await confirm({ message: `Stop the run (process ${holder.pid})?`, default: false }))) return;
  try {
    process.kill(holder.pid, "SIGTERM");
  } catch (error) {
    const code = errorCode(error);
    if (code !== "EPERM" && code !== "ESRCH") throw error;
    const why =
      code === "EPERM" ? "it belongs to another user; ask for the right, or stop its service" : "it has ended";
    return void process.stdout.write(`process ${holder.pid}: ${why}\n`);
  }
  process.stdout.write("stopping: the frame in hand is finished\n");
  const untilMs = performance.now() + limitSeconds * 1000 + START_WITHIN_MS;
  while (performance.now() < untilMs) {
    if (experimentHolder(dataDir)?.pid !== holder.pid) return void process.stdout.write("stopped\n");
    await sleep(LOOK_EVERY_MS);
  }
  process.stdout.write("it still runs; look at its log, or send the signal again\n");
}
