// Simulated pictures with what real photographs of chips show and drawings do not: bands a few counts above the ground,
// gratings off resonance, faint labels and dark ones, vignetting, stray light, blur, a lens that bends lines, pixels that are
// not square and a chip that is tilted, texture, dirt, hot pixels, saturation, a camera's gamma and JPEG's blocks. Their truth is known as that of pictures.ts.
import sharp from "sharp";
import { type Point, type Pose, toPicture } from "../../src/calibration/pose.ts";
import type { Chip, ChipBox } from "../../src/chip/chip.ts";
import type { Picture } from "../../src/image/picture.ts";
import { normal, randomStream } from "../../src/simulator/noise.ts";
import { between, darken, pick, plainShot, type Random, type Shot, type Size } from "./pictures.ts";

/** Counts of the simulator's chip between gratings: pedestal and substrate. */
const GROUND = 106;
const SIZES: readonly Size[] = [
  { width: 1920, height: 1460 },
  { width: 1920, height: 1460 },
  { width: 1920, height: 1460 },
  { width: 4000, height: 3000 },
];

/** A picture with several of these defects at once, each by chance; 4000 x 3000 px or 1920 x 1460. */
export async function photograph(seed: number): Promise<Shot> {
  const random = randomStream(seed);
  const [optics, camera] = [randomStream(seed + 2 ** 20), randomStream(seed + 2 ** 21)];
  const shot = plainShot(random, pick(random, SIZES));
  const { picture, chip, pose } = shot;
  const { width, height } = picture;
  const said = [shot.description, `${width} x ${height}`];
  const chance = (share: number) => random() < share;
  // Light above the ground, real numbers; every defect changes it, the camera comes last.
  let light = Float32Array.from(picture.pixels, (pixel) => pixel - GROUND);
  if (chance(0.5)) said.push(dimGratings(random, light, picture, chip, pose));
  if (chance(0.4)) said.push(dimLabels(random, light, picture, chip, pose));
  const peak = brightest(light, picture, chip, pose);
  const bands = chance(0.5)
    ? between(random, 10, 20)
    : chance(0.3)
      ? between(random, 180, 320)
      : between(random, 30, 120);
  for (let i = 0; i < light.length; i++) light[i] = ((light[i] as number) * bands) / peak;
  const ground = bands > 150 ? between(random, 20, 60) : between(random, 15, 90);
  said.push(`bands ${bands.toFixed(0)} over ${ground.toFixed(0)}`);
  if (optics() < 0.15) said.push(darkLabels(optics, light, picture, chip, pose));
  if (chance(0.4)) said.push(texture(random, light, picture, bands));
  for (let i = 0; i < light.length; i++) light[i] = (light[i] as number) + ground;
  let bent: Shot["bent"];
  if (chance(0.3)) {
    const bend = (chance(0.5) ? -1 : 1) * between(random, 0.005, 0.01);
    const centre = { x: width * between(random, 0.4, 0.6), y: height * between(random, 0.4, 0.6) };
    [light, bent] = throughLens(light, picture, centre, bend);
    said.push(`lens ${(100 * bend).toFixed(2)} %`);
  }
  if (optics() < 0.3) {
    let told = "";
    [light, bent, told] = askew(optics, light, picture, bent);
    said.push(told);
  }
  if (optics() < 0.4) said.push(strayLight(optics, light, picture, Math.max(bands, 20)));
  if (chance(0.6)) said.push(vignette(random, light, picture));
  const pixels = new Uint8Array(light.length);
  const taken = { ...picture, pixels };
  if (chance(0.4)) said.push(dust(random, light, picture));
  if (chance(0.4)) said.push(scratch(random, light, picture));
  if (chance(0.5)) said.push(blots(random, light, picture, chip, pose));
  if (chance(0.5)) {
    const sigma = between(random, 0.5, 1) * Math.min(2, Math.max(0.7, 8 * pose.pxPerUm));
    blur(light, picture, sigma);
    said.push(`blur ${sigma.toFixed(1)} px`);
  }
  if (camera() < 0.4) said.push(gamma(camera, light));
  const noise = between(random, 0.5, 1.5);
  const draws = Float32Array.from({ length: 8192 }, () => noise * normal(random));
  for (let i = 0; i < light.length; i++) {
    pixels[i] = Math.max(0, Math.min(255, (light[i] as number) + (draws[(random() * 8192) | 0] as number) + 0.5));
  }
  if (chance(0.4)) {
    for (let i = 0; i < pixels.length / 20_000; i++) pixels[Math.floor(random() * pixels.length)] = 255;
    said.push("hot pixels");
  }
  const description = () => said.join(", ");
  const shown = { ...shot, picture: taken, ...(bent === undefined ? {} : { bent }) };
  if (!chance(0.4)) return { ...shown, description: description() };
  const quality = Math.round(between(random, 60, 92));
  said.push(`JPEG ${quality}`);
  return { ...shown, picture: { ...taken, pixels: await throughJpeg(taken, quality) }, description: description() };
}

/** The light that one place of twenty on the gratings in view exceeds. */
function brightest(light: Float32Array, { width, height }: Size, chip: Chip, pose: Pose): number {
  const sample = chip.gratings.flatMap((grating) =>
    Array.from({ length: 200 }, (_, i) => {
      const at = { x: grating.x + ((i + 0.5) / 200) * grating.width, y: grating.y + 0.25 * grating.height };
      const { x, y } = toPicture(pose, at);
      return x < 0 || y < 0 || x >= width || y >= height ? [] : [light[Math.floor(y) * width + Math.floor(x)] ?? 0];
    }).flat(),
  );
  return Math.max(5, sample.sort((a, b) => a - b)[Math.floor(0.95 * sample.length)] ?? 0);
}

/** Scales the light of a box of the chip, and of `rim` µm about it. */
function scaleBox(light: Float32Array, { width, height }: Size, pose: Pose, box: ChipBox, by: number, rim = 3): void {
  const radians = (pose.angleDegrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  const corners = [box.x - rim, box.x + box.width + rim].flatMap((x) =>
    [box.y - rim, box.y + box.height + rim].map((y) => toPicture(pose, { x, y })),
  );
  const [xs, ys] = [corners.map(({ x }) => x), corners.map(({ y }) => y)];
  for (let y = Math.max(0, Math.floor(Math.min(...ys))); y < Math.min(height, Math.max(...ys)); y++) {
    for (let x = Math.max(0, Math.floor(Math.min(...xs))); x < Math.min(width, Math.max(...xs)); x++) {
      const [dx, dy] = [(x + 0.5 - pose.x) / pose.pxPerUm, (y + 0.5 - pose.y) / pose.pxPerUm];
      const chipX = cos * dx - sin * dy;
      const chipY = (sin * dx + cos * dy) * (pose.mirrored ? -1 : 1);
      if (chipX < box.x - rim || chipX > box.x + box.width + rim) continue;
      if (chipY < box.y - rim || chipY > box.y + box.height + rim) continue;
      light[y * width + x] = (light[y * width + x] as number) * by;
    }
  }
}

/** Gratings of uneven brightness, some nearly dark because their resonance lies off them. */
function dimGratings(random: Random, light: Float32Array, size: Size, chip: Chip, pose: Pose): string {
  const share = between(random, 0.05, 0.3);
  for (const grating of chip.gratings) {
    scaleBox(light, size, pose, grating, random() < share ? between(random, 0.08, 0.25) : between(random, 0.5, 1), 0);
  }
  return `${(100 * share).toFixed(0)} % of the gratings dark`;
}

function dimLabels(random: Random, light: Float32Array, size: Size, chip: Chip, pose: Pose): string {
  const by = between(random, 0.35, 0.8);
  for (const label of chip.labels) if (label.text !== "") scaleBox(light, size, pose, label, by);
  return `labels dimmed to ${by.toFixed(2)}`;
}

/** Labels that are darker than what is about them, as etched ones are in some light. */
function darkLabels(random: Random, light: Float32Array, size: Size, chip: Chip, pose: Pose): string {
  const by = -between(random, 0.3, 0.7);
  for (const label of chip.labels) if (label.text !== "") scaleBox(light, size, pose, label, by, 0);
  return `labels dark by ${(-by).toFixed(2)}`;
}

/** Light from beside, that is no less where the chip is dark: a slope across the picture. */
function strayLight(random: Random, light: Float32Array, { width, height }: Size, most: number): string {
  const strength = between(random, 0.3, 1.5) * most;
  const angle = random() * 2 * Math.PI;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const share = 0.5 + 0.5 * (cos * ((2 * x) / width - 1) + sin * ((2 * y) / height - 1)) * Math.SQRT1_2;
      light[i] = (light[i] as number) + strength * share * share;
    }
  }
  return `stray light ${strength.toFixed(0)}`;
}

/** A camera whose values are no straight line of the light. */
function gamma(random: Random, light: Float32Array): string {
  const by = between(random, 0.6, 1.6);
  for (let i = 0; i < light.length; i++) {
    const value = light[i] as number;
    light[i] = value <= 0 ? 0 : 255 * (value / 255) ** by;
  }
  return `gamma ${by.toFixed(2)}`;
}

/** Pixels that are not quite square and a chip that is tilted: a place at the picture's rim is moved by up to 0.3 %. */
function askew(
  random: Random,
  light: Float32Array,
  picture: Size,
  lens: Shot["bent"],
): [Float32Array<ArrayBuffer>, (point: Point) => Point, string] {
  const most = 0.003;
  const aspect = between(random, -most, most);
  const [tiltX, tiltY] = [between(random, -most, most) / 2, between(random, -most, most) / 2];
  const [cx, cy] = [picture.width / 2, picture.height / 2];
  const moved = ({ x, y }: Point): Point => {
    const [dx, dy] = [x - cx, y - cy];
    const far = 1 + (tiltX * dx) / cx + (tiltY * dy) / cy;
    return { x: cx + (dx * (1 + aspect / 2)) / far, y: cy + (dy * (1 - aspect / 2)) / far };
  };
  const shown = (point: Point) => moved(lens === undefined ? point : lens(point));
  return [resampled(light, picture, moved), shown, `aspect ${(100 * aspect).toFixed(2)} %, tilted`];
}

/** Slow waves of light, as stains and reflections give. */
function texture(random: Random, light: Float32Array, { width, height }: Size, bands: number): string {
  const waves = Array.from({ length: 12 }, () => {
    const [length, angle] = [between(random, 40, 600), random() * 2 * Math.PI];
    const k = (2 * Math.PI) / length;
    return { x: k * Math.cos(angle), y: k * Math.sin(angle), at: random() * 7 };
  });
  const strength = between(random, 0.02, 0.05) * Math.min(bands, 60);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      let sum = 0;
      for (const wave of waves) sum += Math.sin(wave.x * x + wave.y * y + wave.at);
      light[i] = (light[i] as number) + strength * sum;
    }
  }
  return "texture";
}

/** Barrel or cushion: a place at the corner is moved by the share `bend` of its distance from `centre`. */
export function throughLens(
  light: Float32Array,
  { width, height }: Size,
  centre: Point,
  bend: number,
): [Float32Array<ArrayBuffer>, (point: Point) => Point] {
  const corner = (width * width + height * height) / 4;
  const moved = ({ x, y }: Point, by: number): Point => {
    const [dx, dy] = [x - centre.x, y - centre.y];
    const factor = 1 + (by * (dx * dx + dy * dy)) / corner;
    return { x: centre.x + dx * factor, y: centre.y + dy * factor };
  };
  return [resampled(light, { width, height }, (point) => moved(point, bend)), (point) => moved(point, bend)];
}

/** The light where `moved` shows each place at another one. */
function resampled(
  light: Float32Array,
  { width, height }: Size,
  moved: (point: Point) => Point,
): Float32Array<ArrayBuffer> {
  /** The ideal place shown at a place, by iteration. */
  const ideal = (point: Point): Point => {
    let at = point;
    for (let i = 0; i < 4; i++) {
      const there = moved(at);
      at = { x: at.x + point.x - there.x, y: at.y + point.y - there.y };
    }
    return at;
  };
  const seen = new Float32Array(light.length);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const at = ideal({ x: x + 0.5, y: y + 0.5 });
      const px = Math.max(0, Math.min(width - 1.001, at.x - 0.5));
      const py = Math.max(0, Math.min(height - 1.001, at.y - 0.5));
      const [left, top] = [Math.floor(px), Math.floor(py)];
      const [fx, fy] = [px - left, py - top];
      const value = (dx: number, dy: number) => light[(top + dy) * width + left + dx] as number;
      seen[i] =
        (value(0, 0) * (1 - fx) + value(1, 0) * fx) * (1 - fy) + (value(0, 1) * (1 - fx) + value(1, 1) * fx) * fy;
    }
  }
  return seen;
}

/** Corners down to a fifth of the light, about a place that need not be the middle. */
function vignette(random: Random, light: Float32Array, { width, height }: Size): string {
  const left = between(random, 0.2, 0.6);
  const [cx, cy] = [width * between(random, 0.35, 0.65), height * between(random, 0.35, 0.65)];
  const far = (width * width + height * height) / 4;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const share = Math.min(1, ((x - cx) ** 2 + (y - cy) ** 2) / far);
      light[i] = (light[i] as number) * (1 - (1 - left) * share);
    }
  }
  return `corners ${left.toFixed(2)}`;
}

function dust(random: Random, light: Float32Array, { width, height }: Size): string {
  const grains = Math.floor(between(random, 40, 200));
  for (let i = 0; i < grains; i++) {
    const radius = between(random, 1, 9) * (width / 1920);
    const by = random() < 0.6 ? between(random, 0.3, 0.8) : between(random, 1.2, 2);
    const [cx, cy] = [random() * width, random() * height];
    for (let y = Math.max(0, Math.floor(cy - radius)); y < Math.min(height, cy + radius); y++) {
      for (let x = Math.max(0, Math.floor(cx - radius)); x < Math.min(width, cx + radius); x++) {
        if (Math.hypot(x - cx, y - cy) < radius) light[y * width + x] = (light[y * width + x] as number) * by;
      }
    }
  }
  return `${grains} grains`;
}

/** A long scratch: slightly bent, bright or dark. */
function scratch(random: Random, light: Float32Array, { width, height }: Size): string {
  const bright = random() < 0.5;
  const wide = between(random, 2, 8) * (width / 1920);
  const angle = random() * Math.PI;
  const [nx, ny] = [Math.sin(angle), -Math.cos(angle)];
  const [cx, cy, bow] = [random() * width, random() * height, between(random, -1e-4, 1e-4)];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const across = (x - cx) * nx + (y - cy) * ny;
      const along = (x - cx) * ny - (y - cy) * nx;
      if (Math.abs(across - bow * along * along) < wide / 2) light[y * width + x] = bright ? 200 : 8;
    }
  }
  return bright ? "bright scratch" : "dark scratch";
}

/** Dark blots, the first over a grating in view where there is one. */
function blots(random: Random, light: Float32Array, picture: Picture, chip: Chip, pose: Pose): string {
  const { width, height } = picture;
  const inView = chip.gratings.filter((grating) => {
    const { x, y } = toPicture(pose, grating);
    return x > 0 && y > 0 && x < width && y < height;
  });
  const grating = pick(random, inView.length > 0 ? inView : chip.gratings);
  const centre = toPicture(pose, { x: grating.x + grating.width / 2, y: grating.y + grating.height / 2 });
  const radius = between(random, 0.5, 1.2) * Math.min(grating.width, grating.height) * pose.pxPerUm;
  darken({ pixels: light, width, height }, centre, radius, 0.2);
  return "blot over a grating";
}

/** Gaussian blur by three boxes' worth of weights, in place. */
function blur(light: Float32Array, { width, height }: Size, sigma: number): void {
  const reach = Math.ceil(3 * sigma);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-((i - reach) ** 2) / (2 * sigma * sigma)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const pass = (length: number, lines: number, step: number, stride: number) => {
    const line = new Float32Array(length);
    for (let k = 0; k < lines; k++) {
      for (let i = 0; i < length; i++) line[i] = light[k * stride + i * step] as number;
      for (let i = 0; i < length; i++) {
        let sum = 0;
        for (let j = -reach; j <= reach; j++) {
          sum += (weights[j + reach] as number) * (line[Math.max(0, Math.min(length - 1, i + j))] as number);
        }
        light[k * stride + i * step] = sum / total;
      }
    }
  };
  pass(width, height, 1, width);
  pass(height, width, width, 1);
}

async function throughJpeg({ pixels, width, height }: Picture, quality: number): Promise<Uint8Array> {
  const raw = { width, height, channels: 1 } as const;
  const packed = await sharp(pixels as Uint8Array, { raw })
    .jpeg({ quality })
    .toBuffer();
  return new Uint8Array(await sharp(packed).toColourspace("b-w").raw().toBuffer());
}
