// Takes brightfield images between captures: after a configured number of captures, or on request. It starts one only if there
// is enough time before the next capture.
import { brightfieldProblems } from "../../config/consistency.ts";
import type { Config } from "../../config/schema.ts";
import { Failure, failureLine } from "../../failure/failure.ts";
import type { StageLog } from "../../log/logger.ts";
import type { BrightfieldState } from "../contract/stage-definition.ts";

export interface BrightfieldOptions {
  readonly config: Config;
  /** False for sources that only read images of other programs. */
  readonly live: boolean;
  readonly log: StageLog;
  /** Takes a brightfield image; resolves with its path. */
  take(signal: AbortSignal): Promise<string>;
  /** Time until the next capture starts, ms; 0 while one is in progress or none is planned. */
  untilCaptureMs(): number;
  /** Called when the state changes. */
  changed(): void;
}

export class BrightfieldPictures {
  private readonly options: BrightfieldOptions;
  private readonly ending = new AbortController();
  private asked = false;
  private tookMs: number | undefined;
  private inProgress: Promise<void> | undefined;
  private failedWith: string | undefined;
  private current: BrightfieldState;

  constructor(options: BrightfieldOptions) {
    this.options = options;
    const reason = whyNone(options);
    this.current = reason === undefined ? { state: "none", message: "" } : { state: "unavailable", message: reason };
  }

  get state(): BrightfieldState {
    return this.current;
  }

  /** Takes one as soon as no capture is in the way. Throws a Failure if none can be taken at all. */
  ask(): void {
    const reason = whyNone(this.options);
    if (reason !== undefined) throw new Failure("usage.invalid", reason);
    if (this.asked || this.inProgress !== undefined) return;
    this.asked = true;
    this.move("asked", "");
    if (this.options.untilCaptureMs() >= this.neededMs) this.begin(this.ending.signal);
  }

  /** Called after each capture; `captured` is their number so far. Takes a brightfield image if one is due or requested. */
  async afterCapture(captured: number, signal: AbortSignal): Promise<void> {
    const { config, live } = this.options;
    const due = config.Services.enable_brightfield && live && captured % config.Brightfield.every_n === 0;
    if (due || this.asked) this.begin(signal);
    await this.settled();
  }

  /** Resolves when no brightfield image is being taken. */
  async settled(): Promise<void> {
    await this.inProgress;
  }

  /** Aborts the one in progress. */
  async close(): Promise<void> {
    this.asked = false;
    this.ending.abort();
    await this.settled();
  }

  /** Estimated duration: that of the last one plus a margin. The first one may take half of the time between captures. */
  private get neededMs(): number {
    const everyMs = this.options.config.Timing.collector_interval_seconds * 1000;
    return this.tookMs === undefined ? everyMs / 2 : 2 * this.tookMs;
  }

  private begin(signal: AbortSignal): void {
    this.asked = false;
    this.inProgress ??= this.takeOne(signal).finally(() => {
      this.inProgress = undefined;
    });
  }

  /** Never rejects: a problem here is worth a warning, but never a frame. */
  private async takeOne(signal: AbortSignal): Promise<void> {
    const startedMs = performance.now();
    this.move("taking", "");
    try {
      const path = await this.options.take(signal);
      this.tookMs = performance.now() - startedMs;
      if (this.failedWith !== undefined) this.options.log.info("brightfield images can be taken again");
      this.failedWith = undefined;
      this.move("taken", path);
    } catch (thrown) {
      const line = failureLine(thrown);
      // Logged once per reason, so that a lamp that is off for a night gives one line, not thousands.
      const isNew = line !== this.failedWith;
      this.options.log.log(isNew ? "warn" : "debug", `cannot take a brightfield image: ${line}`);
      this.failedWith = line;
      this.move("failed", line);
    }
  }

  private move(state: BrightfieldState["state"], message: string): void {
    this.current = { state, message };
    this.options.changed();
  }
}

/** Returns why a run cannot take brightfield images; undefined if it can. */
function whyNone({ config, live }: Pick<BrightfieldOptions, "config" | "live">): string | undefined {
  if (!live) return "this camera type reads files from another program, so it cannot take brightfield images";
  if (!config.Services.enable_camera) return "the camera is switched off (Services.enable_camera = false)";
  return brightfieldProblems(config)[0];
}
