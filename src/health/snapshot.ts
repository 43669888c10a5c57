// The state of an experiment, running or stopped, read from its files: what `status` and the web page show.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { brightfieldNames } from "../archive/brightfield.ts";
import type { Config } from "../config/schema.ts";
import { encodeFailure, type FailureData } from "../failure/failure.ts";
import { STAGE_NAMES } from "../log/stage-names.ts";
import type { ManifestCounts } from "../manifest/history.ts";
import { experimentHolder, type Holder } from "../manifest/lock.ts";
import { isLockedByOther } from "../manifest/lock-wait.ts";
import { MANIFEST_FILENAME, Manifest } from "../manifest/manifest.ts";
import { newestOf } from "../manifest/newest.ts";
import { OPC_UA_OUTPUT, type OutputReport, parseOutputReport } from "../manifest/opcua-output-state.ts";
import type { FrameResults } from "../manifest/outcomes.ts";
import { frameName } from "../manifest/page-rows.ts";
import type { Run } from "../manifest/runs.ts";
import type { KnownShare } from "../manifest/shares.ts";
import { type DamageNote, damageOf, readDamageNote } from "../manifest/soundness.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { diskSpace } from "../system/disk-space.ts";
import { type CameraInUse, cameraInUse, cameraOfRun } from "./camera-in-use.ts";
import { clockFacts } from "./clock-behind.ts";
import { damageFinding } from "./damage-finding.ts";
import { type DiskFull, diskFacts, diskFullAt } from "./disk-facts.ts";
import { absence } from "./experiment-gone.ts";
import { type Finding, problemsAmong } from "./finding.ts";
import { DAMAGED_NAMED, findingsOf } from "./findings.ts";
import { frozenCamera } from "./frozen-camera.ts";
import { guessedText } from "./guessed-times.ts";
import { type RecentCurves, recentCurves } from "./recent-curves.ts";
import type { StageHealth } from "./stage-health.ts";

/** An analysis to choose from. */
export interface SnapshotAnalysis {
  readonly name: string;
  readonly method: string;
  /** Number of measured frames. */
  readonly frames: number;
  /** Whether it is shown by default. */
  readonly current: boolean;
}

/** The state of an experiment at a glance. */
export interface Snapshot {
  /** `none`: nothing was ever recorded here. */
  readonly experiment: "running" | "stopped" | "none";
  readonly dataDir: string;
  readonly pid: number | undefined;
  readonly startedAt: string | undefined;
  readonly endedAt: string | undefined;
  readonly endReason: string | undefined;
  /** Camera of the last run; undefined if it was disabled or if there was no run. */
  readonly camera: CameraInUse | undefined;
  readonly counts: ManifestCounts | undefined;
  /** Analyses that have measured frames, oldest first. */
  readonly analyses: readonly SnapshotAnalysis[];
  /** The shares that it is or was copied to, the first one first. */
  readonly shares: readonly KnownShare[];
  readonly lastFrame:
    | { readonly filename: string | undefined; readonly capturedAt: string; readonly status: string }
    | undefined;
  readonly stages: readonly StageHealth[];
  /** The active outputs, and the number of frames waiting for each. */
  readonly outputs: readonly { readonly name: string; readonly waiting: number }[];
  /** The OPC UA output's nodes, as last seen on the server; undefined without such an output. */
  readonly opcUa: OutputReport | undefined;
  readonly freeBytes: number | undefined;
  readonly diskFull: DiskFull | undefined;
  /** Number of brightfield images on this machine. */
  readonly brightfield: number;
  /** The last measured frames, for figures. */
  readonly recent: RecentCurves | undefined;
  /** The results of the newest measured frame. */
  readonly newest: FrameResults | undefined;
  /** Problems, and everything that could not be checked. */
  readonly findings: readonly Finding[];
  /** Problems that require people's attention, in words. */
  readonly alarms: readonly string[];
  /** Whether the database is damaged: the rest of the snapshot is what could be read of it. */
  readonly damaged: boolean;
  /** Number of frames whose capture time is guessed from the file's modification time, counted up to a limit. */
  readonly guessedTimes: number;
  /** Things that are as configured, but that people should know, in words. */
  readonly notes: readonly string[];
}

/** Number of last frames that are checked. */
const RECENT_FRAMES = 100;

/**
 * Reads the snapshot, from `opened` or through its own connection, which takes a few ms more. For a damaged database, it contains
 * what can be read, and the alarm; with `check`, damage is also searched for in parts that are not read here. Throws a Failure if
 * the manifest cannot be read for another reason.
 */
export function takeSnapshot(config: Config, nowUs: number, opened?: Manifest, check = false): Snapshot {
  const { data_dir: dataDir, brightfield_dir } = config.Paths;
  const file = join(dataDir, MANIFEST_FILENAME);
  try {
    const snapshot = readSnapshot(config, nowUs, opened);
    if (snapshot.experiment === "none") return snapshot;
    // During a run, the damage that the run itself finds is enough.
    const look = check && snapshot.experiment === "stopped" ? damageOf(file) : undefined;
    const damage = readDamageNote(file) ?? opened?.damage ?? look;
    return damage === undefined ? snapshot : damagedSnapshot(snapshot, damage);
  } catch (thrown) {
    const failure = encodeFailure(thrown);
    if (failure.code !== "manifest.corrupt") throw thrown;
    const holder = experimentHolder(dataDir);
    const experiment = holder === undefined ? "stopped" : "running";
    const brightfield = brightfieldNames(brightfield_dir).length;
    const rest = {
      ...NOTHING,
      experiment,
      pid: holder?.pid,
      dataDir,
      freeBytes: diskSpace(dataDir)?.freeBytes,
      brightfield,
    } as const;
    return damagedSnapshot({ ...rest, findings: [], alarms: [] }, readDamageNote(file) ?? failure);
  }
}

/**
 * Returns the start of the active run, microseconds since the epoch. Between taking the lock and recording itself, a run is not in
 * the database: the last one there is an earlier run, whose age says nothing about this one.
 */
function startedUs({ since }: Holder, last: Run, nowUs: number): number {
  const sinceUs = 1000 * Date.parse(since);
  if (!Number.isNaN(sinceUs)) return Math.max(sinceUs, last.startedAtUs);
  return last.endedAtUs === undefined ? last.startedAtUs : nowUs;
}

/** What a damaged database says about stages and frames is unreliable; keeps what is known without it. */
function damagedSnapshot(snapshot: Snapshot, damage: DamageNote | FailureData): Snapshot {
  const findings = [damageFinding(damage), ...snapshot.findings.filter(({ key }) => KNOWN_WITHOUT.has(key))];
  return { ...snapshot, damaged: true, findings, alarms: problemsOf(findings).map(({ text }) => text) };
}

const KNOWN_WITHOUT: ReadonlySet<string> = new Set(["disk.low"]);

function readSnapshot(config: Config, nowUs: number, opened?: Manifest): Snapshot {
  const dataDir = config.Paths.data_dir;
  const file = join(dataDir, MANIFEST_FILENAME);
  const space = diskSpace(dataDir);
  const freeBytes = space?.freeBytes;
  const brightfield = brightfieldNames(config.Paths.brightfield_dir).length;
  if (!existsSync(file)) {
    const findings = absence(config);
    return { ...NOTHING, dataDir, freeBytes, brightfield, findings, alarms: findings.map(({ text }) => text) };
  }
  const holder = experimentHolder(dataDir);
  const manifest = opened ?? Manifest.open({ file, readonly: true });
  try {
    const run = manifest.runs.last();
    const counts = manifest.history.counts();
    const guessedTimes = manifest.history.guessedTimes();
    const last = manifest.history.newestEntry();
    const stages = manifest.heartbeats
      .all()
      .map(({ atUs, ...beat }) => ({ ...beat, ageSeconds: Math.max(0, (nowUs - atUs) / 1e6) }))
      .sort((a, b) => place(a.stage) - place(b.stage));
    const outputs = manifest.outputs.names().map((name) => ({ name, waiting: manifest.outputs.backlog(name) }));
    const hasOpcUa = outputs.some(({ name }) => name === OPC_UA_OUTPUT);
    const opcUa = hasOpcUa ? parseOutputReport(manifest.outputs.state(OPC_UA_OUTPUT).state) : undefined;
    const running = holder !== undefined;
    const recent = recentCurves(manifest, Math.max(RECENT_FRAMES, config.Alarm.resonance_frames));
    const disk = space === undefined ? undefined : diskFacts(config, space, running ? manifest : undefined);
    const findings = findingsOf({
      config,
      nowUs,
      running,
      stages,
      opcUa,
      counts,
      damaged: counts.damaged === 0 ? [] : manifest.checks.damagedNames(DAMAGED_NAMED),
      cutOff: manifest.checks.cutOff(DAMAGED_NAMED),
      displacement: manifest.displacements.last(),
      disk,
      recent,
      frozen: frozenCamera(manifest, config, recent),
      clock: clockFacts(manifest, nowUs),
      upSeconds: holder === undefined || run === undefined ? undefined : (nowUs - startedUs(holder, run, nowUs)) / 1e6,
      lastFrameAgeSeconds: last === undefined ? undefined : (nowUs - last.capturedAtUs) / 1e6,
      locked: running && isLocked(file, stages, config),
      ended: run?.endedAtUs !== undefined,
      ranBefore: run !== undefined,
    });
    return {
      experiment: running ? "running" : "stopped",
      dataDir,
      pid: holder?.pid,
      startedAt: run === undefined ? undefined : isoFromUs(run.startedAtUs),
      endedAt: run?.endedAtUs === undefined ? undefined : isoFromUs(run.endedAtUs),
      endReason: run?.endReason,
      camera: run === undefined ? undefined : cameraOfRun(run.config),
      counts,
      analyses: analysesOf(manifest),
      shares: manifest.shares.all(),
      lastFrame:
        last === undefined
          ? undefined
          : {
              filename: last.filename && frameName(last.filename, last.page),
              capturedAt: isoFromUs(last.capturedAtUs),
              status: last.status,
            },
      stages,
      outputs,
      opcUa,
      freeBytes,
      diskFull: diskFullAt(disk, nowUs),
      brightfield,
      recent,
      newest: recent && newestOf(manifest.outcomes.latestResults(recent.analysis)),
      findings,
      alarms: problemsOf(findings).map(({ text }) => text),
      damaged: false,
      guessedTimes,
      notes: [
        ...(running && cameraInUse(config) === undefined ? [CAMERA_OFF] : []),
        ...(guessedTimes > 0 ? [guessedText(guessedTimes)] : []),
      ],
    };
  } finally {
    if (manifest !== opened) manifest.close();
  }
}

/** Returns the analyses that have measured frames, oldest first. */
export function analysesOf({ analyses }: Pick<Manifest, "analyses">): SnapshotAnalysis[] {
  const current = analyses.inForce()?.analysisId;
  return analyses
    .measured()
    .map(({ analysisId, name, method, frames }) => ({ name, method, frames, current: analysisId === current }));
}

/** If heartbeats are late by this factor, check what keeps them from being stored. */
const LATE_BEATS = 2;
/** The run itself holds the file locked for milliseconds at a time. */
const LOCK_LOOK_MS = 300;

/** Whether another program keeps the run from writing. Checked only if the run has written nothing for a while. */
function isLocked(file: string, stages: readonly StageHealth[], { Supervisor }: Config): boolean {
  const silentSeconds = Math.min(Number.POSITIVE_INFINITY, ...stages.map(({ ageSeconds }) => ageSeconds));
  return silentSeconds > LATE_BEATS * Supervisor.heartbeat_seconds && isLockedByOther(file, LOCK_LOOK_MS);
}

/** Intended if images come from elsewhere: not an alarm, but the status says that none are captured. */
const CAMERA_OFF =
  "the camera is switched off (Services.enable_camera = false): phorest captures no images, and measures the waiting ones";

/** Returns the position of a stage in the order of the data; the supervisor, which is not a stage, comes first. */
function place(stage: string): number {
  const order: readonly string[] = STAGE_NAMES;
  return order.indexOf(stage);
}

const NOTHING = {
  experiment: "none",
  pid: undefined,
  startedAt: undefined,
  endedAt: undefined,
  endReason: undefined,
  camera: undefined,
  counts: undefined,
  analyses: [],
  shares: [],
  lastFrame: undefined,
  stages: [],
  outputs: [],
  opcUa: undefined,
  diskFull: undefined,
  recent: undefined,
  newest: undefined,
  damaged: false,
  guessedTimes: 0,
  notes: [],
} as const;

/** Returns each problem once: a disconnected share is already shown as a retrying stage. */
export function problemsOf(findings: readonly Finding[]): Finding[] {
  return problemsAmong(findings).filter(({ key }) => key !== "share.gone");
}

/** Whether there is a problem now, not only in the past or a forecast. */
export function isUnhealthy({ findings }: Pick<Snapshot, "findings">): boolean {
  return problemsAmong(findings).some(({ minor }) => minor !== true);
}

/** Returns what `--json` prints: everything except the curves and results. */
export function snapshotJson({ recent: _recent, newest: _newest, findings: _findings, ...rest }: Snapshot) {
  return rest;
}
