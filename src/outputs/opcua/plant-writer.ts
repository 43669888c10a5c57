// Writes samples to the server's nodes, in messages of a size that it accepts, and warns once about each node that does not
// accept everything.
import type { LogLevel } from "../../log/levels.ts";
import { outOfRangeLine } from "./node-remarks.ts";
import type { BoundNode } from "./node-table.ts";
import { remedyFor } from "./remedies.ts";
import type { PlantSession } from "./session.ts";
import { writeSamples } from "./writer.ts";

const SMALLEST_WRITE = 10;

export class PlantWriter {
  readonly #log: (level: LogLevel, message: string) => void;
  /** Halved by each connection that breaks during a Write, because a message that is too large looks like this. */
  #writeAtMost = Number.POSITIVE_INFINITY;
  readonly #warned = new Set<string>();
  #warnedWithheld = false;

  constructor(log: (level: LogLevel, message: string) => void) {
    this.#log = log;
  }

  /** Limits the messages of a new session to a size that worked earlier. */
  limit(session: PlantSession): void {
    session.limits.write.max = Math.min(session.limits.write.max, this.#writeAtMost);
  }

  /** Writes a sample to each node. Throws errors of the connection; the next session then writes smaller messages. */
  async write(
    session: PlantSession,
    nodes: readonly BoundNode[],
    sampleFor: Parameters<typeof writeSamples>[2],
    timeUs: number,
  ): Promise<void> {
    try {
      const written = await writeSamples(session, nodes, sampleFor, timeUs);
      this.#writeAtMost = session.limits.write.max * 2;
      this.#remark(written);
    } catch (error) {
      this.#writeAtMost = Math.max(SMALLEST_WRITE, Math.ceil(Math.min(session.limits.write.max, nodes.length) / 2));
      throw error;
    }
  }

  /** Warns about what the server did not accept as it was sent. */
  #remark({ bare, outOfRange, remarks, withheld }: Awaited<ReturnType<typeof writeSamples>>): void {
    if (bare.length > 0) {
      this.warnOnce(
        `${bare.length} nodes declare that they accept status and time stamp, but refuse them (first: ${bare[0]?.target.shown}): they get ${bare[0]?.takesStatus ? "no time stamp" : "the value alone"}`,
      );
    }
    const [beyond] = outOfRange;
    if (beyond !== undefined) this.warnOnce(outOfRangeLine(beyond, outOfRange.length));
    const [kept] = withheld;
    if (kept !== undefined && !this.#warnedWithheld) {
      this.#warnedWithheld = true;
      const all = kept.asArray ? ", all of its values for one that is missing" : "";
      this.#log(
        "warn",
        `${kept.target.shown} (${kept.target.value}) does not accept a status and its type has no NaN: it keeps its last value while there is no new one${all} (map it to a Float or Double)`,
      );
    }
    for (const [status, { target }] of remarks) {
      this.warnOnce(`${target.shown} (${target.value}) accepted the value with status ${status}: ${remedyFor(status)}`);
    }
  }

  /** Logs a warning, each line once in the lifetime of this thread. */
  warnOnce(line: string): void {
    if (this.#warned.has(line)) return;
    this.#warned.add(line);
    this.#log("warn", line);
  }
}
