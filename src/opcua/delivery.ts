// Store and forward. The manifest is the outbox and the cursor says how far the server has got; this is the loop in between:
//
//   no session ─▶ connect ─▶ look the nodes up ─▶ newest frame at once ─▶ backlog in order ─▶ wait for more
//        ▲                                                   │
//        └──────────── anything wrong with the connection ◀──┘   (disconnect, back off, new client)
//
// One Write is in flight at a time. A frame is passed once every node that can be written has been answered Good; what was
// in flight when the connection broke is sent again, with the same values and time stamps.

import { setTimeout as sleep } from "node:timers/promises";
import type { OpcUaNode } from "../config/opcua.ts";
import { encodeFailure, type FailureData } from "../failure.ts";
import { wallClockUs } from "../frame/frame.ts";
import type { LogLevel } from "../log.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { Outcome } from "../manifest/outputs.ts";
import { Baselines } from "./baseline.ts";
import { cureOf } from "./cures.ts";
import { loadLibrary } from "./library.ts";
import { reportOf, whatIsMissing } from "./node-remarks.ts";
import { type BoundNode, bindNodes, SAME_NODE } from "./node-table.ts";
import type { OutputReport } from "./output-state.ts";
import { sampleOf } from "./sample.ts";
import { type OperationLimits, PlantSession, type ServerSettings } from "./session.ts";
import { mapNodes, type Target } from "./target.ts";
import { writeSamples } from "./writer.ts";

export interface DeliverySettings {
  readonly server: ServerSettings;
  readonly nodes: readonly OpcUaNode[];
  readonly baselineSeconds: number;
}

/** What has been passed when the step was over; `failure` ended it early. */
export interface Delivered {
  readonly cursor: number;
  readonly frames: number;
  readonly report: OutputReport | undefined;
  /** Something is waiting right now. */
  readonly more: boolean;
  readonly failure: FailureData | undefined;
}

interface NodeTable {
  /** Of the ROIs, one a line: another set of them has other nodes. */
  readonly labels: string;
  readonly bound: BoundNode[];
  boundAtMs: number;
}

type Source = Pick<Manifest, "outcomesAfter" | "lastOutcomeId" | "curves" | "standardErrors" | "analyses">;

/** A step ends after so long, so that the cursor is committed and a stop is heard. */
const STEP_MS = 1000;
const FRAMES_AT_ONCE = 8;
/** Refused nodes are looked up again so often: somebody may have cured them. */
const LOOK_AGAIN_MS = 60_000;
const SMALLEST_WRITE = 10;
const HEARTBEAT_TURNS = 100;

export class PlantDelivery {
  readonly #settings: DeliverySettings;
  readonly #source: Source;
  readonly #log: (level: LogLevel, message: string) => void;
  readonly #baselines: Baselines;
  readonly #wantsShift: boolean;
  #session: PlantSession | undefined;
  #nodes: NodeTable | undefined;
  /** The nodes of the session before this one. */
  #remembered: { readonly namespaces: string; readonly nodes: NodeTable } | undefined;
  #labelled: { readonly outcomeId: number; readonly labels: readonly string[] } | undefined;
  /** The newest outcome written ahead of its turn. */
  #latestId = 0;
  /** The frame written last in this session: what the nodes hold. */
  #sentId = 0;
  #writtenAtMs = Number.NEGATIVE_INFINITY;
  #liveAtMs = Number.NEGATIVE_INFINITY;
  #beats = 0;
  /** Halved by each connection that breaks in the middle of a Write: too large a message looks just so. */
  #writeAtMost = Number.POSITIVE_INFINITY;
  /** Of the session before this one. */
  #learnt: OperationLimits | undefined;
  #saidMappings = new Set<string>();
  #saidWithheld = false;

  constructor(settings: DeliverySettings, source: Source, log: (level: LogLevel, message: string) => void) {
    this.#settings = settings;
    this.#source = source;
    this.#log = log;
    this.#baselines = new Baselines(source, settings.baselineSeconds);
    this.#wantsShift = settings.nodes.some(({ value }) => value === "shift" || value === "shift_standard_error");
  }

  /**
   * Delivers what comes after `cursor`, for about a second. `alarm`: the program's alarm text of now. Never throws for
   * what the server does; the failure is in the answer, beside what was passed before it.
   */
  async step(cursor: number, alarm: string): Promise<Delivered> {
    let passed = cursor;
    let frames = 0;
    let failure: FailureData | undefined;
    try {
      const fresh = await this.#connect();
      const last = this.#source.lastOutcomeId();
      if (fresh && last > 0) await this.#sendByMemory(last);
      await this.#lookUp(this.#labels());
      const startedMs = performance.now();
      const { backlog } = this.#settings.server;
      if (fresh) this.#latestId = this.#sentId = 0;
      // More than one frame behind, or a server that may have forgotten everything: the newest goes first.
      if (last > this.#latestId && (fresh || last > passed + 1)) await this.#sendLatest(last);
      if (backlog === "latest") {
        if (last > passed) frames += 1;
        passed = Math.max(passed, this.#latestId);
      }
      // However slow the server, each step passes a frame.
      const isOver = () => frames > 0 && performance.now() - startedMs >= STEP_MS;
      while (passed < last && !isOver()) {
        for (const outcome of this.#source.outcomesAfter(passed, FRAMES_AT_ONCE)) {
          if (isOver()) break;
          // The newest went first; written again unless nothing older was written since.
          if (outcome.outcomeId !== this.#sentId) await this.#send(outcome);
          passed = outcome.outcomeId;
          frames += 1;
        }
      }
      await this.#sendLive(alarm);
    } catch (thrown) {
      failure = encodeFailure(thrown);
      await this.close();
    }
    const more = failure === undefined && this.#source.lastOutcomeId() > passed;
    return { cursor: passed, frames, report: this.#report(), more, failure };
  }

  /** Ends the session. Idempotent. */
  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    this.#learnt = session?.limits ?? this.#learnt;
    if (session !== undefined && this.#nodes !== undefined) {
      this.#remembered = { namespaces: session.namespaces.join("\n"), nodes: this.#nodes };
    }
    this.#nodes = undefined;
    await session?.close();
  }

  /** True when the session is a new one. */
  async #connect(): Promise<boolean> {
    const { server } = this.#settings;
    const broken = this.#session?.broken;
    if (this.#session !== undefined && broken === undefined) return false;
    if (broken !== undefined) {
      this.#log("warn", `${server.endpoint_url}: ${broken}; connecting again`);
      await this.close();
    }
    const session = await PlantSession.open(await loadLibrary(this.#log), server, { learnt: this.#learnt });
    session.limits.write.max = Math.min(session.limits.write.max, this.#writeAtMost);
    this.#session = session;
    this.#log("info", `connected to ${server.endpoint_url}, up to ${session.limits.write.max} nodes in one Write`);
    return true;
  }

  /** Labels of the ROIs measured last; none before the first measurement. */
  #labels(): readonly string[] {
    const last = this.#source.lastOutcomeId();
    if (this.#labelled?.outcomeId === last) return this.#labelled.labels;
    const [outcome] = last === 0 ? [] : this.#source.outcomesAfter(last - 1, 1);
    const labels = outcome?.labels ?? this.#source.analyses().at(-1)?.labels ?? [];
    this.#labelled = { outcomeId: last, labels };
    return labels;
  }

  async #lookUp(labels: readonly string[]): Promise<BoundNode[]> {
    const session = this.#session as PlantSession;
    const key = labels.join("\n");
    const now = performance.now();
    if (this.#nodes?.labels !== key) {
      const { targets, problems } = mapNodes(this.#settings.nodes, labels);
      // Before anything was measured there are no labels to compare with.
      if (labels.length > 0) for (const problem of problems) this.#say(problem);
      this.#nodes = { labels: key, bound: await bindNodes(session, targets), boundAtMs: now };
      for (const line of whatIsMissing(this.#nodes.bound)) this.#say(line);
    } else if (now - this.#nodes.boundAtMs > LOOK_AGAIN_MS) {
      const { bound } = this.#nodes;
      this.#nodes.boundAtMs = now;
      const refused = [...bound.keys()].filter((at) => {
        const status = bound[at]?.refusal?.status;
        return status !== undefined && status !== SAME_NODE;
      });
      const anew = await bindNodes(
        session,
        refused.map((at) => bound[at]?.target as Target),
      );
      refused.forEach((at, i) => {
        bound[at] = anew[i] as BoundNode;
      });
    }
    return this.#nodes.bound;
  }

  /**
   * Looking thousands of nodes up takes a second or two, which a server that is back should not have to wait for its values:
   * they are written to the nodes as they were. Nothing is concluded from the answers, everything is looked up and sent
   * again right after. Nodes found by a browse path are left out: a server may number its nodes anew at a restart, and what
   * was one of ours may be anything now.
   */
  async #sendByMemory(last: number): Promise<void> {
    const remembered = this.#remembered;
    if (remembered === undefined || remembered.namespaces !== this.#session?.namespaces.join("\n")) return;
    const bound = remembered.nodes.bound.filter(({ target }) => "nodeId" in target.address);
    this.#nodes = { ...remembered.nodes, bound, boundAtMs: performance.now() };
    await this.#sendLatest(last);
    this.#nodes = undefined;
  }

  async #sendLatest(last: number): Promise<void> {
    const [outcome] = this.#source.outcomesAfter(last - 1, 1);
    if (outcome === undefined) return;
    await this.#send(outcome);
    this.#latestId = outcome.outcomeId;
  }

  async #send(outcome: Outcome): Promise<void> {
    await this.#pace();
    const bound = await this.#lookUp(outcome.labels);
    const frame = { outcome, shift: this.#wantsShift ? this.#baselines.shiftOf(outcome) : undefined };
    const nodes = bound.filter(({ target }) => target.name.kind !== "live");
    await this.#write(nodes, (node) => sampleOf(node.target, frame), outcome.capturedAtUs);
    this.#sentId = outcome.outcomeId;
  }

  /** A backlog is worked off at a bounded pace: the server has other clients. */
  async #pace(): Promise<void> {
    const gapMs = 1000 / this.#settings.server.max_frames_per_second;
    const waitMs = this.#writtenAtMs + gapMs - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    this.#writtenAtMs = performance.now();
  }

  async #sendLive(alarm: string): Promise<void> {
    const now = performance.now();
    if (now - this.#liveAtMs < this.#settings.server.heartbeat_seconds * 1000) return;
    const nodes = (this.#nodes?.bound ?? []).filter(({ target }) => target.name.kind === "live");
    if (nodes.length === 0) return;
    this.#liveAtMs = now;
    this.#beats = (this.#beats + 1) % HEARTBEAT_TURNS;
    const value = ({ target: { name } }: BoundNode) =>
      name.kind === "live" && name.measure === "alarm" ? alarm : this.#beats;
    await this.#write(nodes, (node) => ({ value: value(node), quality: "Good" }), wallClockUs());
  }

  async #write(
    nodes: readonly BoundNode[],
    sampleFor: Parameters<typeof writeSamples>[2],
    timeUs: number,
  ): Promise<void> {
    const session = this.#session as PlantSession;
    try {
      const { bare, remarks, withheld } = await writeSamples(session, nodes, sampleFor, timeUs);
      this.#writeAtMost = session.limits.write.max * 2;
      if (bare.length > 0) {
        this.#say(
          `${bare.length} nodes promise to take status and time stamp and refuse what they promise, ${bare[0]?.target.shown} first: they get ${bare[0]?.takesStatus ? "no time stamp" : "the value alone"}`,
        );
      }
      const [kept] = withheld;
      if (kept !== undefined && !this.#saidWithheld) {
        this.#saidWithheld = true;
        const all = kept.asArray ? ", all of its values for one that is missing" : "";
        this.#log(
          "warn",
          `${kept.target.shown} (${kept.target.value}) takes no status and its type has no NaN: it keeps what it has while there is no value${all} (map it to a Float or Double)`,
        );
      }
      for (const [status, { target }] of remarks) {
        this.#say(`${target.shown} (${target.value}) took the value and answered ${status}: ${cureOf(status)}`);
      }
    } catch (error) {
      this.#writeAtMost = Math.max(SMALLEST_WRITE, Math.ceil(Math.min(session.limits.write.max, nodes.length) / 2));
      throw error;
    }
  }

  /** Each line once in the life of this thread. */
  #say(line: string): void {
    if (this.#saidMappings.has(line)) return;
    this.#saidMappings.add(line);
    this.#log("warn", line);
  }

  #report(): OutputReport | undefined {
    const bound = this.#nodes?.bound;
    if (bound === undefined) return undefined;
    return reportOf(this.#settings.server.endpoint_url, bound);
  }
}
