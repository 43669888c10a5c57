// The reference of a tracking analysis on its way through the pool.
import { TurnKeeper } from "./reference-turns.ts";
import { decodeReference, isComplete } from "./tracking.ts";

/** Hands the reference of one analysis to its frames. */
export class TrackingKeeper extends TurnKeeper {
  /**
   * @param frames wanted in the reference.
   * @param reference the one kept from earlier, encoded; undefined while there is none.
   */
  constructor(frames: number, reference?: Uint8Array) {
    // Shared, so that handing it to a thread copies nothing.
    const shared = reference === undefined ? undefined : decodeReference(reference).bytes;
    super((bytes) => isComplete(decodeReference(bytes), frames), shared);
  }
}
