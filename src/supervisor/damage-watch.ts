// What a run does with a damaged database: it continues to capture images, which are added after the repair, and stops
// everything that reads or writes the database. Reported once, by the first stage that finds the damage.

import { DAMAGE_CURE } from "../failure/database-failure.ts";
import { decodeFailure, type FailureData } from "../failure/failure.ts";
import type { StageLog } from "../log/logger.ts";
import type { Manifest } from "../manifest/manifest.ts";

/** Watches over the database of a run. */
export class DamageWatch {
  readonly #manifest: Manifest;
  readonly #log: StageLog;
  #reported = false;

  constructor(manifest: Manifest, log: StageLog) {
    this.#manifest = manifest;
    this.#log = log;
  }

  /** Takes note of what a stage failed with. True where that is damage: then it needs no other words. */
  isDamage(failure: FailureData | undefined): boolean {
    if (failure?.code !== "manifest.corrupt") return false;
    this.#manifest.noteDamage(decodeFailure(failure));
    this.look();
    return true;
  }

  /** Says once that there is damage; returns it in one line. */
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

  /** The work of a stage that goes by what the database says: refused while it is damaged. */
  guarded<Arguments extends unknown[], T>(
    work: (...given: Arguments) => Promise<T>,
  ): (...given: Arguments) => Promise<T> {
    return async (...given) => {
      this.#manifest.checkSound();
      return await work(...given);
    };
  }
}
