// `phorest status`: shows the state of a running or stopped experiment, from its files alone.

import { setTimeout as sleep } from "node:timers/promises";
import type { CommandModule } from "yargs";
import { loadConfig } from "../config/config.ts";
import type { Config } from "../config/schema.ts";
import { failureLine } from "../failure/failure.ts";
import { type Snapshot, snapshotJson, takeSnapshot } from "../health/snapshot.ts";
import { formatSnapshot } from "../health/snapshot-text.ts";
import { labelMatcher } from "../measurement/labels.ts";
import { refuseUnknownNames } from "../measurement/roi-names.ts";
import { wallClockUs } from "../system/clock.ts";
import { onStopSignal } from "../system/stop-signals.ts";
import type { TimeZone } from "../system/time-zone.ts";
import { canRedraw, coloured, plain, Screen } from "../terminal/screen.ts";
import { knowsUnicode } from "../terminal/sparkline.ts";
import { FIRST_ROIS, watchLines } from "../terminal/status-lines.ts";
import type { GlobalOptions } from "./global.ts";
import { outliveReaders } from "./outputs.ts";
import { ROI_LIST } from "./roi-list.ts";
import { shownZone } from "./shown-zone.ts";

interface StatusOptions extends GlobalOptions {
  watch: boolean;
  roi: string[] | undefined;
}

/** Exit code for a damaged database, whose content is not reliable. */
const FAILED = 1;
/** Exit code if there is no experiment, like that of `health`. */
const NO_EXPERIMENT = 2;
const REFRESH_MS = 1000;
/** q, Ctrl-C and Ctrl-D, as a terminal in raw mode sends them. */
const END_KEYS = ["q", "Q", "\u0003", "\u0004"];
/** Without a screen to redraw, each update is a new block of lines, so update less often. */
const PLAIN_REFRESH_MS = 5000;

export const statusCommand: CommandModule<GlobalOptions, StatusOptions> = {
  command: "status",
  describe: "Show the state of a running or stopped experiment",
  builder: (yargs) =>
    yargs
      .option("watch", { type: "boolean", default: false, describe: "Keep updating until q or Ctrl-C" })
      .option("roi", {
        ...ROI_LIST,
        describe: "ROI names to show results of; * matches any (with --watch, default: the first few)",
      })
      .example("$0 status --watch --roi '05*_N'", "follow an experiment that is running on this computer"),
  handler: async ({ config: file, json, watch, roi, tz }) => {
    const { config } = loadConfig(file);
    const zone = shownZone(config, tz);
    if (watch && !json && canRedraw(process.stdout, process.env)) return await watchOnScreen(config, roi, zone);
    for (;;) {
      const snapshot = takeSnapshot(config, wallClockUs(), undefined, !watch);
      refuseUnknown(snapshot, roi);
      if (json)
        process.stdout.write(`${JSON.stringify({ ...snapshotJson(snapshot), results: results(snapshot, roi) })}\n`);
      else
        process.stdout.write(`${zone.shown(formatSnapshot(snapshot).concat(resultLines(snapshot, roi)).join("\n"))}\n`);
      if (snapshot.experiment === "none" && !watch) process.exitCode = NO_EXPERIMENT;
      if (snapshot.damaged) process.exitCode = FAILED;
      if (!watch) return;
      await sleep(json ? REFRESH_MS : PLAIN_REFRESH_MS);
      if (!json) process.stdout.write("\n");
    }
  },
};

interface Result {
  readonly label: string;
  readonly position_px: number | null;
  readonly flags: number;
}

/** Returns the results of the chosen ROIs in the newest measured frame; empty if none were chosen. */
function results({ recent, newest }: Snapshot, roi: readonly string[] | undefined): Result[] {
  if (recent === undefined || newest === undefined || roi === undefined) return [];
  const isChosen = labelMatcher(roi);
  return recent.labels.flatMap((label, at) => {
    const px = newest.position[at] ?? Number.NaN;
    return isChosen(label)
      ? [{ label, position_px: Number.isFinite(px) ? px : null, flags: newest.flags[at] ?? 0 }]
      : [];
  });
}

function resultLines(snapshot: Snapshot, roi: readonly string[] | undefined): string[] {
  return results(snapshot, roi).map(({ label, position_px: px, flags }) => {
    const doubt = flags === 0 ? "" : "  flagged";
    return `${label.padEnd(14)}${px === null ? "no value" : `${px.toFixed(3)} px`}${doubt}`;
  });
}

/** Throws Failure `usage.invalid` if ROIs are known and none has such a label. */
function refuseUnknown({ recent }: Snapshot, roi: readonly string[] | undefined): void {
  if (recent !== undefined) refuseUnknownNames(roi, recent.labels);
}

async function watchOnScreen(config: Config, roi: readonly string[] | undefined, zone: TimeZone): Promise<void> {
  const { stdout, stdin, env } = process;
  // Refuse unknown names before the screen is cleared.
  refuseUnknown(takeSnapshot(config, wallClockUs()), roi);
  outliveReaders();
  const screen = new Screen(stdout);
  const ended = new AbortController();
  const end = () => ended.abort();
  const onKey = (keys: Buffer) => {
    if (END_KEYS.some((key) => keys.includes(key))) end();
  };
  const draw = () => {
    const lines = linesOf(config, roi, stdout.columns ?? 80, stdout.hasColors?.() === true, env);
    screen.show(lines.map((line) => zone.shown(line)));
  };
  onStopSignal(end);
  stdout.on("resize", draw);
  // A closed terminal cannot be read or written.
  for (const stream of [stdin, stdout]) stream.on("error", end);
  stdin.on("end", end);
  if (stdin.isTTY) stdin.setRawMode(true).on("data", onKey).resume();
  try {
    while (!ended.signal.aborted) {
      draw();
      await sleep(REFRESH_MS, undefined, { signal: ended.signal }).catch(ignoreAbort);
    }
  } finally {
    screen.leave();
    stdout.off("resize", draw);
    if (stdin.isTTY) stdin.setRawMode(false).off("data", onKey).pause();
  }
}

/** Returns the lines of one update. An error may be gone at the next one. */
function linesOf(
  config: Config,
  roi: readonly string[] | undefined,
  columns: number,
  colours: boolean,
  env: NodeJS.ProcessEnv,
): string[] {
  let snapshot: Snapshot;
  try {
    snapshot = takeSnapshot(config, wallClockUs());
  } catch (error) {
    return [failureLine(error), "", "retrying every second; press q to quit"];
  }
  const first = new Set(snapshot.recent?.labels.slice(0, FIRST_ROIS));
  const isChosen = roi === undefined ? (label: string) => first.has(label) : labelMatcher(roi);
  return watchLines(snapshot, { isChosen, columns, paint: colours ? coloured : plain, unicode: knowsUnicode(env) });
}

function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error && error.name === "AbortError")) throw error;
}
