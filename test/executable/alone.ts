// The one executable as a lab gets it: copied to a place of its own, as a user without a home, with nothing in its
// environment, and with no node_modules in any directory above it.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { packageRoot, packageVersion } from "../../src/system/files.ts";

const NOBODY = 65_534;
export const IS_ROOT = process.getuid?.() === 0;
const SOMEBODY_ELSE = IS_ROOT ? { uid: NOBODY, gid: NOBODY } : {};

/** Where `npm run package` writes the executable for `arch`. */
export function madeFor(arch: string): string {
  return join(packageRoot(), "dist", `phorest-${packageVersion()}-linux-${arch}`);
}

export interface Started {
  readonly child: ChildProcess;
  /** All that it has said on standard error up to now. */
  said(): string;
  /** Resolves with the first match on standard error; rejects when the program ends before. */
  saying(pattern: RegExp): Promise<RegExpExecArray>;
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

export class Alone {
  /** Everything of this copy lies below; the copy itself and `cache` among it. */
  readonly home: string;
  readonly program: string;
  readonly cache: string;
  private readonly launcher: readonly string[];

  /** `launcher`: a program that runs it, with its options, where this machine cannot by itself. */
  constructor(made: string, launcher: readonly string[] = []) {
    this.launcher = launcher;
    if (!existsSync(made)) throw new Error(`${made} is not there: npm run package`);
    this.home = mkdtempSync(join(tmpdir(), "phorest-executable-"));
    for (let above = this.home; above !== dirname(above); above = dirname(above)) {
      if (existsSync(join(above, "node_modules"))) throw new Error(`${above}/node_modules is in reach`);
    }
    chmodSync(this.home, 0o755);
    this.cache = this.directory("cache");
    this.program = join(this.home, "phorest");
    copyFileSync(made, this.program);
    chmodSync(this.program, 0o755);
  }

  remove(): void {
    rmSync(this.home, { recursive: true, force: true });
  }

  /** An empty directory of the user it runs as. */
  directory(prefix: string): string {
    const made = prefix === "cache" ? join(this.home, prefix) : mkdtempSync(join(this.home, `${prefix}-`));
    mkdirSync(made, { recursive: true });
    if (IS_ROOT) chownSync(made, NOBODY, NOBODY);
    return made;
  }

  /** An empty directory, but for the configuration where one is given. */
  experiment(config?: string): string {
    const made = this.directory("experiment");
    if (config !== undefined) writeFileSync(join(made, "config.toml"), config);
    return made;
  }

  /** Runs it to its end with nothing but `env` in its environment. */
  run(words: readonly string[], directory: string, env: NodeJS.ProcessEnv = this.settings) {
    const [program = "", ...all] = [...this.launcher, this.program, ...words];
    return spawnSync(program, all, { cwd: directory, env, encoding: "utf8", maxBuffer: 1e9, ...SOMEBODY_ELSE });
  }

  start(words: readonly string[], directory: string, env: NodeJS.ProcessEnv = this.settings): Started {
    const [program = "", ...all] = [...this.launcher, this.program, ...words];
    const child = spawn(program, all, {
      cwd: directory,
      env,
      stdio: ["ignore", "pipe", "pipe"],
      ...SOMEBODY_ELSE,
    });
    let said = "";
    child.stdout.resume();
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
      child.on("close", (code, signal) => resolve(code ?? signal));
    });
    const saying = (pattern: RegExp) =>
      new Promise<RegExpExecArray>((resolve, reject) => {
        const look = () => {
          const found = pattern.exec(said);
          if (found !== null) resolve(found);
        };
        child.stderr.on("data", look);
        void ended.then((code) => reject(new Error(`ended with ${code}: ${said}`)));
        look();
      });
    return { child, said: () => said, saying, ended };
  }

  /** The only thing in its environment, unless a test gives it another. */
  get settings(): NodeJS.ProcessEnv {
    return { PHOREST_CACHE_DIR: this.cache };
  }
}
