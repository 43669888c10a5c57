// What can change around a run without anybody telling it: the disk under the data directory, and the machine's clock.
// Looked at with each heartbeat; said once when it begins and once when it is over.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { checkPlace, markPlace, type Place } from "../archive/place.ts";
import { failureLine } from "../failure/failure.ts";
import type { StageLog } from "../log/logger.ts";
import { MANIFEST_FILENAME } from "../manifest/manifest.ts";
import type { StageReport } from "../stages/stage-report.ts";

/** Between two looks the wall clock may differ from the monotonic one by so much; more is a jump. */
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
  /** Another disk with a manifest lies where ours was: what this process holds open is dead. */
  displaced = false;

  constructor(place: Place, log: StageLog, clocks: Clocks = SYSTEM_CLOCKS) {
    this.place = place;
    this.log = log;
    this.clocks = clocks;
    this.offsetMs = clocks.wallMs() - clocks.steadyMs();
  }

  /** What a person should know of it, in one line; empty while all is well. */
  look(): string {
    this.lookAtPlace();
    this.lookAtClock();
    return [this.lost, this.jump?.line].filter((line) => line !== undefined).join("; ");
  }

  private lookAtPlace(): void {
    const lost = problemOf(() => checkPlace(this.place));
    if (lost !== undefined && this.lost === undefined) this.log.error(`capture pauses: ${lost}`);
    if (lost === undefined && this.lost !== undefined) this.log.info(`${this.place.dataDir} is back; work goes on`);
    this.lost = lost;
    this.displaced = lost !== undefined && this.hasNewManifest();
  }

  /** Whether a whole experiment lies there now that would pass every check but that of identity. */
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
      const line = `the machine's clock was set ${jumpMs > 0 ? "forward" : "back"} by ${seconds} s; captures keep their interval, time stamps follow the new clock`;
      this.log.warn(line);
      this.jump = { line, atMs: steadyMs };
    } else if (this.jump !== undefined && steadyMs - this.jump.atMs > JUMP_SHOWN_MS) {
      this.jump = undefined;
    }
  }
}

/** Twice in a row: a disk that refused once may only have hesitated. */
const REFUSALS = 2;

/**
 * What the disk refuses the stages, in one line; empty where it refuses nothing. Any other stage that tries again is no
 * reason to call a person; this one is, because the disk will not mend itself.
 */
export function refusedByDisk(reports: readonly Pick<StageReport, "name" | "failures" | "lastFailure">[]): string {
  const refused = reports.flatMap(({ name, failures, lastFailure }) =>
    failures >= REFUSALS && lastFailure?.code.startsWith("disk.") === true ? [`${name}: ${lastFailure.message}`] : [],
  );
  return refused.length === 0 ? "" : `the disk refuses what it is given (${refused.join("; ")})`;
}

function problemOf(check: () => void): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return failureLine(error);
  }
}
