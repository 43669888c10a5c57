// The supervisor's side of the web page: starts its thread, notifies it of news, and makes the changes that users request. The
// page may be slow or may crash, so nothing here waits for it, except for a limited time at the end of a run.

import type { Config } from "../config/schema.ts";
import { encodeFailure, Failure, type FailureData, failureLine, lineOf } from "../failure/failure.ts";
import type { StageLog } from "../log/logger.ts";
import { changeExperiment } from "../manifest/experiment-change.ts";
import { notePage } from "../manifest/lock.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { OpenStage } from "../stages/contract/stage-definition.ts";
import { backOff } from "../system/back-off.ts";
import { wallClockUs } from "../system/clock.ts";
import { withDeadline } from "../system/deadline.ts";
import { openThread, type WorkerHandle } from "../threads/worker-handle.ts";
import type { Change, FromWeb, ToWeb } from "../web/messages.ts";
import { ensureToken } from "../web/token.ts";

const FIRST_RESTART_MS = 1_000;
const LONGEST_RESTART_MS = 300_000;

export interface WebHostOptions {
  readonly config: Config;
  readonly origins: Readonly<Record<string, string>>;
  readonly manifest: Manifest;
  readonly manifestFile: string;
  readonly log: StageLog;
  /** The brightfield interface of the stage that takes brightfield images. */
  readonly brightfield: NonNullable<OpenStage["brightfield"]>;
  /** When the next capture is due, wall clock in ms; undefined if none is planned. */
  nextCaptureMs(): number | undefined;
  /** Shows the link with the token, which must not be in a log. */
  announce(line: string): void;
}

export class WebHost {
  private readonly options: WebHostOptions;
  private worker: WorkerHandle | undefined;
  private restart: NodeJS.Timeout | undefined;
  /** How often its thread has ended since it last answered. */
  private losses = 0;
  private ending = false;
  private ended: () => void = () => undefined;
  private announced = false;
  /** Why there is no page. */
  problem: string | undefined;

  constructor(options: WebHostOptions) {
    this.options = options;
  }

  /** Starts the page; problems are logged and never thrown. */
  start(): void {
    const { config, origins, manifestFile, log } = this.options;
    try {
      const { token, fresh, file } = ensureToken(config.Paths.root_dir);
      this.worker = openThread("web", {
        message: (message) => this.hear(message as FromWeb, { token, fresh, file }),
        lost: (how) => this.lost(how),
      });
      this.post({ type: "open", settings: { config, origins, token, manifestFile } });
    } catch (error) {
      this.problem = failureLine(error);
      log.warn(`the web page is not available: ${this.problem}`);
    }
  }

  /** Tells the page that something in the manifest is new. */
  look(): void {
    if (this.worker === undefined) return;
    const { nextCaptureMs, brightfield } = this.options;
    this.post({ type: "look", nextCaptureMs: nextCaptureMs(), brightfield: brightfield.state });
  }

  /** Closes the page and its connection to the manifest; ends the thread by force after `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    this.ending = true;
    clearTimeout(this.restart);
    const worker = this.worker;
    if (worker === undefined) return;
    const ended = new Promise<void>((resolve) => {
      this.ended = resolve;
    });
    this.post({ type: "close" });
    const late = () => new Failure("internal", "the web page did not close in time and is stopped");
    await withDeadline(ended, timeoutMs, late).catch((error: unknown) => this.options.log.warn(failureLine(error)));
    await worker.end();
  }

  private post(message: ToWeb): void {
    this.worker?.post(message);
  }

  private hear(message: FromWeb, { token, fresh, file }: { token: string; fresh: boolean; file: string }): void {
    const { log, announce } = this.options;
    switch (message.type) {
      case "listening":
        this.losses = 0;
        this.problem = undefined;
        notePage(this.options.config.Paths.data_dir, message.address);
        log.info(`web page: ${message.address} (access token in ${file})`);
        if (fresh && !this.announced)
          announce(
            `to make changes, open ${message.address}#token=${token} (shown only once; the token is in ${file})`,
          );
        this.announced = true;
        return;
      case "refused":
        this.problem = lineOf(message.failure);
        log.warn(`the web page is not available: ${this.problem}`);
        return;
      case "log":
        log.log(message.level, message.message);
        return;
      case "change":
        this.post({ type: "changed", id: message.id, failure: this.change(message.change) });
        this.look();
        return;
      case "closed":
        this.ended();
        return;
      default:
        message satisfies never;
    }
  }

  /** Makes a change in this thread, the only one that writes the manifest; returns the failure if it cannot. */
  private change(change: Change): FailureData | undefined {
    try {
      this.apply(change);
      return undefined;
    } catch (error) {
      return encodeFailure(error);
    }
  }

  private apply(change: Change): void {
    const { log, manifest, brightfield } = this.options;
    if (change.type === "take-brightfield") {
      brightfield.ask();
      log.info("brightfield image requested on the web page");
      return;
    }
    log.info(`${changeExperiment(manifest, change, wallClockUs())} (requested on the web page or by a command)`);
  }

  private lost(how: string): void {
    this.ended();
    this.worker = undefined;
    if (this.ending) return;
    this.losses += 1;
    const restartMs = backOff(FIRST_RESTART_MS, LONGEST_RESTART_MS, this.losses);
    const seconds = Math.round(restartMs / 1000);
    this.options.log.warn(`the web page thread ${how}; restarting it in ${seconds} s`);
    this.restart = setTimeout(() => this.start(), restartMs);
    this.restart.unref();
  }
}
