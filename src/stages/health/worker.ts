// The health stage's thread: checks the experiment through read-only connections, stores the state of the alarms, sends notices
// and draws the report.

import type { Config } from "../../config/schema.ts";
import { failureLine } from "../../failure/failure.ts";
import {
  type AlarmState,
  EMPTY_ALARM_STATE,
  forChannels,
  note,
  readAlarmState,
  writeAlarmState,
} from "../../health/alarm-state.ts";
import { Notifier } from "../../health/notifier.ts";
import { alarmStatePath, healthReport, writeHealthReport } from "../../health/report.ts";
import { takeSnapshot } from "../../health/snapshot.ts";
import { wallClockUs } from "../../system/clock.ts";
import { TimeZone } from "../../system/time-zone.ts";
import type { JobHandler, Log } from "../../threads/host-loop.ts";
import { lowerPriority } from "../../threads/priority.ts";
import type { HealthAnswer, HealthJob } from "./messages.ts";

export async function open(config: Config, log: Log): Promise<JobHandler<HealthJob, HealthAnswer>> {
  lowerPriority();
  const path = alarmStatePath(config);
  const notifier = new Notifier({
    command: config.Alarm.command,
    webhook: config.Alarm.webhook,
    timeoutMs: config.Alarm.timeout_seconds * 1000,
    experiment: config.Paths.root_dir,
  });
  let alarmState = forChannels(openAlarmState(path, log), notifier.channels);
  let unsaved = false;

  /** A disk that cannot be written must not suppress the notice about it. */
  const keep = async (next: AlarmState): Promise<void> => {
    if (next === alarmState && !unsaved) return;
    alarmState = next;
    try {
      await writeAlarmState(path, alarmState);
      unsaved = false;
    } catch (error) {
      if (!unsaved)
        log(
          "warn",
          `cannot save the alarm state, so a restart would notify the same problems again: ${failureLine(error)}`,
        );
      unsaved = true;
    }
  };

  return {
    async run({ report }, signal) {
      const nowUs = wallClockUs();
      const snapshot = takeSnapshot(config, nowUs);
      const before = alarmState.outbox;
      const { channels } = notifier;
      const partial = snapshot.experiment === "none" || snapshot.damaged;
      // Stored before sending: after a crash in between, a notice is sent twice rather than never.
      await keep(note(alarmState, snapshot.findings, { nowUs, channels, partial }));
      for (const { notice } of alarmState.outbox.filter((waiting) => !before.includes(waiting))) {
        log(notice.event === "alarm" ? "warn" : "info", `${notice.event}: ${notice.text}`);
      }
      if (alarmState.outbox.length > 0) {
        const delivered = await notifier.deliver(alarmState, signal);
        for (const problem of delivered.problems) log("warn", problem);
        if (delivered.alarmState.outbox.length < alarmState.outbox.length) {
          log("info", `${alarmState.outbox.length - delivered.alarmState.outbox.length} notifications delivered`);
        }
        await keep(delivered.alarmState);
      }
      const result = healthReport(config, snapshot, alarmState);
      if (report) await writeHealthReport(config.Paths.results_dir, result, new TimeZone(config.Display.time_zone));
      const notified = Object.values(alarmState.troubles).filter((problem) => problem.told).length;
      return { notified, undelivered: alarmState.outbox.length };
    },
    close: () => Promise.resolve(),
  };
}

function openAlarmState(path: string, log: Log): AlarmState {
  try {
    return readAlarmState(path);
  } catch (error) {
    log("warn", `cannot read ${path}, so current problems are notified again: ${failureLine(error)}`);
    return EMPTY_ALARM_STATE;
  }
}
