// The newest of the last frames. Files may arrive, and frames may be measured, in another order than they were captured.

/**
 * The newest frame is searched for among this many. Not among all: one frame from a clock that was ahead would remain the newest.
 */
export const LAST_FRAMES = 8;

/** Returns the frame that was captured last, of frames in order of arrival; of equal times the later arrival. */
export function newestOf<Frame extends { readonly capturedAtUs: number }>(frames: readonly Frame[]): Frame | undefined {
  return frames.reduce<Frame | undefined>(
    (a, b) => (a !== undefined && a.capturedAtUs > b.capturedAtUs ? a : b),
    undefined,
  );
}
