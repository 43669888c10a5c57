// Delivers results to the server. They wait in the manifest, and the cursor is the last outcome that the server has. The loop:
//
//   no session ─▶ connect ─▶ look the nodes up ─▶ newest frame at once ─▶ backlog in order ─▶ wait for more
//        ▲                                                   │
//        └──────────── anything wrong with the connection ◀──┘   (disconnect, back off, new client)
//
// One Write is in progress at a time. A frame counts as delivered when the server has answered Good for every node that can be
// written. Values that were being sent when the connection broke are sent again, with the same time stamps.

import { setTimeout as sleep } from "node:timers/promises";
import type { OpcUaNode } from "../../config/opcua-section.ts";
import { encodeFailure, type FailureData, failureLine } from "../../failure/failure.ts";
import type { LogLevel } from "../../log/levels.ts";
import type { ManifestPart } from "../../manifest/manifest.ts";
import type { OutputReport } from "../../manifest/opcua-output-state.ts";
import type { Outcome } from "../../manifest/outcomes.ts";
import { wallClockUs } from "../../system/clock.ts";
import { Baselines } from "./baseline.ts";
import { loadLibrary } from "./library.ts";
import { isNewer, newestOf, turnOf } from "./newest.ts";
import { reportOf } from "./node-remarks.ts";
import { type BoundNode, isWritten } from "./node-table.ts";
import { PlantNodes } from "./plant-nodes.ts";
import { PlantWriter } from "./plant-writer.ts";
import { sampleOf } from "./sample.ts";
import type { ServerSettings } from "./server-settings.ts";
import { type OperationLimits, PlantSession } from "./session.ts";

export interface DeliverySettings {
  readonly server: ServerSettings;
  readonly nodes: readonly OpcUaNode[];
  readonly baselineSeconds: number;
}

/** What had been delivered at the end of the step; `failure` ended it early. */
export interface Delivered {
  readonly cursor: number;
  readonly frames: number;
  readonly report: OutputReport | undefined;
  /** Whether more is waiting right now. */
  readonly more: boolean;
  readonly failure: FailureData | undefined;
}

type Source = ManifestPart<{
  outcomes: "after" | "lastId";
  curves: "after" | "within" | "countWithin" | "latest";
  results: "framePositions";
  analyses: "all" | "measured";
  markers: "moments" | "firstInjectionUs" | "baseline";
  archives: "last";
}>;

/** Longest duration of a step, so that the cursor is committed and a stop is noticed. */
const STEP_MS = 1000;
/** Frames measured in parallel do not always finish in the order of capture: of this number, the earliest is sent first. */
const WINDOW = 16;
/** How often a node that could not take the newest value is offered it again. */
const LAGGARDS_MS = 5000;
const HEARTBEAT_TURNS = 100;

export class PlantDelivery {
  readonly #settings: DeliverySettings;
  readonly #source: Source;
  readonly #log: (level: LogLevel, message: string) => void;
  readonly #baselines: Baselines;
  readonly #wantsShift: boolean;
  #session: PlantSession | undefined;
  readonly #nodes: PlantNodes;
  /** Outcomes that were written before others that were measured earlier. */
  readonly #ahead = new Set<number>();
  /** The newest outcome that was written in this session or existed when it began. */
  #newest: Outcome | undefined;
  #laggardsAtMs = Number.NEGATIVE_INFINITY;
  /** The frame written last in this session, which the nodes contain. */
  #sentId = 0;
  #writtenAtMs = Number.NEGATIVE_INFINITY;
  #liveAtMs = Number.NEGATIVE_INFINITY;
  #beats = 0;
  /** Limits of the previous session. */
  #learnt: OperationLimits | undefined;
  readonly #writer: PlantWriter;

  constructor(settings: DeliverySettings, source: Source, log: (level: LogLevel, message: string) => void) {
    this.#settings = settings;
    this.#source = source;
    this.#log = log;
    this.#writer = new PlantWriter(log);
    this.#nodes = new PlantNodes(settings.nodes, source, (line) => this.#writer.warnOnce(line));
    this.#baselines = new Baselines(source, settings.baselineSeconds);
    this.#wantsShift = settings.nodes.some(({ value }) => value === "shift" || value === "shift_standard_error");
  }

  /**
   * Delivers what comes after `cursor`, for about a second. `alarm`: the program's current alarm text. Never throws because of
   * the server; the answer contains the failure, and what was delivered before it.
   */
  async step(cursor: number, alarm: string): Promise<Delivered> {
    let passed = cursor;
    let frames = 0;
    let failure: FailureData | undefined;
    try {
      const fresh = await this.#connect();
      const last = this.#source.outcomes.lastId();
      if (fresh && last > 0) await this.#sendByMemory(last);
      await this.#nodes.lookUp(this.#session as PlantSession, this.#nodes.labels());
      const startedMs = performance.now();
      const { backlog } = this.#settings.server;
      if (fresh) {
        this.#sentId = 0;
        this.#ahead.clear();
        this.#newest = newestOf(this.#source.outcomes.after(Math.max(0, last - WINDOW), WINDOW));
      }
      // The server may have forgotten everything: the newest frame is sent first, then every frame in order. This is the only
      // case in which a node's time stamp goes back.
      if (last > 0 && (fresh || (backlog === "latest" && last > passed))) await this.#sendNewest();
      if (backlog === "latest") {
        if (last > passed) frames += 1;
        passed = Math.max(passed, last);
      }
      // Each step delivers at least one frame, however slow the server is.
      const isOver = () => frames > 0 && performance.now() - startedMs >= STEP_MS;
      while (passed < last && !isOver()) {
        const window = this.#source.outcomes.after(passed, WINDOW);
        for (const outcome of turnOf(window, this.#ahead, WINDOW)) {
          if (isOver()) break;
          // The newest frame was sent first; it is written again only if an older one was written since.
          if (outcome.outcomeId !== this.#sentId) await this.#send(outcome);
          this.#ahead.add(outcome.outcomeId);
          frames += 1;
        }
        for (const { outcomeId } of window) {
          if (!this.#ahead.delete(outcomeId)) break;
          passed = outcomeId;
        }
      }
      if (passed >= last) await this.#leaveNewest();
      await this.#sendLive(alarm);
    } catch (thrown) {
      failure = encodeFailure(thrown);
      await this.close();
    }
    const more = failure === undefined && this.#source.outcomes.lastId() > passed;
    return { cursor: passed, frames, report: this.#report(), more, failure };
  }

  /**
   * Called at the end of a run: leaves the newest values in the nodes, if the backlog was not finished or if a node could not
   * take them when they were sent. Never throws because of the server.
   */
  async finish(): Promise<void> {
    try {
      if (this.#session !== undefined) {
        if (!this.#isCurrent) await this.#sendNewest();
        this.#laggardsAtMs = Number.NEGATIVE_INFINITY;
        await this.#leaveNewest();
      }
    } catch (thrown) {
      this.#log("warn", `the nodes keep old values until the next run: ${failureLine(thrown)}`);
    }
    await this.close();
  }

  /** Whether the frame written last is the newest one. */
  get #isCurrent(): boolean {
    const newest = this.#newest?.outcomeId;
    return newest === undefined || (newest === this.#sentId && newest === this.#source.outcomes.lastId());
  }

  /** Ends the session. Idempotent. */
  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    this.#learnt = session?.limits ?? this.#learnt;
    if (session !== undefined) this.#nodes.leave(session);
    await session?.close();
  }

  /** Connects; returns true if the session is new. */
  async #connect(): Promise<boolean> {
    const { server } = this.#settings;
    const broken = this.#session?.broken;
    if (this.#session !== undefined && broken === undefined) return false;
    if (broken !== undefined) {
      this.#log("warn", `${server.endpoint_url}: ${broken}; reconnecting`);
      await this.close();
    }
    const session = await PlantSession.open(await loadLibrary(this.#log), server, { learnt: this.#learnt });
    this.#writer.limit(session);
    this.#session = session;
    this.#log("info", `connected to ${server.endpoint_url}, up to ${session.limits.write.max} nodes per write`);
    return true;
  }

  /**
   * Writes the newest values to the nodes as they were in the previous session, because looking up thousands of nodes takes a
   * second or two. The answers are ignored: everything is looked up and sent again right after.
   */
  async #sendByMemory(last: number): Promise<void> {
    if (!this.#nodes.recall(this.#session as PlantSession)) return;
    const newest = newestOf(this.#source.outcomes.after(Math.max(0, last - WINDOW), WINDOW));
    if (newest !== undefined) await this.#send(newest);
    this.#nodes.forget();
  }

  /** Sends the frame that was captured last, among those measured so far. */
  async #sendNewest(): Promise<void> {
    const unsent = this.#source.outcomes.after(Math.max(this.#sentId, this.#source.outcomes.lastId() - WINDOW), WINDOW);
    const newest = newestOf([...(this.#newest === undefined ? [] : [this.#newest]), ...unsent]);
    if (newest !== undefined) await this.#send(newest);
  }

  /**
   * Makes sure that no node keeps a value older than that of the newest frame, neither after a frame that was measured late, nor
   * if a node could not take the newest value when it was sent.
   */
  async #leaveNewest(): Promise<void> {
    const newest = this.#newest;
    if (newest === undefined) return;
    if (this.#sentId !== newest.outcomeId) await this.#send(newest);
    const now = performance.now();
    if (now - this.#laggardsAtMs < LAGGARDS_MS) return;
    this.#laggardsAtMs = now;
    const lags = ({ target, offeredUs }: BoundNode) => target.name.kind !== "live" && offeredUs !== newest.capturedAtUs;
    if (this.#nodes.bound?.some((node) => isWritten(node) && lags(node))) await this.#send(newest, lags);
  }

  async #send(outcome: Outcome, wanted: (node: BoundNode) => boolean = () => true): Promise<void> {
    await this.#pace();
    const bound = await this.#nodes.lookUp(this.#session as PlantSession, outcome.labels);
    const frame = { outcome, shift: this.#wantsShift ? this.#baselines.shiftOf(outcome) : undefined };
    const nodes = bound.filter((node) => node.target.name.kind !== "live" && wanted(node));
    await this.#writer.write(
      this.#session as PlantSession,
      nodes,
      (node) => sampleOf(node.target, frame),
      outcome.capturedAtUs,
    );
    this.#sentId = outcome.outcomeId;
    if (this.#newest === undefined || isNewer(outcome, this.#newest)) this.#newest = outcome;
  }

  /** Limits the pace of a backlog, because the server has other clients. */
  async #pace(): Promise<void> {
    const gapMs = 1000 / this.#settings.server.max_frames_per_second;
    const waitMs = this.#writtenAtMs + gapMs - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    this.#writtenAtMs = performance.now();
  }

  async #sendLive(alarm: string): Promise<void> {
    const now = performance.now();
    if (now - this.#liveAtMs < this.#settings.server.heartbeat_seconds * 1000) return;
    const nodes = (this.#nodes.bound ?? []).filter(({ target }) => target.name.kind === "live");
    if (nodes.length === 0) return;
    this.#liveAtMs = now;
    this.#beats = (this.#beats + 1) % HEARTBEAT_TURNS;
    const value = ({ target: { name } }: BoundNode) =>
      name.kind === "live" && name.measure === "alarm" ? alarm : this.#beats;
    await this.#writer.write(
      this.#session as PlantSession,
      nodes,
      (node) => ({ value: value(node), quality: "Good" }),
      wallClockUs(),
    );
  }

  #report(): OutputReport | undefined {
    const { bound } = this.#nodes;
    if (bound === undefined) return undefined;
    return reportOf(this.#settings.server.endpoint_url, bound);
  }
}
