// `phorest health`: is the experiment well? One line for a person, an exit code for a monitor.

import { dirname, resolve } from "node:path";
import type { CommandModule } from "yargs";
import { loadConfig } from "../config/config.ts";
import { Failure } from "../failure/failure.ts";
import { metricsText } from "../health/metrics.ts";
import { healthJson, healthPicture, healthReport } from "../health/report.ts";
import { formatSnapshot, takeSnapshot } from "../health/snapshot.ts";
import type { HealthReport } from "../health/verdict.ts";
import { wallClockUs } from "../system/clock.ts";
import { ensureDirectory, writeDurably } from "../system/files.ts";
import type { GlobalOptions } from "./global.ts";

interface HealthOptions extends GlobalOptions {
  png: string | undefined;
  metrics: boolean;
  "expect-running": boolean;
}

const NO_EXPERIMENT = 2;
const ILL = 1;

export const healthCommand: CommandModule<GlobalOptions, HealthOptions> = {
  command: "health",
  describe: "Is it well? Exit code 0 fine, 1 something is wrong, 2 no experiment or wrong usage",
  builder: (yargs) =>
    yargs
      .option("png", { type: "string", requiresArg: true, describe: "Also draw the report to this file" })
      .option("metrics", { type: "boolean", default: false, describe: "Print metrics in Prometheus' text format" })
      .option("expect-running", { type: "boolean", default: false, describe: "A run that is not going is wrong too" })
      .example("$0 health --expect-running || mail -s phorest lab@example.org", "from cron, or any monitor"),
  handler: async (args) => {
    if (args.metrics && args.json) {
      throw new Failure("usage.invalid", "--metrics and --json exclude each other", { hint: "give one of them" });
    }
    const { config } = loadConfig(args.config);
    const snapshot = takeSnapshot(config, wallClockUs(), undefined, true);
    const report = healthReport(config, snapshot);
    const missed = args["expect-running"] && snapshot.experiment === "stopped";
    if (args.png !== undefined) await writePicture(resolve(args.png), report);
    if (args.metrics) process.stdout.write(await metricsText(snapshot));
    else if (args.json) process.stdout.write(`${JSON.stringify(healthJson(report))}\n`);
    else process.stdout.write(`${lines(report, missed).join("\n")}\n`);
    if (report.verdict === "none") process.exitCode = NO_EXPERIMENT;
    else if (report.verdict === "ill" || missed) process.exitCode = ILL;
  },
};

function lines(report: HealthReport, missed: boolean): string[] {
  const { verdict, snapshot, told, undelivered, log } = report;
  const words = { fine: "fine", ill: "something is wrong", none: "no experiment" }[verdict];
  return [
    `${missed && verdict === "fine" ? "no run is going" : words}`,
    ...formatSnapshot(snapshot),
    ...told.map(({ since, text }) => `told          ${since}: ${text}`),
    ...(undelivered > 0 ? [`told          ${undelivered} notices wait to be delivered`] : []),
    ...log.map(({ text }) => `log           ${text}`),
  ];
}

async function writePicture(path: string, report: HealthReport): Promise<void> {
  if (!path.endsWith(".png")) {
    throw new Failure("usage.invalid", `--png takes the name of a .png file, received "${path}"`);
  }
  await ensureDirectory(dirname(path));
  await writeDurably(path, await healthPicture(report));
}
