// The real program with its page, for the tests that use its HTTP API or look at it in a browser.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import type { StateView } from "../../src/web/views.ts";
import { command } from "../run/commands.ts";
import { type Ended, start } from "../run/program.ts";
import { launch } from "./browser.ts";

/**
 * Of a request with a connection for itself: the server closes one that was silent for five seconds, which a test that is held up
 * notices only when it has sent the next request.
 */
export const FOR_ITSELF: Readonly<Record<string, string>> = { Connection: "close" };

/**
 * The settings of a run on a simulated chip with readable labels, with its page at a free port. No plot, and no CSV soon. Time to
 * stop on a busy machine.
 */
export function simulatedChipConfig({
  collectorSeconds,
  more = "",
}: {
  collectorSeconds: number;
  more?: string;
}): string {
  return `
[Timing]
collector_interval_seconds = ${collectorSeconds}
communicator_interval_seconds = 60
[Camera]
camera_type = "simulated"
[Simulation]
width = 960
height = 730
px_per_um = 0.362
[Report]
plot = false
[Web]
port = 0
[Supervisor]
shutdown_timeout_seconds = 120
${more}`;
}

/** As many frames as asked for, as fast as they go and without a page, in the directory of a run that is slower. */
async function takeFrames(directory: string, config: string, frames: number): Promise<void> {
  const quick = config.replace(/^collector_interval_seconds = .*$/m, "collector_interval_seconds = 0.1");
  writeFileSync(join(directory, "config.toml"), quick.replace(/^port = 0$/m, "enabled = false"));
  const { code, stderr } = await command(["run", "--frames", String(frames), "--until-idle"], directory);
  expect(code, stderr).toBe(0);
}

/**
 * One run of the program for all tests of a file or a `describe`: `frames` frames are measured before the first of them, and
 * it ends without a fault after the last. `running` is there once the first test runs. An open page is drawn anew for each
 * frame: let a run be as slow as its tests allow, which costs no time, because all frames but one are taken before.
 */
export function sharedRun(config: string, frames: number): { readonly directory: string; readonly running: Running } {
  let running: Running | undefined;
  const directory = mkdtempSync(join(tmpdir(), "phorest-web-"));
  beforeAll(async () => {
    if (frames > 1) await takeFrames(directory, config, frames - 1);
    running = await Running.start(directory, config, frames);
  });
  afterAll(async () => {
    const ended = await running?.stop();
    rmSync(directory, { recursive: true, force: true });
    expect(ended?.code, ended?.stderr).toBe(0);
  });
  return {
    directory,
    get running() {
      if (running === undefined) throw new Error("the run is started before the first test");
      return running;
    },
  };
}

/** One browser for all tests of a file or a `describe`, there once the first of them runs. */
export function sharedBrowser(): { readonly browser: Browser } {
  let browser: Browser | undefined;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(async () => browser?.close());
  return {
    get browser() {
      if (browser === undefined) throw new Error("the browser is started before the first test");
      return browser;
    },
  };
}

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

  /** The server's answer; asked again while it is too busy for one, as the page does. */
  async answer(path: string): Promise<Response> {
    for (;;) {
      const answer = await fetch(new URL(path, this.address), { headers: FOR_ITSELF });
      if (answer.status !== 503) return answer;
      await answer.body?.cancel();
      await sleep(200);
    }
  }

  async read<T>(path: string): Promise<T> {
    return (await (await this.answer(path)).json()) as T;
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
