// The health stage's thread: looks through read-only connections, keeps the ledger of who was told what, sends notices,
// draws the report.

import { Courier } from "../src/alarm/courier.ts";
import { EMPTY_LEDGER, forChannels, type Ledger, note, readLedger, writeLedger } from "../src/alarm/ledger.ts";
import type { Config } from "../src/config/schema.ts";
import { failureLine } from "../src/failure.ts";
import { wallClockUs } from "../src/frame/frame.ts";
import { takeSnapshot } from "../src/supervisor/health.ts";
import { healthReport, ledgerPath, writeHealthReport } from "../src/supervisor/health-report.ts";
import type { HealthAnswer, HealthJob } from "../src/supervisor/messages.ts";
import { type Log, type Station, serve } from "./host.ts";
import { lowerPriority } from "./priority.ts";

async function open(config: Config, log: Log): Promise<Station<HealthJob, HealthAnswer>> {
  lowerPriority();
  const path = ledgerPath(config);
  const courier = new Courier({
    command: config.Alarm.command,
    webhook: config.Alarm.webhook,
    timeoutMs: config.Alarm.timeout_seconds * 1000,
    experiment: config.Paths.root_dir,
  });
  let ledger = forChannels(openLedger(path, log), courier.channels);
  let unsaved = false;

  /** A disk that takes nothing must not silence the notice that says so. */
  const keep = async (next: Ledger): Promise<void> => {
    if (next === ledger && !unsaved) return;
    ledger = next;
    try {
      await writeLedger(path, ledger);
      unsaved = false;
    } catch (error) {
      if (!unsaved) log("warn", `a restart would tell of the same troubles again: ${failureLine(error)}`);
      unsaved = true;
    }
  };

  return {
    async run({ report }, signal) {
      const nowUs = wallClockUs();
      const snapshot = takeSnapshot(config, nowUs);
      const before = ledger.outbox;
      const { channels } = courier;
      const partial = snapshot.experiment === "none" || snapshot.damaged;
      // Before anything is sent: a death in between tells twice, never not at all.
      await keep(note(ledger, snapshot.findings, { nowUs, channels, partial }));
      for (const { notice } of ledger.outbox.filter((waiting) => !before.includes(waiting))) {
        log(notice.event === "alarm" ? "warn" : "info", `${notice.event}: ${notice.text}`);
      }
      if (ledger.outbox.length > 0) {
        const delivered = await courier.deliver(ledger, signal);
        for (const problem of delivered.problems) log("warn", problem);
        if (delivered.ledger.outbox.length < ledger.outbox.length) {
          log("info", `${ledger.outbox.length - delivered.ledger.outbox.length} notices delivered`);
        }
        await keep(delivered.ledger);
      }
      const result = healthReport(config, snapshot, ledger);
      if (report) await writeHealthReport(config.Paths.results_dir, result);
      const told = Object.values(ledger.troubles).filter((trouble) => trouble.told).length;
      return { told, undelivered: ledger.outbox.length };
    },
    close: () => Promise.resolve(),
  };
}

function openLedger(path: string, log: Log): Ledger {
  try {
    return readLedger(path);
  } catch (error) {
    log("warn", `${path} cannot be understood, troubles that last are told of again: ${failureLine(error)}`);
    return EMPTY_LEDGER;
  }
}

serve<Config, HealthJob, HealthAnswer>(open);
