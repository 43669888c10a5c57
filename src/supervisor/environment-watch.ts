// Watches the disk of the data directory and the clock of the computer. Both are checked with each heartbeat; a change is
// reported once when it starts and once when it ends.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { checkPlace, markPlace, type Place } from "../archive/directory-identity.ts";
import { failureLine } from "../failure/failure.ts";
import type { StageLog } from "../log/logger.ts";
import { MANIFEST_FILENAME } from "../manifest/manifest.ts";
import type { StageReport } from "../stages/contract/stage-report.ts";

/** Largest drift of the wall clock from the monotonic one between two checks; more is a jump. */
const LARGEST_SLEW_MS = 5000;
/** How long a jump is shown. */
const JUMP_SHOWN_MS = 3_600_000;

export interface Clocks {
  /** Wall clock, ms since the epoch. */
  wallMs(): number;
  /** Monotonic clock, ms. */
  steadyMs(): number;
}

const SYSTEM_CLOCKS: Clocks = { wallMs: () => Date.now(), steadyMs: () => performance.now() };

export class EnvironmentWatch {
  private readonly place: Place;
  private readonly log: StageLog;
  private readonly clocks: Clocks;
  private lost: string | undefined;
  private jump: { readonly line: string; readonly atMs: number } | undefined;
  private offsetMs: number;
  /** Another disk with a manifest is mounted in place of the experiment's: the files that this process has open are useless. */
  displaced = false;

  constructor(place: Place, log: StageLog, clocks: Clocks = SYSTEM_CLOCKS) {
    this.place = place;
    this.log = log;
    this.clocks = clocks;
    this.offsetMs = clocks.wallMs() - clocks.steadyMs();
  }

  /** One-line status for people; empty if there is no problem. */
  look(): string {
    this.checkDirectory();
    this.lookAtClock();
    return [this.lost, this.jump?.line].filter((line) => line !== undefined).join("; ");
  }

  private checkDirectory(): void {
    const lost = problemOf(() => checkPlace(this.place));
    if (lost !== undefined && this.lost === undefined) this.log.error(`capture pauses: ${lost}`);
    if (lost === undefined && this.lost !== undefined)
      this.log.info(`${this.place.dataDir} is back; the run continues`);
    this.lost = lost;
    this.displaced = lost !== undefined && this.hasNewManifest();
  }

  /** Whether a complete experiment is there now that would pass every check except that of identity. */
  private hasNewManifest(): boolean {
    const { dataDir } = this.place;
    if (!existsSync(join(dataDir, MANIFEST_FILENAME))) return false;
    return problemOf(() => checkPlace({ ...this.place, mark: markPlace(dataDir) })) === undefined;
  }

  private lookAtClock(): void {
    const steadyMs = this.clocks.steadyMs();
    const offsetMs = this.clocks.wallMs() - steadyMs;
    const jumpMs = offsetMs - this.offsetMs;
    this.offsetMs = offsetMs;
    if (Math.abs(jumpMs) > LARGEST_SLEW_MS) {
      const seconds = Math.round(Math.abs(jumpMs) / 1000);
      const line = `the clock of this computer was set ${jumpMs > 0 ? "forward" : "back"} by ${seconds} s; the capture interval does not change, time stamps follow the new clock`;
      this.log.warn(line);
      this.jump = { line, atMs: steadyMs };
    } else if (this.jump !== undefined && steadyMs - this.jump.atMs > JUMP_SHOWN_MS) {
      this.jump = undefined;
    }
  }
}

/** Reports from the second failure in a row on; a single one may be temporary. */
const REFUSALS = 2;

/**
 * Returns the stages whose writes to the disk keep failing, in one line; empty for none. This is an alarm, because retrying does
 * not fix a disk.
 */
export function refusedByDisk(reports: readonly Pick<StageReport, "name" | "failures" | "lastFailure">[]): string {
  const refused = reports.flatMap(({ name, failures, lastFailure }) =>
    failures >= REFUSALS && lastFailure?.code.startsWith("disk.") === true ? [`${name}: ${lastFailure.message}`] : [],
  );
  return refused.length === 0 ? "" : `writing to the disk keeps failing (${refused.join("; ")}); check the disk`;
}

function problemOf(check: () => void): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return failureLine(error);
  }
}
