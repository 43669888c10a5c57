// The real program as a child process, for the tests that kill it, interrupt it or read what it prints.
import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../src/system/files.ts";
import { slowOnly } from "../support/slow-only.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `phorest ARGS` in `cwd`, with `env` added to the environment; `ended` resolves with its outputs. */
export function start(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): { child: ChildProcess; ended: Promise<Ended> } {
  slowOnly("starting the program");
  const child = spawn(process.execPath, [join(packageRoot(), "bin/phorest.js"), ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, ended };
}

/** Runs `phorest ARGS` in `cwd` to its end. */
export function phorest(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return start(args, cwd, env).ended;
}

/** A directory of its own that goes with the test; `config` becomes its config.toml. */
export function experiment(config?: string): string {
  const directory = temporaryDirectory();
  if (config !== undefined) writeFileSync(join(directory, "config.toml"), config);
  return directory;
}

/**
 * A small simulated chip, as fast as it goes. No plot: drawing one takes as long as all the rest of a short run. No speckle:
 * to make it takes an eighth of a short run; shot noise and read noise remain. Time to stop on a busy machine.
 */
export const QUICK_CONFIG = `
[Web]
enabled = false
[Timing]
collector_interval_seconds = 0.05
communicator_interval_seconds = 0.1
[Camera]
camera_type = "simulated"
[Simulation]
width = 640
height = 480
speckle = 0
[Report]
plot = false
[Supervisor]
shutdown_timeout_seconds = 120
`;
