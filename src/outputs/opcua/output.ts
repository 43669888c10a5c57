// The OPC UA output: its thread sends results to the server. If the server is down, results wait in the database.
import type { Config } from "../../config/schema.ts";
import { encodeFailure, Failure, type FailureData, lineOf } from "../../failure/failure.ts";
import type { StageLog } from "../../log/logger.ts";
import type { StageName } from "../../log/stage-names.ts";
import type { Manifest } from "../../manifest/manifest.ts";
import { OPC_UA_OUTPUT, type OutputReport, refusalLines } from "../../manifest/opcua-output-state.ts";
import type { Schedule } from "../../stages/contract/stage-definition.ts";
import type { StageReport } from "../../stages/contract/stage-report.ts";
import { backOff } from "../../system/back-off.ts";
import { counted } from "../../system/counted.ts";
import { withDeadline } from "../../system/deadline.ts";
import { RemoteWorker } from "../../threads/remote-worker.ts";
import type { Delivery, Output, OutputDefinition, Position } from "../output-definition.ts";
import { askedMark } from "./asked.ts";
import { secretMark } from "./identity.ts";
import type { OpcUaAnswer, OpcUaJob, OpcUaThreadSettings } from "./messages.ts";

/** Above the sum of the thread's own time limits, which normally end a hanging request. */
const ANSWER_WITHIN_MS = 300_000;
/** A server that is only unavailable is probed this often, so that it gets its values within two seconds. */
const LOOK_FOR_MS = 250;
const LONGEST_BACK_OFF_MS = 60_000;
/** The same secret would not be sent again, so this only repeats the log message. */
const LOG_IN_MS = 3_600_000;
/** During a back-off, how often to check whether the user has removed its cause. */
const LOOK_FOR_CHANGE_MS = 2000;
/** Number of consecutive lost sessions after which the pause becomes longer: halving the size of a Write takes that many. */
const LOST_BEFORE_SLOWER = 8;
/** The same failure is logged again after this time. */
const SAY_AGAIN_MS = 3_600_000;

/** Writes to the plant's server. */
export const opcua: OutputDefinition = {
  wakesOn: ["measured", "failed"],
  // Report the damage to the plant.
  runsDamaged: true,
  open: (context) => new OpcUaOutput(context),
};

export interface OpcUaOutputOptions {
  readonly config: Config;
  readonly manifest: Manifest;
  readonly manifestFile: string;
  readonly log: StageLog;
  /** Problem that requires people's attention now, in words; empty if there is none. */
  alarm(): string;
}

export class OpcUaOutput implements Output {
  /** Also runs without a wake-up: to notice a lost connection, and to send heartbeats. */
  readonly schedule: Schedule = { kind: "demand", atLeastEveryMs: LOOK_FOR_MS, atMostEveryMs: 0 };
  readonly retry = {
    /** A server may be down for a weekend, which is not an error of phorest. */
    failureLimit: Number.POSITIVE_INFINITY,
    /** Only real attempts count, not the probes in between. */
    backOffMs: patience(),
    /** The user has checked the server (`phorest opcua check` or `trust`), or there is another secret to log in with. */
    backOffEnd: { everyMs: LOOK_FOR_CHANGE_MS, isOver: () => this.settingsMark() !== this.triedMark },
  };
  /** State of the settings at the last attempt. */
  private triedMark = "";
  private readonly options: OpcUaOutputOptions;
  private readonly thread: RemoteWorker<OpcUaThreadSettings, OpcUaJob, OpcUaAnswer>;
  private readonly told = new Map<string, string>();
  /** The current failure, if any. */
  private failure: FailureData | undefined;
  private reported: { readonly line: string; readonly atMs: number } | undefined;

  constructor(options: OpcUaOutputOptions) {
    this.options = options;
    const { OPC_UA, Analysis } = options.config;
    const { endpoint_url, nodes, ...server } = OPC_UA;
    const settings: OpcUaThreadSettings = {
      manifestFile: options.manifestFile,
      server: { ...server, endpoint_url: endpoint_url ?? "" },
      nodes,
      baselineSeconds: Analysis.baseline_seconds,
    };
    this.thread = new RemoteWorker("opcua", settings, (level, message) => options.log.log(level, message));
  }

  private settingsMark(): string {
    const { OPC_UA } = this.options.config;
    return `${askedMark(OPC_UA.certificate_dir)} ${secretMark(OPC_UA)}`;
  }

  /** Nothing is waiting, or the server is not available: it may be down for a weekend, and the next run continues. */
  idle(): boolean {
    return this.failure !== undefined || this.waiting === 0;
  }

  /** Called when nothing can be sent any more: the number is the one that `phorest status` reads from the manifest. */
  leftUndone(): string | undefined {
    const { failure, waiting } = this;
    return failure === undefined || waiting === 0
      ? undefined
      : `opcua: ${failure.message}; ${waitText(waiting)} for the next run`;
  }

  /** Delivers what is waiting, if the server accepts it. */
  async flush(step: () => Promise<boolean>, limitMs: number): Promise<void> {
    const untilMs = performance.now() + limitMs;
    const late = () => new Failure("opcua.timeout", "the run ended before the server received everything");
    try {
      while (this.failure === undefined && this.waiting > 0 && performance.now() < untilMs) {
        await withDeadline(step(), untilMs - performance.now(), late);
      }
    } catch (error) {
      // A long backlog is not a failure; a server that became unavailable is.
      if (performance.now() < untilMs) this.failure = encodeFailure(error);
    }
  }

  async close(timeoutMs: number): Promise<void> {
    await this.thread.close(timeoutMs);
    const { failure, options } = this;
    if (failure !== undefined || options.manifest.damage !== undefined || this.waiting === 0) return;
    options.log.warn(`the run ends before the server received everything: ${waitText(this.waiting)} for the next run`);
  }

  /** Number of frames that the server has not received yet. */
  get waiting(): number {
    return this.options.manifest.outputs.backlog(OPC_UA_OUTPUT);
  }

  /** Logs a failure once, and its end. */
  moved({ state, lastFailure, failures }: StageReport<StageName>): void {
    const { log } = this.options;
    this.failure = lastFailure;
    if (state === "waiting" && this.reported !== undefined) {
      this.reported = undefined;
      log.info("the server accepts values again");
    }
    if (state !== "backing_off" || lastFailure === undefined) return;
    const line = lineOf(lastFailure);
    const now = performance.now();
    if (this.reported?.line === line && now - this.reported.atMs < SAY_AGAIN_MS) return;
    this.reported = { line, atMs: now };
    const next = lastFailure.code === "opcua.login" ? "" : "trying again, ";
    log.warn(`failed (${failures}): ${line}; ${next}${waitText(this.waiting)}`);
  }

  /** Delivers for about a second. Rejects while the server cannot be written to. */
  async deliver({ cursor, state }: Position): Promise<Delivery> {
    this.triedMark = this.settingsMark();
    const answer = await this.thread.run({ type: "deliver", cursor, alarm: this.options.alarm() }, ANSWER_WITHIN_MS);
    const { report, more, failure, frames } = answer;
    const noted = () => {
      if (report !== undefined) this.tell(report);
      if (frames > 0) this.options.log.debug(`sent ${counted(frames, "frame")} to the server`);
    };
    return {
      ...{ cursor: answer.cursor, more, failure, noted },
      state: report === undefined ? state : JSON.stringify(report),
    };
  }

  /** Logs each refusal once, and again if its reason changes. */
  private tell(report: OutputReport): void {
    const { log } = this.options;
    const now = new Set<string>();
    const lines = refusalLines(report);
    report.refusals.forEach(({ node, status }, at) => {
      now.add(node);
      if (this.told.get(node) === status) return;
      this.told.set(node, status);
      log.warn(`the server refused ${lines[at]}`);
    });
    for (const node of [...this.told.keys()].filter((one) => !now.has(one))) {
      this.told.delete(node);
      log.info(`the server accepts ${node} again`);
    }
  }
}

const waitText = (frames: number): string => (frames === 1 ? "1 frame waiting" : `${frames} frames waiting`);

/**
 * Returns how long to wait after the n-th failure in a row, ms. If the server is available but ends our sessions, or refuses new
 * ones, the waits grow; earlier failures, such as a weekend without the server, do not count.
 */
export function patience(): (failure: FailureData, failures: number) => number {
  let last = "";
  let alike = 0;
  return ({ code }, failures) => {
    alike = code === last && failures > 1 ? alike + 1 : 1;
    last = code;
    const jitter = 1 + 0.25 * Math.random();
    // The server is down or not responding. Probing again only costs a TCP connection, not a session.
    if (code === "opcua.unreachable" || code === "opcua.timeout") return LOOK_FOR_MS * jitter;
    if (code === "opcua.login") return LOG_IN_MS * jitter;
    // Each of these left a session on the server, until the server's own time-out ends it.
    const first = code === "opcua.lost" ? LOOK_FOR_MS : 1000;
    const tries = code === "opcua.lost" ? alike - LOST_BEFORE_SLOWER + 1 : alike;
    return backOff(first, LONGEST_BACK_OFF_MS, tries) * jitter;
  };
}
