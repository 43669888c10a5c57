// The curve of one frame: positions (single precision) and flags of all ROIs, as stored with an outcome.

/** One frame of a plot: per ROI a position (px, single precision) and its flags. */
export interface Curve {
  readonly outcomeId: number;
  readonly entryId: number;
  readonly capturedAtUs: number;
  readonly position: Float32Array;
  readonly flags: Uint8Array;
  /** Whether the frame shows the simulated chip; absent if it does not. */
  readonly simulated?: boolean;
  /** Whether the outcome belongs to the analysis that this one was measured along with; absent if it is its own. */
  readonly isAlong?: boolean;
}

/** A row of CURVE_COLUMNS. */
export interface CurveRow {
  id: number;
  entry_id: number;
  captured_at_us: number;
  simulated: number;
  curve: Buffer;
}

/** The columns of an outcome `o` and its entry `e` that make a curve. */
export const CURVE_COLUMNS = "o.id, o.entry_id, e.captured_at_us, e.camera_type IS 'simulated' AS simulated, o.curve";

/** Returns the curve in a row. */
export function curveOf({ id, entry_id, captured_at_us, simulated, curve }: CurveRow): Curve {
  const frame = { outcomeId: id, entryId: entry_id, capturedAtUs: captured_at_us, ...unpackCurve(curve) };
  return simulated === 1 ? { ...frame, simulated: true } : frame;
}

/** Packs the positions and flags of a frame for storage with its outcome. */
export function packCurve(position: Float64Array, flags: Uint8Array): Buffer {
  const curve = Buffer.allocUnsafe(position.length * 5);
  position.forEach((px, roi) => {
    curve.writeFloatLE(px, roi * 4);
  });
  curve.set(flags, position.length * 4);
  return curve;
}

/** Unpacks positions and flags. */
function unpackCurve(curve: Buffer): { position: Float32Array; flags: Uint8Array } {
  const rois = curve.length / 5;
  // Copied, because SQLite's buffer may start at an odd offset, where a Float32Array cannot.
  const bytes = Uint8Array.prototype.slice.call(curve).buffer;
  return { position: new Float32Array(bytes, 0, rois), flags: new Uint8Array(bytes, rois * 4) };
}
