// Finds the problems of an experiment from its files. Texts are for people; keys identify problems. A problem that cannot be
// checked at the moment is `unknown`, so that phorest does not report it as solved.

import { join } from "node:path";
import { pauseBelow } from "../archive/free-space.ts";
import { capabilitiesOf } from "../cameras/camera.ts";
import type { Config } from "../config/schema.ts";
import { lockedDatabase } from "../failure/database-failure.ts";
import { lineOf } from "../failure/failure.ts";
import type { CutOffFiles } from "../manifest/checks.ts";
import type { StoredDisplacement } from "../manifest/displacements.ts";
import type { ManifestCounts } from "../manifest/history.ts";
import { MANIFEST_FILENAME } from "../manifest/manifest.ts";
import { type OutputReport, refusalLines } from "../manifest/opcua-output-state.ts";
import { labelMatcher } from "../measurement/labels.ts";
import { counted, shortList } from "../system/counted.ts";
import { durationText } from "../system/duration-text.ts";
import { type ClockFacts, clockBehindLine } from "./clock-behind.ts";
import type { DiskFacts } from "./disk-facts.ts";
import type { Finding } from "./finding.ts";
import { type FrozenCamera, frozenLine } from "./frozen-camera.ts";
import type { RecentCurves } from "./recent-curves.ts";
import type { StageHealth } from "./stage-health.ts";
import { storedSetAsideText } from "./stored-set-aside.ts";

/** A heartbeat that is late by this factor means that the process hangs. */
const STALE_BEATS = 6;
/** The disk alarm ends at this factor above its limit, so that small changes do not switch it on and off. */
const DISK_WELL = 1.05;
/** Forecast of a nearly full disk: the alarm starts below this time and ends above the longer one, s. */
const TELL_FORECAST_S = 86_400;
const FORGET_FORECAST_S = 1.25 * TELL_FORECAST_S;
/** Locked files and short server problems are usually over by then. */
const NOTIFY_SET_ASIDE_S = 3600;
const LABELS_NAMED = 4;
/** Number of damaged images to name. */
export const DAMAGED_NAMED = 3;

export interface Facts {
  readonly config: Config;
  /** Wall clock. */
  readonly nowUs: number;
  readonly running: boolean;
  /** Whether another program has the manifest locked. */
  readonly locked?: boolean;
  readonly ended: boolean;
  readonly ranBefore: boolean;
  /** Time since the start of the run; undefined if none is active. */
  readonly upSeconds: number | undefined;
  /** Age of the newest entry; undefined before the first. */
  readonly lastFrameAgeSeconds: number | undefined;
  readonly stages: readonly StageHealth[];
  readonly opcUa: OutputReport | undefined;
  readonly counts: ManifestCounts;
  /** Names of the first damaged images. */
  readonly damaged: readonly string[];
  /** Truncated files. */
  readonly cutOff?: CutOffFiles;
  /** Displacement in the last measured frame. */
  readonly displacement: StoredDisplacement | undefined;
  /** Disk of the data directory; undefined if unknown. */
  readonly disk: DiskFacts | undefined;
  /** The last measured frames. */
  readonly recent: RecentCurves | undefined;
  readonly frozen?: FrozenCamera | undefined;
  /** Absent before the first frame. */
  readonly clock?: ClockFacts | undefined;
}

/** Returns all problems, and everything that cannot be checked now, the worst first. */
export function findingsOf(facts: Facts): Finding[] {
  return [
    ...ofTheProcess(facts),
    ...ofStages(facts),
    ...ofTheShare(facts),
    ...ofFrames(facts),
    ...ofTheCamera(facts),
    ...ofTheClock(facts),
    ...ofResonances(facts),
    ...ofTheDisk(facts),
    ...ofThePlant(facts),
  ];
}

function ofTheProcess({ config, running, locked, ended, ranBefore, stages, upSeconds = 0 }: Facts): Finding[] {
  if (!running) {
    if (ended || !ranBefore) return [];
    const text = "the last run was interrupted; `phorest run` recovers it";
    return [{ key: "run.died", state: "problem", text }];
  }
  const staleSeconds = STALE_BEATS * config.Supervisor.heartbeat_seconds;
  const silentSeconds = Math.min(upSeconds, ...stages.map(({ ageSeconds }) => ageSeconds));
  if (locked === true) {
    const path = join(config.Paths.data_dir, MANIFEST_FILENAME);
    return [problem("manifest.locked", lineOf(lockedDatabase(path)))];
  }
  if (silentSeconds <= staleSeconds) return [];
  // The heartbeats of all stages are written in one transaction, so one cannot be late alone.
  const text = `no heartbeat for ${Math.round(silentSeconds)} s: the process hangs; stop it and start the run again`;
  return [problem("process.stale", text)];
}

function ofStages({ running, stages, nowUs, upSeconds = 0 }: Facts): Finding[] {
  if (!running) return [];
  return stages.flatMap(({ stage, state, detail, ageSeconds, code, setAside }): Finding[] => {
    const found: Finding[] = [];
    // A heartbeat of an earlier run says nothing about this run.
    if (ageSeconds > upSeconds) return [{ key: `stage.faulted:${stage}`, state: "unknown", text: "" }];
    if (stage === "supervisor" && detail !== "") found.push(problem("surroundings", detail));
    if (code !== undefined) found.push(problem(code, detail));
    if (setAside !== undefined) {
      const text = `${stage}: ${storedSetAsideText(setAside, nowUs)}`;
      found.push({
        key: `files.set_aside:${stage}`,
        state: "problem",
        text,
        notifyAfterSeconds: NOTIFY_SET_ASIDE_S,
        minor: true,
      });
    }
    const key = `stage.faulted:${stage}`;
    if (state === "faulted") found.push(problem(key, `${stage} keeps failing: ${detail}`));
    else if (state === "backing_off") {
      // The stage is neither working nor faulted, so an earlier notification stays as it is.
      found.push({ key, state: "unknown", text: "" });
      found.push({
        key: `stage.failing:${stage}`,
        state: "problem",
        text: `${stage} failed and is retrying: ${detail}`,
        minor: true,
      });
    } else if (state !== "waiting" && stage !== "supervisor") found.push({ key, state: "unknown", text: "" });
    return found;
  });
}

/** The syncer is never faulted, because a share may be disconnected for long; a setting says how long. */
function ofTheShare({ config, running, stages }: Facts): Finding[] {
  const key = "share.gone";
  const syncer = stages.find(({ stage }) => stage === "syncer");
  if (!running || syncer === undefined || !config.Services.enable_remote_sync) return [];
  if (syncer.state === "waiting") return [];
  if (syncer.state !== "backing_off") return [{ key, state: "unknown", text: "" }];
  // Only for notifications; the display shows the retrying stage.
  const text = `the share cannot be used: ${syncer.detail}`;
  return [{ key, state: "problem", text, notifyAfterSeconds: config.Alarm.share_gone_seconds, minor: true }];
}

function ofFrames(facts: Facts): Finding[] {
  const { config, running, counts, damaged, cutOff, displacement } = facts;
  const found: Finding[] = missingFrames(facts);
  if (counts.failed > 0) {
    const text = `${counted(counts.failed, "frame")} failed; see the log or \`phorest export\` for the reasons`;
    found.push({ key: "frames.failed", state: "problem", text, minor: true });
  }
  if (counts.missing > 0) {
    const what = counts.missing === 1 ? "1 image is" : `${counts.missing} images are`;
    found.push({ key: "pictures.missing", state: "problem", text: `${what} missing in ${config.Paths.data_dir}` });
  }
  if (counts.damaged > 0)
    found.push({ key: "pictures.damaged", state: "problem", text: damagedLine(counts.damaged, damaged) });
  if (cutOff !== undefined && cutOff.count > 0)
    found.push({ key: "files.cut_off", state: "problem", text: cutOffLine(cutOff), minor: true });
  if (running && displacement?.movedTooFar === true) {
    const { dx, dy } = displacement;
    const by = `${dx.toFixed(1)}, ${dy.toFixed(1)} px`;
    found.push(problem("chip.astray", `the chip has moved by ${by}, almost out of its ROIs; calibrate again`));
  }
  return found;
}

function cutOffLine({ count, first }: CutOffFiles): string {
  const named = first.map(({ filename, why }) => `${filename}: ${why}`).join("; ");
  const more = count > first.length ? `; and ${count - first.length} more` : "";
  const what = count === 1 ? "1 file is" : `${count} files are`;
  return `${what} cut off; phorest measured the whole pages (${named}${more})`;
}

function damagedLine(pictures: number, names: readonly string[]): string {
  const more = pictures > names.length ? ` and ${pictures - names.length} more` : "";
  const what = pictures === 1 ? "1 image has" : `${pictures} images have`;
  return `${what} changed since capture (${names.join(", ")}${more}); replace with a good copy and run \`phorest verify --repair\``;
}

/** Also reported after the run. */
function ofTheCamera({ frozen }: Facts): Finding[] {
  return frozen === undefined ? [] : [problem("camera.frozen", frozenLine(frozen))];
}

function ofTheClock({ clock }: Facts): Finding[] {
  const line = clock === undefined ? undefined : clockBehindLine(clock);
  return line === undefined ? [] : [problem("clock.behind", line)];
}

function missingFrames({ config, upSeconds, lastFrameAgeSeconds, stages, locked }: Facts): Finding[] {
  const { Alarm, Camera, Services, Timing } = config;
  const watched = Services.enable_camera && !capabilitiesOf(Camera.camera_type).files && Alarm.no_frame_intervals > 0;
  if (!watched || upSeconds === undefined) return [];
  const limit = Alarm.no_frame_intervals * Timing.collector_interval_seconds;
  const age = lastFrameAgeSeconds ?? Number.POSITIVE_INFINITY;
  if (age <= limit) return [];
  const key = "frames.none";
  // Not yet known in a new run: the first capture may take until the time-out of the camera.
  if (upSeconds <= limit + Camera.timeout_seconds) return [{ key, state: "unknown", text: "" }];
  // The reason is reported already as a problem of the collector.
  const known = stages.some(
    ({ stage, state, ageSeconds }) => stage === "collector" && state === "faulted" && ageSeconds <= upSeconds,
  );
  if (known || locked === true) return [{ key, state: "unknown", text: "" }];
  const since = Number.isFinite(age) ? `no image for ${Math.round(age)} s` : "no image yet";
  const text = `${since}, although one is due every ${Timing.collector_interval_seconds} s; check the camera and the collector's line`;
  return [problem(key, text)];
}

function ofResonances({ config, running, recent }: Facts): Finding[] {
  const { resonance_min_px, resonance_max_px, resonance_rois, resonance_frames: frames } = config.Alarm;
  if (!running || (resonance_min_px === undefined && resonance_max_px === undefined)) return [];
  const key = "resonance.range";
  if (recent === undefined) return [{ key, state: "unknown", text: "" }];
  const [low, high] = [resonance_min_px ?? Number.NEGATIVE_INFINITY, resonance_max_px ?? Number.POSITIVE_INFINITY];
  const isWatched = labelMatcher(resonance_rois.length === 0 ? ["*"] : resonance_rois);
  const beyond: string[] = [];
  let undecided = false;
  recent.labels.forEach((label, roi) => {
    if (!isWatched(label)) return;
    const last = soundPositions(recent, roi).slice(-frames);
    const outside = last.filter((px) => px < low || px > high).length;
    if (outside > 0 && outside < frames) undecided = true;
    if (outside === frames) beyond.push(`${label} at ${(last.at(-1) ?? Number.NaN).toFixed(1)} px`);
  });
  if (beyond.length === 0) return undecided ? [{ key, state: "unknown", text: "" }] : [];
  const where = outsideOf(resonance_min_px, resonance_max_px);
  return [problem(key, `resonance ${where}: ${shortList(beyond, LABELS_NAMED)}`)];
}

function outsideOf(low: number | undefined, high: number | undefined): string {
  if (low === undefined) return `above ${high} px`;
  return high === undefined ? `below ${low} px` : `outside ${low} to ${high} px`;
}

/** Returns the positions without flags. */
function soundPositions({ curves }: RecentCurves, roi: number): number[] {
  return curves.flatMap(({ position, flags }) => {
    const px = position[roi];
    return flags[roi] === 0 && px !== undefined && Number.isFinite(px) ? [px] : [];
  });
}

function ofTheDisk({ config, disk }: Facts): Finding[] {
  if (disk === undefined) return [];
  const { freeBytes } = disk;
  const { minFreeBytes: minimum } = pauseBelow(config, disk.totalBytes);
  if (freeBytes >= minimum * DISK_WELL) return ofTheForecast(disk);
  if (freeBytes >= minimum) return [{ key: "disk.low", state: "unknown", text: "" }];
  const [left, limit] = [Math.round(freeBytes / 1e6), Math.round(minimum / 1e6)];
  return [problem("disk.low", `disk nearly full: ${left} MB left; capture pauses below ${limit} MB`)];
}

/** Reported a day ahead, while there is time to free space. */
function ofTheForecast({ fullInSeconds, fullIsKnown, whenFull }: DiskFacts): Finding[] {
  const key = "disk.filling";
  if (fullInSeconds === undefined || fullInSeconds === 0 || fullInSeconds > FORGET_FORECAST_S) return [];
  if (fullInSeconds > TELL_FORECAST_S || !fullIsKnown) return [{ key, state: "unknown", text: "" }];
  const text = `the disk will be nearly full in ${durationText(fullInSeconds)}; then ${whenFull}`;
  return [{ ...problem(key, text), minor: true }];
}

function ofThePlant({ opcUa }: Facts): Finding[] {
  if (opcUa === undefined) return [];
  return refusalLines(opcUa).map((line) => ({
    key: `opcua.refused:${line}`,
    state: "problem",
    text: `OPC UA server refused: ${line}`,
    minor: true,
  }));
}

/** A problem that phorest notifies at once. */
function problem(key: string, text: string): Finding {
  return { key, state: "problem", text, notifyAfterSeconds: 0 };
}
