// Draws the health report as an image: verdict, alarms, stages, numbers, the shift of the last frames, the last log lines. It is
// mostly text, so it is written directly as SVG.

import { outputShownAs } from "../config/output-methods.ts";
import { COLOURS, DOUBTFUL_COLOUR, FAINT_INK, GRID, INK } from "../figures/figure-style.ts";
import { FONT_FAMILY } from "../figures/render.ts";
import { medianOf } from "../measurement/statistics.ts";
import { gigabytes } from "../system/byte-size.ts";
import { counted } from "../system/counted.ts";
import { agoText } from "../system/duration-text.ts";
import { escapeMarkup } from "../system/markup.ts";
import type { TimeZone } from "../system/time-zone.ts";
import { SIMULATED_CHIP } from "./camera-in-use.ts";
import type { RecentCurves } from "./recent-curves.ts";
import type { StageHealth } from "./stage-health.ts";
import { type HealthReport, verdictText } from "./verdict.ts";

const WIDTH = 1100;
const MARGIN = 28;
const LINE = 21;
const GOOD = "#1a7f37";
const WAITS = "#b58900";
const QUIET = "#8a8a8a";

/** Number of characters of the small font that fit into the width. */
const LETTERS = 150;

/** Returns the SVG of the report, with times in a time zone. */
export function healthFigure(report: HealthReport, zone: TimeZone): string {
  const { snapshot, log, told, undelivered } = report;
  const page = new Page(zone);
  page.banner(verdictWords(report), verdictColour(report));
  page.text(`${snapshot.dataDir}  ·  ${zone.moment(Date.parse(report.at) * 1000)}`, { colour: FAINT_INK });
  if (snapshot.startedAt !== undefined) page.text(runWords(report, page.moment), { colour: FAINT_INK });
  page.gap();
  page.heading(snapshot.alarms.length === 0 ? "No alarms" : "Alarms");
  for (const alarm of snapshot.alarms) page.wrapped(alarm, DOUBTFUL_COLOUR);
  for (const note of snapshot.notes) page.wrapped(note, INK);
  for (const { since, text } of told) page.wrapped(`notified ${page.moment(since)}: ${text}`, INK);
  if (undelivered > 0) page.text(`${counted(undelivered, "notification")} still to be delivered`, { colour: WAITS });
  page.gap();
  if (snapshot.stages.length > 0) {
    page.heading("Stages");
    for (const stage of snapshot.stages) page.stage(stage, snapshot.experiment === "running");
    page.gap();
  }
  page.heading("Numbers");
  for (const [name, value] of figures(report, page.moment)) page.pair(name, value);
  page.gap();
  const shifts = snapshot.recent === undefined ? [] : medianShifts(snapshot.recent);
  if (shifts.length > 1) page.curve(`Median shift of all ROIs in the last ${shifts.length} frames, px`, shifts);
  page.heading("Log");
  if (log.length === 0) page.text("no log lines", { colour: FAINT_INK });
  for (const { level, text } of log) {
    page.text(zone.shown(text).slice(0, LETTERS), {
      size: 10.5,
      colour: level === "error" || level === "warn" ? DOUBTFUL_COLOUR : INK,
    });
  }
  return page.svg();
}

interface FrameShift {
  readonly atUs: number;
  /** px */
  readonly shift: number;
}

/** Returns the median shift of the unflagged ROIs from the first of these frames; frames without such ROIs are left out. */
function medianShifts({ curves, labels }: RecentCurves): FrameShift[] {
  const zero = labels.map((_label, roi) => {
    const first = curves.find(({ position, flags }) => flags[roi] === 0 && Number.isFinite(position[roi]));
    return first?.position[roi] ?? Number.NaN;
  });
  return curves
    .map(({ position, flags, capturedAtUs }) => {
      const shifts = Array.from(position, (px, roi) =>
        flags[roi] === 0 ? px - (zero[roi] ?? Number.NaN) : Number.NaN,
      );
      return { atUs: capturedAtUs, shift: medianOf(Float64Array.from(shifts.filter(Number.isFinite))) };
    })
    .filter(({ shift }) => Number.isFinite(shift));
}

function verdictWords(report: HealthReport): string {
  const text = verdictText(report);
  const words = text.charAt(0).toUpperCase() + text.slice(1);
  return report.verdict === "none"
    ? words
    : `${words}, ${report.snapshot.experiment === "running" ? "running" : "stopped"}`;
}

function verdictColour({ verdict, snapshot }: HealthReport): string {
  if (verdict === "ill") return DOUBTFUL_COLOUR;
  return verdict === "fine" && snapshot.experiment === "running" ? GOOD : QUIET;
}

type Moment = (iso: string | undefined) => string;

function runWords({ snapshot }: HealthReport, moment: Moment): string {
  const { experiment, startedAt, endedAt, endReason, pid } = snapshot;
  if (experiment === "running") return `since ${moment(startedAt)}, process ${pid}`;
  const reason = endReason === undefined ? "" : ` (${endReason})`;
  return `started ${moment(startedAt)}, ${endedAt === undefined ? "interrupted" : `ended ${moment(endedAt)}`}${reason}`;
}

function figures({ snapshot }: HealthReport, moment: Moment): [string, string][] {
  const { camera, counts, freeBytes, lastFrame, outputs } = snapshot;
  const pairs: [string, string][] = [];
  if (camera !== undefined) pairs.push(["camera", camera.simulated ? SIMULATED_CHIP : camera.type]);
  if (counts !== undefined) {
    const { processed, pending, processing, failed, archived, localImages, localBytes } = counts;
    const moved = archived > 0 ? `, ${archived} archived` : "";
    pairs.push(["frames", `${processed} measured, ${pending + processing} waiting, ${failed} failed${moved}`]);
    pairs.push(["images here", `${localImages}, ${gigabytes(localBytes, 2)}`]);
  }
  for (const { name, waiting } of outputs) {
    pairs.push(["output", `${counted(waiting, "frame")} waiting for ${outputShownAs(name)}`]);
  }
  if (freeBytes !== undefined) pairs.push(["disk", `${gigabytes(freeBytes)} free`]);
  if (lastFrame !== undefined) {
    pairs.push([
      "last frame",
      `${lastFrame.filename ?? "no image"}, ${moment(lastFrame.capturedAt)}, ${lastFrame.status}`,
    ]);
  }
  return pairs;
}

const STATE_COLOURS: Readonly<Record<string, string>> = {
  waiting: GOOD,
  running: GOOD,
  idle: QUIET,
  stopped: QUIET,
  backing_off: WAITS,
  faulted: DOUBTFUL_COLOUR,
};

/** A page that grows downwards. */
class Page {
  private y = MARGIN;
  private readonly parts: string[] = [];
  private readonly zone: TimeZone;

  constructor(zone: TimeZone) {
    this.zone = zone;
  }

  /** Returns a time as text in the time zone of the page. */
  readonly moment: Moment = (iso) => (iso === undefined ? "" : this.zone.moment(Date.parse(iso) * 1000));

  banner(words: string, colour: string): void {
    this.parts.push(
      `<rect x="0" y="0" width="${WIDTH}" height="64" fill="${colour}"/>`,
      `<text x="${MARGIN}" y="41" font-size="24" font-weight="bold" fill="#ffffff">${escaped(words)}</text>`,
    );
    this.y = 90;
  }

  heading(words: string): void {
    this.put(words, MARGIN, { size: 14, bold: true });
    this.y += LINE;
  }

  text(words: string, style: TextStyle = {}): void {
    this.put(words, MARGIN, style);
    this.y += style.size === undefined ? LINE : LINE - 4;
  }

  /** Writes a text on several lines if it does not fit on one. */
  wrapped(words: string, colour: string): void {
    let line = "";
    for (const word of this.zone.shown(words).split(" ")) {
      if (line.length + word.length > LETTERS - 15) {
        this.text(line, { colour });
        line = "   ";
      }
      line += line === "" ? word : ` ${word}`;
    }
    this.text(line, { colour });
  }

  pair(name: string, value: string): void {
    this.put(name, MARGIN, { colour: FAINT_INK });
    this.put(value, MARGIN + 150, {});
    this.y += LINE;
  }

  stage({ stage, state, ageSeconds, detail }: StageHealth, running: boolean): void {
    const colour = running ? (STATE_COLOURS[state] ?? QUIET) : QUIET;
    this.parts.push(`<circle cx="${MARGIN + 6}" cy="${this.y - 4}" r="5.5" fill="${colour}"/>`);
    this.put(stage, MARGIN + 22, {});
    this.put(state.replace("_", " "), MARGIN + 150, { colour });
    this.put(agoText(ageSeconds), MARGIN + 240, { colour: FAINT_INK });
    this.put(detail.slice(0, 105), MARGIN + 330, { size: 11 });
    this.y += LINE;
  }

  /** Draws the shifts over the time of their frames. */
  curve(title: string, shifts: readonly FrameShift[]): void {
    this.heading(title);
    const [height, left, width] = [80, MARGIN + 60, WIDTH - 2 * MARGIN - 60];
    const [values, times] = [shifts.map(({ shift }) => shift), shifts.map(({ atUs }) => atUs)];
    const [firstUs = 0, lastUs = 0] = [times[0], times.at(-1)];
    const xOf = (atUs: number) => left + (width * (atUs - firstUs)) / Math.max(1, lastUs - firstUs);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const top = this.y - 12;
    // A narrower axis would only magnify noise.
    const span = Math.max(high - low, 0.02);
    const middle = (low + high) / 2;
    const yOf = (value: number) => top + height * (0.5 - (value - middle) / span / 1.1);
    const points = shifts.map(({ atUs, shift }) => `${xOf(atUs).toFixed(1)},${yOf(shift).toFixed(1)}`);
    this.parts.push(
      `<rect x="${left}" y="${top}" width="${width}" height="${height}" fill="none" stroke="${GRID}"/>`,
      `<polyline points="${points.join(" ")}" fill="none" stroke="${COLOURS[0]}" stroke-width="1.5"/>`,
    );
    for (const value of [middle + span / 2, middle - span / 2]) {
      const y = yOf(value) + 4;
      this.parts.push(
        `<text x="${left - 6}" y="${y}" text-anchor="end" font-size="10.5" fill="${INK}">${signed(value)}</text>`,
      );
    }
    const below = { size: 10.5, colour: FAINT_INK };
    this.y = top + height + 15;
    this.put(this.zone.moment(firstUs), left, below);
    this.put(this.zone.moment(lastUs), left + width, { ...below, anchor: "end" });
    this.y += 30;
  }

  gap(): void {
    this.y += LINE / 2;
  }

  svg(): string {
    const height = this.y + MARGIN / 2;
    return (
      `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="${FONT_FAMILY}">` +
      `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>${this.parts.join("")}</svg>`
    );
  }

  private put(words: string, x: number, { size = 12.5, bold = false, colour = INK, anchor }: TextStyle): void {
    const weight = `${bold ? ' font-weight="bold"' : ""}${anchor === undefined ? "" : ` text-anchor="${anchor}"`}`;
    this.parts.push(
      `<text x="${x}" y="${this.y}" font-size="${size}"${weight} fill="${colour}" xml:space="preserve">${escaped(this.zone.shown(words))}</text>`,
    );
  }
}

interface TextStyle {
  readonly size?: number;
  readonly bold?: boolean;
  readonly colour?: string;
  readonly anchor?: "end";
}

/** Returns a number with a true minus sign. */
const signed = (value: number): string => value.toFixed(3).replace(/^-/, "\u2212");

function escaped(text: string): string {
  return escapeMarkup(text).replaceAll(/\p{Cc}/gu, " ");
}
