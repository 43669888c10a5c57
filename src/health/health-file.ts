// Writes the state of a run to a small file, for health checks that must be cheap: `phorest health` loads for half a second,
// while a shell only has to look at the age and the first word of a file. PHOREST_HEALTH_FILE names the file.
import { rmSync } from "node:fs";
import type { Config } from "../config/schema.ts";
import { failureLine } from "../failure/failure.ts";
import type { StageLog } from "../log/logger.ts";
import { wallClockUs } from "../system/clock.ts";
import { outputPlace, refreshOutput } from "../system/output-file.ts";
import { healthReport } from "./report.ts";
import { takeSnapshot } from "./snapshot.ts";

/** A check may treat a file older than a minute as a hanging run, so one late write must not matter. */
const EVERY_MS = 5000;

export interface HealthFileOptions {
  /** Undefined: no file is written. */
  readonly file: string | undefined;
  readonly config: Config;
  readonly log: StageLog;
}

/** Writes `fine`, or `ill` and the problems, every five seconds. */
export class HealthFile {
  private readonly options: HealthFileOptions;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();
  private complained = false;

  constructor(options: HealthFileOptions) {
    this.options = options;
  }

  start(): void {
    if (this.options.file === undefined) return;
    const beat = () => {
      this.writing = this.writing.then(() => this.write());
    };
    this.timer = setInterval(beat, EVERY_MS);
    beat();
  }

  /** Removes the file, because no run is active. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.writing;
    const { file } = this.options.file === undefined ? {} : outputPlace(this.options.file);
    if (file !== undefined) rmSync(file, { force: true });
  }

  private async write(): Promise<void> {
    const { file = "", log } = this.options;
    try {
      await refreshOutput(file, Buffer.from(`${this.lines().join("\n")}\n`));
    } catch (error) {
      // An old file means the same to the check.
      if (!this.complained) log.warn(`cannot write the health file ${file}: ${failureLine(error)}`);
      this.complained = true;
    }
  }

  /** Returns what `phorest health` would say. */
  private lines(): string[] {
    try {
      const { verdict, snapshot, told } = healthReport(
        this.options.config,
        takeSnapshot(this.options.config, wallClockUs()),
      );
      return verdict === "fine" ? ["fine"] : ["ill", ...snapshot.alarms, ...told.map(({ text }) => text)];
    } catch (error) {
      return ["ill", failureLine(error)];
    }
  }
}
