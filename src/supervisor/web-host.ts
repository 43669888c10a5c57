// The supervisor's end of the page: starts its thread, tells it when to look, makes the changes people ask for there. The
// page may be slow, attacked or dead: nothing here waits for it, but for a bounded moment at the end of a run.

import type { Config } from "../config/schema.ts";
import { encodeFailure, Failure, type FailureData, failureLine, lineOf } from "../failure/failure.ts";
import type { StageLog } from "../log/logger.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { MOST_MARKERS } from "../manifest/markers.ts";
import type { OpenStage } from "../stages/stage-definition.ts";
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
  /** Of the stage that takes them. */
  readonly brightfield: NonNullable<OpenStage["brightfield"]>;
  /** Wall clock, ms; undefined while none is planned. */
  nextCaptureMs(): number | undefined;
  /** For the link with the token, which must not be in a log. */
  announce(line: string): void;
}

export class WebHost {
  private readonly options: WebHostOptions;
  private worker: WorkerHandle | undefined;
  private restart: NodeJS.Timeout | undefined;
  private restartMs = FIRST_RESTART_MS;
  private ending = false;
  private ended: () => void = () => undefined;
  private announced = false;

  constructor(options: WebHostOptions) {
    this.options = options;
  }

  /** Starts the page; what goes wrong is said in the log and never thrown. */
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
      log.warn(`no page: ${failureLine(error)}`);
    }
  }

  /** "Look now": something in the manifest is new. */
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
    const late = () => new Failure("internal", "the page did not close in time and is ended");
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
        this.restartMs = FIRST_RESTART_MS;
        log.info(`the page is at ${message.address} (its token is in ${file})`);
        if (fresh && !this.announced)
          announce(`steer it by ${message.address}#token=${token} (kept in ${file}, shown once)`);
        this.announced = true;
        return;
      case "refused":
        log.warn(`no page: ${lineOf(message.failure)}`);
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

  /** Makes a change, in this thread, which alone writes the manifest; what went wrong otherwise. */
  private change(change: Change): FailureData | undefined {
    try {
      this.apply(change);
      return undefined;
    } catch (error) {
      return encodeFailure(error);
    }
  }

  private apply(change: Change): void {
    const { markers } = this.options.manifest;
    const nowUs = wallClockUs();
    switch (change.type) {
      case "add-marker":
        if (markers.add(change.atUs, change.text, nowUs) === undefined) {
          throw new Failure("usage.invalid", `there are ${MOST_MARKERS} markers already`, { hint: "remove some" });
        }
        this.options.log.info(`marker added: ${change.text}`);
        return;
      case "remove-marker":
        if (!markers.remove(change.markerId)) throw new Failure("usage.invalid", "there is no such marker any more");
        this.options.log.info(`marker ${change.markerId} removed`);
        return;
      case "set-baseline":
        markers.setBaseline({ fromUs: change.fromUs, toUs: change.toUs }, nowUs);
        this.options.log.info("the baseline was set on the page");
        return;
      case "forget-baseline":
        markers.setBaseline(undefined, nowUs);
        this.options.log.info("the baseline is the configuration's again");
        return;
      case "take-brightfield":
        this.options.brightfield.ask();
        this.options.log.info("a brightfield picture was asked for on the page");
        return;
      default:
        change satisfies never;
    }
  }

  private lost(how: string): void {
    this.ended();
    this.worker = undefined;
    if (this.ending) return;
    const seconds = Math.round(this.restartMs / 1000);
    this.options.log.warn(`the page's thread ${how}; it is started anew in ${seconds} s`);
    this.restart = setTimeout(() => this.start(), this.restartMs);
    this.restart.unref();
    this.restartMs = Math.min(2 * this.restartMs, LONGEST_RESTART_MS);
  }
}
