// Commands of the built program, one after the other in one process, for tests of what commands do and answer: to start a process
// and to load the program anew takes as long as a short run. What is killed or interrupted, what runs beside another command, and
// what reads or changes how a process lives is started by itself: program.ts.
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll } from "vitest";
import { packageRoot } from "../../src/system/files.ts";
import { slowOnly } from "../support/slow-only.ts";
import type { Ended } from "./program.ts";

const HOST = fileURLToPath(new URL("children/commands.mjs", import.meta.url));

/** A process that runs commands. */
class Host {
  readonly #child: ChildProcess;
  readonly #said = { stdout: "", stderr: "" };
  #heard: () => void = () => undefined;
  #gone: Pick<Ended, "code" | "signal"> | undefined;

  constructor() {
    const program = pathToFileURL(join(packageRoot(), "dist/src/cli.js")).href;
    this.#child = spawn(process.execPath, [HOST, program, join(packageRoot(), "bin/phorest.js")], {
      stdio: ["ignore", "pipe", "pipe", "pipe"],
    });
    for (const name of ["stdout", "stderr"] as const) {
      this.#child[name]?.setEncoding("utf8").on("data", (text: string) => {
        this.#said[name] += text;
        this.#heard();
      });
    }
    this.#child.on("close", (code, signal) => {
      this.#gone = { code, signal };
      this.#heard();
    });
  }

  /** A command may end the process that it runs in. */
  get isGone(): boolean {
    return this.#gone !== undefined;
  }

  async run(words: readonly string[], cwd: string, env: Readonly<Record<string, string>>): Promise<Ended> {
    const mark = `\0${randomUUID()} `;
    const line = `${JSON.stringify({ words, cwd, env: { ...process.env, ...env }, mark })}\n`;
    (this.#child.stdio[3] as Writable).write(line);
    const said = this.#said;
    const isOver = () =>
      this.isGone || (said.stdout.endsWith("\n") && said.stdout.includes(mark) && said.stderr.endsWith(`${mark}\n`));
    while (!isOver()) {
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
    const [stdout = "", code] = said.stdout.split(mark);
    const [stderr = ""] = said.stderr.split(mark);
    Object.assign(said, { stdout: "", stderr: "" });
    return { code: Number(code), signal: null, ...this.#gone, stdout, stderr };
  }

  async end(): Promise<void> {
    const closed = this.isGone || new Promise((resolve) => this.#child.once("close", resolve));
    (this.#child.stdio[3] as Writable).end();
    await closed;
  }
}

let host: Host | undefined;
let last: Promise<unknown> = Promise.resolve();

/** Runs `phorest WORDS` in `cwd` to its end, with `env` added to the environment; after the command that was asked for before it. */
export function command(
  words: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  slowOnly("starting the program");
  const ended = last.then(() => {
    if (host === undefined || host.isGone) host = new Host();
    return host.run(words, cwd, env);
  });
  last = ended.catch(() => undefined);
  return ended;
}

afterAll(() => host?.end());
