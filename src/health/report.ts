// The health report of an experiment: printed by `phorest health`, and written to results_dir by the health stage, as JSON for
// programs and as an image for people.
import { join } from "node:path";
import type { Config } from "../config/schema.ts";
import { drawPng } from "../figures/drawing.ts";
import { logTail } from "../log/tail.ts";
import { ensureDirectory, replaceWithoutFlush } from "../system/files.ts";
import type { TimeZone } from "../system/time-zone.ts";
import { ALARM_STATE_FILENAME, type AlarmState, readAlarmState } from "./alarm-state.ts";
import { healthFigure } from "./figure.ts";
import { problemsAmong } from "./finding.ts";
import { isUnhealthy, type Snapshot, snapshotJson } from "./snapshot.ts";
import type { HealthReport } from "./verdict.ts";

const HEALTH_PICTURE = "health_report.png";
const HEALTH_JSON = "health_report.json";

const LOG_LINES = 12;

export function alarmStatePath({ Paths }: Pick<Config, "Paths">): string {
  return join(Paths.data_dir, ALARM_STATE_FILENAME);
}

/** Makes the report from a snapshot. */
export function healthReport(config: Config, snapshot: Snapshot, alarmState = knownAlarmState(config)): HealthReport {
  const shown = new Set(problemsAmong(snapshot.findings).flatMap(({ key, minor }) => (minor === true ? [] : [key])));
  const told = Object.entries(alarmState.troubles)
    .filter(([key, problem]) => problem.told && !shown.has(key))
    .map(([, { sinceUs, text }]) => ({ since: new Date(sinceUs / 1000).toISOString(), text }));
  const running = snapshot.experiment === "running";
  const ill = isUnhealthy(snapshot) || (running && told.length > 0);
  const nothing = snapshot.experiment === "none" && snapshot.alarms.length === 0;
  return {
    verdict: nothing ? "none" : ill ? "ill" : "fine",
    at: new Date().toISOString(),
    snapshot,
    told: running ? told : [],
    undelivered: alarmState.outbox.length,
    log: logTail(config.Paths.logs_dir, { limit: LOG_LINES, level: "info" }),
  };
}

/** Returns the alarm state. If it cannot be read, the health stage reports that, and the report does without. */
function knownAlarmState(config: Config): AlarmState {
  try {
    return readAlarmState(alarmStatePath(config));
  } catch {
    return { version: 1, troubles: {}, outbox: [] };
  }
}

export function healthJson({ verdict, at, snapshot, told, undelivered, log }: HealthReport): object {
  return { verdict, at, ...snapshotJson(snapshot), told, undelivered, log: log.map(({ text }) => text) };
}

/** Draws the report. `zone`: time zone of its times. */
export async function healthPicture(report: HealthReport, zone: TimeZone): Promise<Uint8Array> {
  return drawPng(healthFigure(report, zone));
}

/** Writes image and JSON into `directory`, each completely or not at all; times in the image are in `zone`. */
export async function writeHealthReport(directory: string, report: HealthReport, zone: TimeZone): Promise<void> {
  await ensureDirectory(directory);
  // Rewritten every minute, so it does not justify a flush of the disk, which captures would have to wait for.
  await replaceWithoutFlush(
    join(directory, HEALTH_JSON),
    Buffer.from(`${JSON.stringify(healthJson(report), undefined, 2)}\n`),
  );
  await replaceWithoutFlush(join(directory, HEALTH_PICTURE), await healthPicture(report, zone));
}
