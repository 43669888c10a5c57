// The health stage: checks the experiment from its files, as `phorest status` does, writes the health report and sends
// notifications. It works in its own thread; a receiver that hangs delays only the next notification.
import type { Config } from "../../config/schema.ts";
import { RemoteWorker } from "../../threads/remote-worker.ts";
import type { OpenStage, StageContext, StageDefinition } from "../contract/stage-definition.ts";
import type { HealthAnswer, HealthJob } from "./messages.ts";

/** A check and a figure take a second; each receiver has its own time limit within a job. */
const SILENT_MS = 120_000;
const GRACE_MS = 500;

/** Checks the experiment and notifies people of problems, including a damaged database. */
export const health: StageDefinition = {
  name: "health",
  group: "service",
  wakesOn: [],
  runsDamaged: true,
  enabled: wantsHealth,
  open: healthStage,
};

function wantsHealth({ Services, Alarm }: Config): boolean {
  return Services.enable_service_health_check || Alarm.command.length > 0 || Alarm.webhook !== undefined;
}

/** Opens the stage. Its thread starts with the first check. */
function healthStage({ config, log }: Pick<StageContext, "config" | "log">): OpenStage {
  const { Services, Timing, Alarm } = config;
  const reportMs = Services.enable_service_health_check
    ? Timing.health_interval_seconds * 1000
    : Number.POSITIVE_INFINITY;
  const everyMs = Math.min(reportMs, Alarm.check_interval_seconds * 1000);
  const thread = new RemoteWorker<Config, HealthJob, HealthAnswer>("health", config, (level, message) =>
    log.log(level, message),
  );
  let reportedMs = Number.NEGATIVE_INFINITY;
  let note = "";
  return {
    schedule: { kind: "demand", atLeastEveryMs: everyMs, atMostEveryMs: everyMs },
    idle: () => true,
    note: () => note,
    close: (timeoutMs) => thread.close(timeoutMs),
    async run(signal) {
      const report = performance.now() - reportedMs >= reportMs - everyMs / 2;
      const limitMs = SILENT_MS + Alarm.timeout_seconds * 1000;
      const answer = await thread.run({ type: "look", report }, limitMs, signal, GRACE_MS);
      if (report) reportedMs = performance.now();
      note = noteOf(answer);
      return false;
    },
  };
}

function noteOf({ notified, undelivered }: HealthAnswer): string {
  const parts = [];
  if (notified > 0) parts.push(notified === 1 ? "1 problem notified" : `${notified} problems notified`);
  if (undelivered > 0) parts.push(`notifications still to be delivered: ${undelivered}`);
  return parts.join("; ");
}
