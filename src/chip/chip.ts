// Types of a chip: gratings, printed labels and ruler marks. Micrometres, origin top-left, y downwards.

/** A box on the chip, micrometres, top-left corner and size. */
export interface ChipBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Grating extends ChipBox {
  readonly label: string;
}

/** A printed label. `text` is empty for a corner, which only frames glyphs and ruler marks listed elsewhere. */
export interface ChipLabel extends ChipBox {
  readonly label: string;
  readonly text: string;
  /** Distance from one character's left edge to the next one's. */
  readonly pitch: number;
  /** Width of one character; the box of a text ends at the end of its ink and can be narrower. */
  readonly characterWidth: number;
}

/** One half of a grating, which becomes an ROI. */
export interface GratingHalf extends ChipBox {
  readonly label: string;
  readonly grating: string;
  /** Whether the ROI is read from right to left, so that index 0 is at the middle of the bow-tie. */
  readonly flip: boolean;
}

export interface Chip {
  readonly type: string;
  readonly autoLocateGratings: boolean;
  /** How a grating divides into two ROIs: upper and lower half, or left and right half. */
  readonly halves: "rows" | "columns";
  readonly gratings: readonly Grating[];
  readonly labels: readonly ChipLabel[];
  readonly ticks: readonly ChipBox[];
}
