// The screen of `status --watch`: makes its lines from a snapshot.

import { cameraText } from "../health/camera-in-use.ts";
import { diskFullText } from "../health/disk-facts.ts";
import type { RecentCurves } from "../health/recent-curves.ts";
import type { Snapshot } from "../health/snapshot.ts";
import type { StageHealth } from "../health/stage-health.ts";
import { flagNames } from "../measurement/method.ts";
import { gigabytes } from "../system/byte-size.ts";
import { counted } from "../system/counted.ts";
import type { Paint } from "./screen.ts";
import { type SparkPoint, sparkline } from "./sparkline.ts";

export interface ViewOptions {
  /** Whether an ROI is listed. */
  isChosen(label: string): boolean;
  readonly columns: number;
  readonly paint: Paint;
  readonly unicode: boolean;
}

/** Number of ROIs listed if none are named. */
export const FIRST_ROIS = 6;
/** px; a smaller range would only show noise. */
const LEAST_RANGE_PX = 0.05;
const NAME = 14;

/** Returns the lines of the screen, top to bottom; alarms come first. */
export function watchLines(snapshot: Snapshot, options: ViewOptions): string[] {
  const { paint, columns } = options;
  const { alarms, notes, stages, experiment } = snapshot;
  return [
    headLine(snapshot, paint),
    ...alarms.flatMap((alarm) => wrap(`! ${alarm}`, columns).map((line) => paint("red", line))),
    ...notes.flatMap((note) => wrap(`  ${note}`, columns).map((line) => paint("yellow", line))),
    "",
    ...cameraLines(snapshot, paint),
    ...queueLines(snapshot),
    "",
    ...stages.map((stage) => stageLine(stage, experiment === "running", paint)),
    ...(snapshot.recent === undefined ? [] : ["", ...resultLines(snapshot.recent, options)]),
    "",
    paint("dim", `${new Date().toISOString().slice(0, 19)}Z  q or Ctrl-C closes this view; the run continues`),
  ];
}

function headLine({ experiment, pid, startedAt, endedAt, endReason, dataDir, alarms }: Snapshot, paint: Paint): string {
  if (experiment === "none") return paint("bold", `no experiment in ${dataDir}`);
  const well = alarms.length === 0 ? paint("green", "no alarms") : paint("red", counted(alarms.length, "alarm"));
  if (experiment === "running") {
    return `${paint("bold", "phorest running")}  ${well}  since ${startedAt}, process ${pid}, ${dataDir}`;
  }
  const ended = endedAt ?? "interrupted";
  return `${paint("bold", "phorest stopped")}  ${well}  ${ended}${endReason === undefined ? "" : ` (${endReason})`}, ${dataDir}`;
}

function cameraLines({ camera }: Snapshot, paint: Paint): string[] {
  if (camera === undefined) return [];
  const text = cameraText(camera.type);
  return [`${"camera".padEnd(NAME)}${camera.simulated ? paint("yellow", text) : text}`];
}

function queueLines({ counts, shares, outputs, freeBytes, diskFull, lastFrame, opcUa }: Snapshot): string[] {
  const lines: string[] = [];
  const line = (name: string, text: string) => lines.push(`${name.padEnd(NAME)}${text}`);
  if (counts !== undefined) {
    const { processed, pending, processing, failed, synced, compressed, localImages, localBytes } = counts;
    line("frames", `${processed} measured, ${pending} waiting, ${processing} being measured, ${failed} failed`);
    const waiting = outputs.map(({ name, waiting: count }) => `${name} ${count} waiting`).join(", ");
    line("outputs", waiting === "" ? "none" : waiting);
    const free = freeBytes === undefined ? "" : `, ${gigabytes(freeBytes)} free`;
    const stored = `${counted(localImages, "image")}, ${gigabytes(localBytes, 2)}`;
    line(
      "disk",
      `${stored}${free}; ${compressed} compressed, ${synced} copied to ${shares.length > 1 ? `${shares.length} shares` : "the share"}`,
    );
  }
  if (diskFull !== undefined) line("", diskFullText(diskFull));
  if (opcUa !== undefined) line("OPC UA", `${counted(opcUa.written, "node")} written, ${opcUa.refused} refused`);
  if (lastFrame !== undefined) {
    line("last frame", `${lastFrame.filename ?? "no image"}  ${lastFrame.capturedAt}  ${lastFrame.status}`);
  }
  return lines;
}

function stageLine({ stage, state, ageSeconds, detail }: StageHealth, running: boolean, paint: Paint): string {
  const bad = state === "faulted" ? "red" : state === "backing_off" ? "yellow" : "green";
  const word = state.replace("_", " ").padEnd(13);
  return `${stage.padEnd(NAME)}${running ? paint(bad, word) : word}${`${Math.round(ageSeconds)} s`.padStart(6)}  ${detail}`;
}

function resultLines({ labels, curves }: RecentCurves, { isChosen, columns, paint, unicode }: ViewOptions): string[] {
  const last = curves.at(-1);
  if (last === undefined) return [];
  const sound = Array.from(last.flags).filter((flags) => flags === 0).length;
  const width = Math.max(8, Math.min(curves.length, columns - 61));
  const lines = [
    `results       ${sound} of ${labels.length} ROIs without flags in the last frame; shift over ${width} frames`,
  ];
  labels.forEach((label, roi) => {
    if (!isChosen(label)) return;
    const points = curves.map(({ position, flags }): SparkPoint => {
      return { value: position[roi] ?? Number.NaN, doubtful: flags[roi] !== 0 };
    });
    const first = points.slice(-width).find(({ value, doubtful }) => !doubtful && Number.isFinite(value));
    const now = points.at(-1)?.value ?? Number.NaN;
    const px = Number.isFinite(now) ? `${now.toFixed(3)} px` : "no value";
    const shift = first === undefined || !Number.isFinite(now) ? "" : signed(now - first.value);
    const doubts = flagNames(last.flags[roi] ?? 0).join(" ");
    const curve = sparkline(points, width, LEAST_RANGE_PX, unicode);
    lines.push(`  ${label.padEnd(NAME)}${px.padStart(12)} ${shift.padStart(12)}  ${curve}  ${paint("yellow", doubts)}`);
  });
  return lines;
}

function signed(px: number): string {
  return `${px < 0 ? "-" : "+"}${Math.abs(px).toFixed(3)} px`;
}

/** Wraps a text, so that alarms are not cut. */
function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = "   ";
    }
    line += line === "" ? word : ` ${word}`;
  }
  return [...lines, line];
}
