// `phorest health`: reports whether the experiment has problems, as lines for people and an exit code for monitors.

import { dirname, resolve } from "node:path";
import type { CommandModule } from "yargs";
import { loadConfig } from "../config/config.ts";
import { Failure } from "../failure/failure.ts";
import { metricsText } from "../health/metrics.ts";
import { healthJson, healthPicture, healthReport } from "../health/report.ts";
import { takeSnapshot } from "../health/snapshot.ts";
import { formatSnapshot } from "../health/snapshot-text.ts";
import { type HealthReport, verdictText } from "../health/verdict.ts";
import { wallClockUs } from "../system/clock.ts";
import { counted } from "../system/counted.ts";
import { ensureDirectory } from "../system/files.ts";
import { writeOutput } from "../system/output-file.ts";
import type { TimeZone } from "../system/time-zone.ts";
import type { GlobalOptions } from "./global.ts";
import { shownZone } from "./shown-zone.ts";

interface HealthOptions extends GlobalOptions {
  png: string | undefined;
  metrics: boolean;
  "expect-running": boolean;
}

const NO_EXPERIMENT = 2;
const ILL = 1;

export const healthCommand: CommandModule<GlobalOptions, HealthOptions> = {
  command: "health",
  describe: "Report problems. Exit code 0: none, 1: there are problems, 2: no experiment or wrong usage",
  builder: (yargs) =>
    yargs
      .option("png", { type: "string", requiresArg: true, describe: "Also write the report to this PNG file" })
      .option("metrics", {
        type: "boolean",
        default: false,
        describe: "Print metrics in the text format of Prometheus",
      })
      .option("expect-running", {
        type: "boolean",
        default: false,
        describe: "Also report a problem if no run is active",
      })
      .example("$0 health --expect-running || mail -s phorest lab@example.org", "from cron, or any monitor"),
  handler: async (args) => {
    if (args.metrics && args.json) {
      throw new Failure("usage.invalid", "--metrics and --json cannot be combined", { hint: "choose one" });
    }
    const { config } = loadConfig(args.config);
    const zone = shownZone(config, args.tz);
    const snapshot = takeSnapshot(config, wallClockUs(), undefined, true);
    const report = healthReport(config, snapshot);
    const missed = args["expect-running"] && snapshot.experiment === "stopped";
    if (args.png !== undefined) await writePicture(resolve(args.png), report, zone);
    if (args.metrics) process.stdout.write(await metricsText(snapshot));
    else if (args.json) process.stdout.write(`${JSON.stringify(healthJson(report))}\n`);
    else process.stdout.write(`${zone.shown(lines(report, missed).join("\n"))}\n`);
    if (report.verdict === "none") process.exitCode = NO_EXPERIMENT;
    else if (report.verdict === "ill" || missed) process.exitCode = ILL;
  },
};

function lines(report: HealthReport, missed: boolean): string[] {
  const { verdict, snapshot, told, undelivered, log } = report;
  const words = verdictText(report);
  return [
    `${missed && verdict === "fine" ? "no run is active" : words}`,
    ...formatSnapshot(snapshot),
    ...told.map(({ since, text }) => `notified      ${since}: ${text}`),
    ...(undelivered > 0 ? [`notified      ${counted(undelivered, "notification")} still to be delivered`] : []),
    ...log.map(({ text }) => `log           ${text}`),
  ];
}

async function writePicture(path: string, report: HealthReport, zone: TimeZone): Promise<void> {
  if (!path.endsWith(".png")) {
    throw new Failure("usage.invalid", `--png needs the name of a .png file, not "${path}"`);
  }
  await ensureDirectory(dirname(path));
  await writeOutput(path, await healthPicture(report, zone));
}
