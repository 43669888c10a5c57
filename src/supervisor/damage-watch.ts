// Handles a damaged database during a run: image capture continues (the images are added after the repair), and everything that
// reads or writes the database stops. The first stage that finds the damage reports it, once.

import { DAMAGE_CURE } from "../failure/database-failure.ts";
import { decodeFailure, type FailureData } from "../failure/failure.ts";
import type { StageLog } from "../log/logger.ts";
import type { Manifest } from "../manifest/manifest.ts";

/** Watches the database of a run for damage. */
export class DamageWatch {
  readonly #manifest: Manifest;
  readonly #log: StageLog;
  #reported = false;

  constructor(manifest: Manifest, log: StageLog) {
    this.#manifest = manifest;
    this.#log = log;
  }

  /** Records the failure of a stage. Returns true if it is database damage, which is reported separately. */
  isDamage(failure: FailureData | undefined): boolean {
    if (failure?.code !== "manifest.corrupt") return false;
    this.#manifest.noteDamage(decodeFailure(failure));
    this.look();
    return true;
  }

  /** Reports damage once; returns it as one line. */
  look(): string | undefined {
    const { damage } = this.#manifest;
    if (damage === undefined) return undefined;
    if (!this.#reported) {
      this.#reported = true;
      this.#log.error(
        `${damage.message}. phorest still captures and keeps images, but measures, copies and removes nothing until the database is repaired (${DAMAGE_CURE})`,
      );
    }
    return damage.message;
  }

  /** Wraps work of a stage that depends on the database: it is refused while the database is damaged. */
  guarded<Arguments extends unknown[], T>(
    work: (...given: Arguments) => Promise<T>,
  ): (...given: Arguments) => Promise<T> {
    return async (...given) => {
      this.#manifest.checkSound();
      return await work(...given);
    };
  }
}
