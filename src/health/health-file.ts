// The state of a run in a small file, for health checks that must cost nothing: starting `phorest health` loads half a second
// of program, a shell only looks at the age and the first word of a file. Kept where PHOREST_HEALTH_FILE names one.
import { rmSync } from "node:fs";
import type { Config } from "../config/schema.ts";
import { failureLine } from "../failure/failure.ts";
import type { StageLog } from "../log/logger.ts";
import { wallClockUs } from "../system/clock.ts";
import { outputPlace, refreshOutput } from "../system/output-file.ts";
import { healthReport } from "./report.ts";
import { takeSnapshot } from "./snapshot.ts";

/** A check that takes a file older than a minute for a hanging run must not meet one late file. */
const EVERY_MS = 5000;

export interface HealthFileOptions {
  /** Undefined writes none. */
  readonly file: string | undefined;
  readonly config: Config;
  readonly log: StageLog;
}

/** Writes `fine`, or `ill` and what is wrong, every five seconds. */
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

  /** Removes the file: no run, no health. */
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
      // An old file tells the check the same.
      if (!this.complained) log.warn(`cannot write the health file ${file}: ${failureLine(error)}`);
      this.complained = true;
    }
  }

  /** As `phorest health` would say. */
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
