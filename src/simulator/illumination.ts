// Simulates effects on the light that do not come from the chip: vignetting and dust. Both stay in place in the picture while
// the chip moves.

/** A grain of dust out of focus: a disc with a soft rim that lets `transmission` of the light through. Px. */
interface Grain {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly rim: number;
  readonly transmission: number;
}

export class Illumination {
  private readonly centreX: number;
  private readonly centreY: number;
  private readonly falloff: number;
  private readonly grains: readonly Grain[];

  /** `vignetting`: share of the light lost in the corners of the picture. `scale`: relative size of grains, 1 at 1920 px. */
  constructor(
    size: { readonly width: number; readonly height: number },
    vignetting: number,
    dust: number,
    random: () => number,
  ) {
    this.centreX = (size.width - 1) / 2;
    this.centreY = (size.height - 1) / 2;
    this.falloff = vignetting / (this.centreX ** 2 + this.centreY ** 2 || 1);
    const unit = size.width / 1920;
    this.grains = Array.from({ length: dust }, () => {
      const radius = unit * (2 + 9 * random() ** 2);
      const rim = unit * (1.5 + 3 * random());
      return { x: random() * size.width, y: random() * size.height, radius, rim, transmission: 0.7 + 0.22 * random() };
    });
  }

  /** Returns the share of the light that remains after vignetting at a position of the picture. */
  at(x: number, y: number): number {
    return 1 - this.falloff * ((x - this.centreX) ** 2 + (y - this.centreY) ** 2);
  }

  /** Applies vignetting and dust to one row of light. */
  dim(row: Float32Array, y: number): void {
    const edge = 1 - this.falloff * (y - this.centreY) ** 2;
    for (let x = 0; x < row.length; x++) {
      const dx = x - this.centreX;
      row[x] = (row[x] as number) * (edge - this.falloff * dx * dx);
    }
    for (const grain of this.grains) {
      if (Math.abs(y - grain.y) <= grain.radius + grain.rim) shade(row, y, grain);
    }
  }
}

function shade(row: Float32Array, y: number, { x, y: centreY, radius, rim, transmission }: Grain): void {
  const reach = radius + rim;
  const end = Math.min(row.length - 1, Math.floor(x + reach));
  for (let at = Math.max(0, Math.ceil(x - reach)); at <= end; at++) {
    const distance = Math.hypot(at - x, y - centreY);
    const depth = Math.min(1, Math.max(0, (reach - distance) / (2 * rim)));
    row[at] = (row[at] as number) * (1 - (1 - transmission) * depth);
  }
}
