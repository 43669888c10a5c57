// Checks whether the chip has moved too far for its ROIs; logs when that begins and ends.
import { hasMovedTooFar } from "../../analysis/drift.ts";
import type { StageLog } from "../../log/logger.ts";
import type { Claim } from "../../manifest/entries.ts";
import type { Displacement } from "../../measurement/displacement.ts";
import type { RoiManifest } from "../../measurement/roi.ts";

export class ChipMovement {
  readonly #log: StageLog;
  readonly #followed: boolean;
  #movedTooFar = false;

  /** `followed`: the ROIs follow the movement. */
  constructor(log: StageLog, followed: boolean) {
    this.#log = log;
    this.#followed = followed;
  }

  /** Returns whether the chip has moved too far, as of this frame; unchanged if the frame does not tell. */
  look(moved: Displacement | undefined, rois: RoiManifest, { entryId: entry }: Claim): boolean {
    if (moved === undefined) return this.#movedTooFar;
    const movedTooFar = hasMovedTooFar(moved, rois, this.#followed);
    if (movedTooFar !== this.#movedTooFar) {
      const far = `${moved.dx.toFixed(1)} px across and ${moved.dy.toFixed(1)} px down`;
      if (movedTooFar)
        this.#log.warn(`the chip has moved ${far} since the first frame, almost out of its ROIs; calibrate again`, {
          entry,
        });
      else this.#log.info(`the chip is back inside its ROIs (${far})`, { entry });
    }
    this.#movedTooFar = movedTooFar;
    return movedTooFar;
  }
}
