// The state of an experiment, running or stopped, from its files alone: what `status` prints and a page will show.

import { existsSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { checkFileSystem } from "../archive/place.ts";
import type { Config } from "../config/schema.ts";
import { failureLine } from "../failure.ts";
import type { ManifestCounts } from "../manifest/history.ts";
import { experimentHolder } from "../manifest/lock.ts";
import { MANIFEST_FILENAME, Manifest } from "../manifest/manifest.ts";
import type { StoredDisplacement } from "../manifest/movement.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { OPC_UA_OUTPUT, type OutputReport, parseOutputReport, refusalLines } from "../opcua/output-state.ts";
import { STAGES } from "./part.ts";
import { BUFFER_FULL } from "./retaining.ts";

export interface StageHealth {
  readonly stage: string;
  readonly state: string;
  readonly ageSeconds: number;
  readonly detail: string;
}

/** Everything a person asks of an experiment at a glance. */
export interface Snapshot {
  /** `none`: nothing was ever recorded here. */
  readonly experiment: "running" | "stopped" | "none";
  readonly dataDir: string;
  readonly pid: number | undefined;
  readonly startedAt: string | undefined;
  readonly endedAt: string | undefined;
  readonly endReason: string | undefined;
  readonly counts: ManifestCounts | undefined;
  readonly lastFrame:
    | { readonly filename: string | undefined; readonly capturedAt: string; readonly status: string }
    | undefined;
  readonly stages: readonly StageHealth[];
  /** The outputs in force, and how many frames each has yet to be given. */
  readonly outputs: readonly { readonly name: string; readonly waiting: number }[];
  /** The OPC UA output's nodes, as last seen on the server; undefined where there is none. */
  readonly opcUa: OutputReport | undefined;
  readonly freeBytes: number | undefined;
  /** What needs a person, in words. */
  readonly alarms: readonly string[];
}

/** Reads the snapshot. Throws a Failure when the manifest cannot be read. */
export function takeSnapshot(config: Config, nowUs: number): Snapshot {
  const dataDir = config.Paths.data_dir;
  const file = join(dataDir, MANIFEST_FILENAME);
  const freeBytes = existsSync(dataDir) ? freeSpace(dataDir) : undefined;
  if (!existsSync(file)) return { ...NOTHING, dataDir, freeBytes, alarms: absence(config) };
  const holder = experimentHolder(dataDir);
  const manifest = Manifest.open({ file, readonly: true });
  try {
    const run = manifest.lastRun();
    const counts = manifest.counts();
    const last = manifest.lastEntry();
    const stages = manifest
      .heartbeats()
      .map(({ stage, state, atUs, detail }) => ({
        stage,
        state,
        ageSeconds: Math.max(0, (nowUs - atUs) / 1e6),
        detail,
      }))
      .sort((a, b) => place(a.stage) - place(b.stage));
    const outputs = manifest.outputs().map((name) => ({ name, waiting: manifest.backlog(name) }));
    const hasOpcUa = outputs.some(({ name }) => name === OPC_UA_OUTPUT);
    const opcUa = hasOpcUa ? parseOutputReport(manifest.outputState(OPC_UA_OUTPUT).state) : undefined;
    const running = holder !== undefined;
    return {
      experiment: running ? "running" : "stopped",
      dataDir,
      pid: holder?.pid,
      startedAt: run === undefined ? undefined : isoFromUs(run.startedAtUs),
      endedAt: run?.endedAtUs === undefined ? undefined : isoFromUs(run.endedAtUs),
      endReason: run?.endReason,
      counts,
      lastFrame:
        last === undefined
          ? undefined
          : { filename: last.filename, capturedAt: isoFromUs(last.capturedAtUs), status: last.status },
      stages,
      outputs,
      opcUa,
      freeBytes,
      alarms: alarms({
        config,
        running,
        stages,
        opcUa,
        counts,
        damaged: counts.damaged === 0 ? [] : manifest.damagedNames(NAMED),
        displacement: manifest.lastDisplacement(),
        freeBytes,
        ended: run?.endedAtUs !== undefined,
        ranBefore: run !== undefined,
      }),
    };
  } finally {
    manifest.close();
  }
}

/** Where a stage stands in the data's own way; the supervisor, which is none, before them all. */
function place(stage: string): number {
  const order: readonly string[] = STAGES;
  return order.indexOf(stage);
}

const NOTHING = {
  experiment: "none",
  pid: undefined,
  startedAt: undefined,
  endedAt: undefined,
  endReason: undefined,
  counts: undefined,
  lastFrame: undefined,
  stages: [],
  outputs: [],
  opcUa: undefined,
} as const;

/** Why there is nothing to read although there should be. */
function absence({ Paths, Storage }: Config): string[] {
  if (Storage.usb_uuid !== undefined) {
    try {
      checkFileSystem(Storage.usb_uuid, Paths.root_dir);
    } catch (error) {
      return [failureLine(error)];
    }
  }
  const ran = existsSync(join(Paths.logs_dir, "supervisor.log"));
  if (!ran) return [];
  return [`${Paths.data_dir} holds no manifest, yet something ran here: was it removed, moved, or its disk unmounted?`];
}

function freeSpace(directory: string): number {
  const disk = statfsSync(directory);
  return disk.bavail * disk.bsize;
}

/** Damaged pictures named in an alarm. */
const NAMED = 3;

/** Heartbeats this many times late mean that the process stands still. */
const STALE_BEATS = 6;

interface Facts {
  readonly config: Config;
  readonly running: boolean;
  readonly ended: boolean;
  readonly ranBefore: boolean;
  readonly stages: readonly StageHealth[];
  readonly opcUa: OutputReport | undefined;
  readonly counts: ManifestCounts;
  /** Names of the first damaged pictures. */
  readonly damaged: readonly string[];
  /** In the frame measured last. */
  readonly displacement: StoredDisplacement | undefined;
  readonly freeBytes: number | undefined;
}

function alarms(facts: Facts): string[] {
  const { config, running, ended, ranBefore, stages, opcUa, counts, damaged, displacement, freeBytes } = facts;
  const found: string[] = opcUa === undefined ? [] : refusalLines(opcUa).map((line) => `OPC UA refused: ${line}`);
  if (!running && !ended && ranBefore) found.push("the last run ended without closing; `phorest run` makes good of it");
  for (const { stage, state, detail, ageSeconds } of stages) {
    if (!running) continue;
    if (stage === "supervisor" && detail !== "") found.push(detail);
    if (stage === "retention" && detail.startsWith(BUFFER_FULL)) found.push(detail);
    if (state === "faulted" || state === "backing_off") found.push(`${stage} ${state.replace("_", " ")}: ${detail}`);
    if (ageSeconds > STALE_BEATS * config.Supervisor.heartbeat_seconds) {
      found.push(`${stage}: no heartbeat for ${Math.round(ageSeconds)} s`);
    }
  }
  if (counts.failed > 0)
    found.push(`${counts.failed} frames failed; the reasons are in the log and in \`phorest export\``);
  if (counts.missing > 0) {
    const what = counts.missing === 1 ? "1 picture is" : `${counts.missing} pictures are`;
    found.push(`${what} gone from ${config.Paths.data_dir}`);
  }
  if (counts.damaged > 0) found.push(damagedLine(counts.damaged, damaged));
  if (running && displacement?.astray === true) {
    const { dx, dy } = displacement;
    found.push(`the chip has moved by ${dx.toFixed(1)}, ${dy.toFixed(1)} px and is leaving its ROIs; calibrate again`);
  }
  const minimum = config.Storage.min_free_bytes;
  if (freeBytes !== undefined && freeBytes < minimum) {
    found.push(
      `disk nearly full: ${Math.round(freeBytes / 1e6)} MB left, capture pauses below ${Math.round(minimum / 1e6)} MB`,
    );
  }
  return found;
}

function damagedLine(pictures: number, names: readonly string[]): string {
  const more = pictures > names.length ? ` and ${pictures - names.length} more` : "";
  const what = pictures === 1 ? "1 picture is" : `${pictures} pictures are`;
  return `${what} not what was captured (${names.join(", ")}${more}); put a good copy in its place and \`phorest verify --repair\``;
}

/** The snapshot as lines of text for a person. */
export function formatSnapshot(snapshot: Snapshot): string[] {
  const { counts, lastFrame, opcUa } = snapshot;
  if (snapshot.experiment === "none") {
    if (snapshot.alarms.length > 0) return snapshot.alarms.map((alarm) => `ALARM         ${alarm}`);
    return [`no experiment in ${snapshot.dataDir} yet; \`phorest run\` starts one`];
  }
  const lines = [experimentLine(snapshot)];
  if (counts !== undefined) {
    const { processed, pending, processing, failed, archived } = counts;
    const behind = snapshot.outputs.map(({ name, waiting }) => `, ${waiting} not yet ${OUTPUT_PLACES[name] ?? name}`);
    lines.push(
      `frames        ${processed} measured, ${pending + processing} waiting, ${failed} failed${behind.join("")}`,
    );
    if (archived > 0) lines.push(`archive       ${archived} finished frames, moved out of the live files`);
  }
  if (opcUa !== undefined) {
    const { endpoint, written, refused, withoutStatus, withoutTime } = opcUa;
    lines.push(
      `OPC UA        ${written} nodes on ${endpoint}, ${refused} refused; ${withoutTime} take no time stamp, ${withoutStatus} no status`,
    );
  }
  if (lastFrame !== undefined)
    lines.push(`last frame    ${lastFrame.filename ?? "no picture"} (${lastFrame.capturedAt}, ${lastFrame.status})`);
  const kept = counts === undefined ? [] : [`${counts.localImages} pictures here, ${sizeText(counts.localBytes)}`];
  const free = snapshot.freeBytes === undefined ? [] : [`${sizeText(snapshot.freeBytes)} free`];
  if (kept.length + free.length > 0) lines.push(`disk          ${[...kept, ...free].join(", ")}`);
  for (const { stage, state, ageSeconds, detail } of snapshot.stages) {
    const note = detail === "" ? "" : `  ${detail}`;
    lines.push(`${stage.padEnd(14)}${state.replace("_", " ").padEnd(12)} ${Math.round(ageSeconds)} s ago${note}`);
  }
  for (const alarm of snapshot.alarms) lines.push(`ALARM         ${alarm}`);
  return lines;
}

const OUTPUT_PLACES: Readonly<Record<string, string>> = { csv: "in the CSV", [OPC_UA_OUTPUT]: "on the OPC UA server" };
function sizeText(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

function experimentLine({ experiment, pid, startedAt, endedAt, endReason, dataDir }: Snapshot): string {
  if (experiment === "running") return `running       since ${startedAt}, process ${pid}, ${dataDir}`;
  if (startedAt === undefined) return `stopped       not run yet, ${dataDir}`;
  return `stopped       ${endedAt ?? "without closing"}${endReason === undefined ? "" : ` (${endReason})`}, ${dataDir}`;
}
