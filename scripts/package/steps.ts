// Helpers for all packing steps: run a program, and end with a one-line error.
import { spawnSync } from "node:child_process";

/** An error that stops the packing, with a one-line message. */
export class PackingError extends Error {}

/** Runs a program quietly. If it fails, throws a PackingError with the last lines of its output. */
export function run(
  command: string,
  args: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv; what: string },
): string {
  const { cwd, env, what } = options;
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: "utf8",
    maxBuffer: 1e9,
  });
  if (status === 0) return stdout;
  const said = `${stdout}\n${stderr}`.trim().split("\n");
  // A compiler error is followed by much other output.
  const complaints = said.filter((line) => /\berror:/.test(line));
  const told = (complaints.length > 0 ? complaints : said).slice(-12).join("\n");
  throw new PackingError(`${what} failed: ${error?.message ?? told}`);
}

/** Whether a program is installed here. */
export function has(command: string): boolean {
  return spawnSync(command, ["--version"], { stdio: "ignore" }).error === undefined;
}

export function say(line: string): void {
  process.stdout.write(`package: ${line}\n`);
}
