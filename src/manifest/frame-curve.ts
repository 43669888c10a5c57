// The curve of one frame: the positions of all ROIs in single precision and their flags, as an outcome keeps them.

/** One frame of a plot: per ROI a position (px, single precision) and its flags. */
export interface Curve {
  readonly outcomeId: number;
  readonly entryId: number;
  readonly capturedAtUs: number;
  readonly position: Float32Array;
  readonly flags: Uint8Array;
  /** The frame shows the simulated chip; absent where it does not. */
  readonly simulated?: boolean;
  /** The outcome is that of the analysis that this one was measured along with; absent where it is its own. */
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

/** What a curve is read from: of an outcome `o` and its entry `e`. */
export const CURVE_COLUMNS = "o.id, o.entry_id, e.captured_at_us, e.camera_type IS 'simulated' AS simulated, o.curve";

/** The curve in a row. */
export function curveOf({ id, entry_id, captured_at_us, simulated, curve }: CurveRow): Curve {
  const frame = { outcomeId: id, entryId: entry_id, capturedAtUs: captured_at_us, ...unpackCurve(curve) };
  return simulated === 1 ? { ...frame, simulated: true } : frame;
}

/** Positions and flags of a frame as its outcome keeps them. */
export function packCurve(position: Float64Array, flags: Uint8Array): Buffer {
  const curve = Buffer.allocUnsafe(position.length * 5);
  position.forEach((px, roi) => {
    curve.writeFloatLE(px, roi * 4);
  });
  curve.set(flags, position.length * 4);
  return curve;
}

/** Unpacks it again. */
export function unpackCurve(curve: Buffer): { position: Float32Array; flags: Uint8Array } {
  const rois = curve.length / 5;
  // Copied: a typed array of floats may not begin at the odd offset SQLite's buffer may have.
  const bytes = Uint8Array.prototype.slice.call(curve).buffer;
  return { position: new Float32Array(bytes, 0, rois), flags: new Uint8Array(bytes, rois * 4) };
}
