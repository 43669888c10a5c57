// A progress line on standard error, shown only on a terminal.
import { durationText } from "../system/duration-text.ts";

/** Counts finished items; redraws at most ten times a second. */
export class Progress {
  private readonly total: number;
  private readonly unit: string;
  private readonly stream: NodeJS.WriteStream;
  private readonly startedMs = performance.now();
  private done = 0;
  private drawnMs = Number.NEGATIVE_INFINITY;

  constructor(total: number, unit: string, stream: NodeJS.WriteStream = process.stderr) {
    this.total = total;
    this.unit = unit;
    this.stream = stream;
  }

  advance(): void {
    this.done++;
    const nowMs = performance.now();
    if (!this.stream.isTTY || (nowMs - this.drawnMs < 100 && this.done < this.total)) return;
    this.drawnMs = nowMs;
    this.stream.write(`\r\u001b[2K${progressLine(this.done, this.total, this.unit, nowMs - this.startedMs)}`);
  }

  /** Prints a line of text above the progress line. */
  note(line: string): void {
    this.clear();
    this.stream.write(`${line}\n`);
  }

  /** Removes the progress line. */
  clear(): void {
    if (this.stream.isTTY) this.stream.write("\r\u001b[2K");
  }
}

const BAR_WIDTH = 24;

/** Returns `[#####-----] 50/100 images, 12.5/s, 4 s left`. */
export function progressLine(done: number, total: number, unit: string, elapsedMs: number): string {
  const filled = total === 0 ? BAR_WIDTH : Math.round((BAR_WIDTH * done) / total);
  const bar = `[${"#".repeat(filled)}${"-".repeat(BAR_WIDTH - filled)}] ${done}/${total} ${unit}`;
  if (done === 0 || elapsedMs <= 0) return bar;
  const perSecond = (1000 * done) / elapsedMs;
  const rate = perSecond >= 1 ? `${perSecond.toFixed(1)}/s` : `${(1 / perSecond).toFixed(1)} s each`;
  return `${bar}, ${rate}, ${durationText((total - done) / perSecond)} left`;
}
