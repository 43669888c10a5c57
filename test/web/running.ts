// The real program with its page, for the tests that look at it in a browser.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { StateView } from "../../src/web/views.ts";
import { type Ended, start } from "../run/program.ts";

export class Running {
  /** The page's address with the token in it. */
  readonly link: string;
  readonly address: string;
  readonly #program: ReturnType<typeof start>;

  private constructor(program: ReturnType<typeof start>, link: string) {
    this.#program = program;
    this.link = link;
    this.address = new URL("/", link).href;
  }

  /** Runs in `directory`, where a first run prints the link, until `frames` are measured. */
  static async start(directory: string, config: string, frames: number): Promise<Running> {
    writeFileSync(join(directory, "config.toml"), config);
    const program = start(["run"], directory);
    let said = "";
    const link = await new Promise<string>((resolve, reject) => {
      program.child.stderr?.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        const found = /to make changes, open (\S+)/.exec(said)?.[1];
        if (found !== undefined) resolve(found);
      });
      program.child.on("exit", () => reject(new Error(said)));
    });
    const running = new Running(program, link);
    while ((await running.measured()) < frames) await sleep(100);
    return running;
  }

  get pid(): number {
    return this.#program.child.pid ?? Number.NaN;
  }

  async read<T>(path: string): Promise<T> {
    return (await (await fetch(new URL(path, this.address))).json()) as T;
  }

  async measured(): Promise<number> {
    return (await this.read<StateView>("/api/state")).counts?.processed ?? 0;
  }

  /** Asks for the end, and waits for it. */
  stop(): Promise<Ended> {
    this.#program.child.kill("SIGTERM");
    return this.#program.ended;
  }
}
