// A machine with fake camera programs on PATH: sets one up for a test, and looks afterwards whether anything is left.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { encodePicture } from "../../../src/image/encode.ts";

const FAKES = dirname(fileURLToPath(import.meta.url));
/** Maximum time for programs to end after they were killed. */
const PATIENCE_MS = 60_000;
const VARIABLES = ["FAKE_FAULT", "FAKE_FORMATS", "FAKE_OLD_KERNEL", "FAKE_FAULT_FILE"] as const;

export class FakeMachine {
  readonly directory = mkdtempSync(join(tmpdir(), "phorest-fakes-"));
  private readonly before = { ...process.env };
  private readonly scratch = join(this.directory, "tmp");
  private readonly pids = join(this.directory, "pids");

  /** `programs`: which of the fakes are installed. */
  constructor(programs: readonly string[]) {
    const bin = join(this.directory, "bin");
    for (const path of [bin, this.scratch]) mkdirSync(path);
    for (const program of programs) symlinkSync(join(FAKES, program), join(bin, program));
    Object.assign(process.env, {
      PATH: [bin, dirname(process.execPath), "/usr/bin", "/bin"].join(delimiter),
      TMPDIR: this.scratch,
      FAKE_STATE: join(this.directory, "state.json"),
      FAKE_PIDS: this.pids,
      FAKE_JPEG: join(this.directory, "picture.jpg"),
    });
  }

  set(variable: (typeof VARIABLES)[number], value: string): void {
    process.env[variable] = value;
  }

  /** The picture that JPEG-writing fakes give; returns its bytes. */
  async putJpeg(): Promise<Uint8Array> {
    const pixels = Uint8Array.from({ length: 64 * 48 }, (_, at) => 2 * (at % 64));
    const bytes = await encodePicture({ pixels, width: 64, height: 48, bitDepth: 8 }, "jpeg");
    writeFileSync(join(this.directory, "picture.jpg"), bytes);
    return bytes;
  }

  /** What the fake v4l2 camera's controls are now. */
  controls(): Record<string, number> {
    return JSON.parse(readFileSync(join(this.directory, "state.json"), "utf8")).controls;
  }

  /**
   * Processes of the fakes that still run, or are zombies of ours, and files left in the temporary directory. A
   * grandchild that was killed belongs to init from then on, and is no longer ours.
   */
  async leftovers(): Promise<{ processes: string[]; files: string[] }> {
    const pids = existsSync(this.pids) ? readFileSync(this.pids, "utf8").trim().split("\n") : [];
    let processes = pids;
    // A signal is delivered when the scheduler comes to it.
    const untilMs = performance.now() + PATIENCE_MS;
    for (;;) {
      processes = pids.filter(isOurs);
      if (processes.length === 0 || performance.now() > untilMs) break;
      await sleep(20);
    }
    return { processes, files: readdirSync(this.scratch) };
  }

  /** Resolves when a program that plays a hanging camera runs, and its child. */
  async started(): Promise<void> {
    while (!existsSync(this.pids) || readFileSync(this.pids, "utf8").trim().split("\n").length < 2) await sleep(20);
  }

  /** The programs that ran until now are no longer asked about. */
  forget(): void {
    rmSync(this.pids, { force: true });
  }

  close(): void {
    for (const name of [...VARIABLES, "PATH", "TMPDIR", "FAKE_STATE", "FAKE_PIDS", "FAKE_JPEG"]) {
      if (this.before[name] === undefined) delete process.env[name];
      else process.env[name] = this.before[name];
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function isOurs(pid: string): boolean {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    // It is gone, which is what the test hopes for.
    return false;
  }
  const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return state !== "Z" || Number(parent) === process.pid;
}
