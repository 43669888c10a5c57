// Images that cannot be used under their present name: each is logged once, and `status` shows them.
import type { SkippedList } from "../../cameras/skipped-list.ts";
import type { StageLog } from "../../log/logger.ts";
import { counted } from "../../system/counted.ts";

/** Largest number of lines sent, logged and kept; a directory full of such images must not fill the log. */
const SKIPPED_NAMED = 20;
const NUMBER = /\d+/;
const NUMBERS = /\d+/g;

export class SkippedPictures {
  private readonly log: StageLog;
  private readonly logged = new Set<string>();
  private atStart: SkippedList = { lines: [], total: 0 };
  private bySource: SkippedList = { lines: [], total: 0 };
  private loggedTotal = 0;
  private leftOut: readonly string[] = [];
  /** For each line about images that are left out: the number in it when it was logged last. */
  private readonly loggedCounts = new Map<string, number>();

  constructor(log: StageLog) {
    this.log = log;
  }

  /** Reports the images found in the data directory when the run began. */
  foundAtStart(skipped: SkippedList): void {
    this.atStart = skipped;
    this.report(skipped);
  }

  /** Reports the images that the source skips now. */
  foundBySource(skipped: SkippedList): void {
    this.bySource = skipped;
    this.report(skipped);
  }

  /** Reports what the source leaves out because a part was chosen; logged again only when the number has doubled. */
  leftOutBySource(lines: readonly string[]): void {
    this.leftOut = lines;
    for (const line of lines) {
      const reason = line.replace(NUMBERS, "");
      const count = Number(NUMBER.exec(line)?.[0] ?? 0);
      const before = this.loggedCounts.get(reason);
      if (before !== undefined && count < 2 * before) continue;
      this.loggedCounts.set(reason, Math.max(1, count));
      this.log.warn(line);
    }
  }

  /** Returns one line for `status`; empty when no image is skipped or left out. */
  note(): string {
    const total = this.atStart.total + this.bySource.total;
    const [first] = [...this.atStart.lines, ...this.bySource.lines];
    const more = total > 1 ? [`and ${counted(total - 1, "more image")} skipped`] : [];
    return [...(first === undefined ? [] : [first, ...more]), ...this.leftOut].join("; ");
  }

  private report({ lines, total }: SkippedList): void {
    for (const line of lines) {
      if (this.logged.has(line) || this.logged.size >= SKIPPED_NAMED) continue;
      this.logged.add(line);
      this.log.warn(line);
    }
    const unnamed = total - lines.length;
    if (unnamed > this.loggedTotal) this.log.warn(`skipped ${counted(unnamed, "more image")} for the same reason`);
    this.loggedTotal = Math.max(this.loggedTotal, unnamed);
  }
}

/** Returns the first lines, and the total number. */
export function skippedList(lines: readonly string[]): SkippedList {
  return { lines: lines.slice(0, SKIPPED_NAMED), total: lines.length };
}
