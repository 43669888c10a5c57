// Images that cannot be used under their present name: each is logged once, and `status` shows them.
import type { SkippedList } from "../../cameras/skipped-list.ts";
import type { StageLog } from "../../log/logger.ts";

/** Lines sent, logged and kept; a directory full of such pictures must not fill the log. */
const SKIPPED_NAMED = 20;

export class SkippedPictures {
  private readonly log: StageLog;
  private readonly logged = new Set<string>();
  private atStart: SkippedList = { lines: [], total: 0 };
  private bySource: SkippedList = { lines: [], total: 0 };
  private loggedTotal = 0;

  constructor(log: StageLog) {
    this.log = log;
  }

  /** Those found in the data directory when the run began. */
  foundAtStart(skipped: SkippedList): void {
    this.atStart = skipped;
    this.report(skipped);
  }

  /** Those the source skips now. */
  foundBySource(skipped: SkippedList): void {
    this.bySource = skipped;
    this.report(skipped);
  }

  /** For `status`, in one line; empty when no picture is skipped. */
  note(): string {
    const total = this.atStart.total + this.bySource.total;
    const [first] = [...this.atStart.lines, ...this.bySource.lines];
    if (first === undefined) return "";
    return total === 1 ? first : `${first}; and ${total - 1} more images skipped`;
  }

  private report({ lines, total }: SkippedList): void {
    for (const line of lines) {
      if (this.logged.has(line) || this.logged.size >= SKIPPED_NAMED) continue;
      this.logged.add(line);
      this.log.warn(line);
    }
    const unnamed = total - lines.length;
    if (unnamed > this.loggedTotal) this.log.warn(`skipped ${unnamed} more images for the same reason`);
    this.loggedTotal = Math.max(this.loggedTotal, unnamed);
  }
}

/** The first lines, and how many there are in all. */
export function skippedList(lines: readonly string[]): SkippedList {
  return { lines: lines.slice(0, SKIPPED_NAMED), total: lines.length };
}
