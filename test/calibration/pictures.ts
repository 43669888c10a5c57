// Simulated pictures for calibration with a known pose: all chips, scales, eight orientations, parts of the chip, and
// what spoils real photographs: low contrast, uneven light, scratches, blots, dust, hidden labels. And pictures in which
// no chip may be found.

import { direction, type Point, type Pose, toPicture, wrapDegrees } from "../../src/calibration/pose.ts";
import type { Chip } from "../../src/chip/chip.ts";
import { chipExtent, loadChip } from "../../src/chip/layout.ts";
import type { Picture } from "../../src/image/picture.ts";
import { normal, randomStream } from "../../src/simulator/noise.ts";
import { createSimulator } from "../../src/simulator/simulator.ts";

export type Random = () => number;

export interface Shot {
  readonly picture: Picture;
  readonly chip: Chip;
  readonly pose: Pose;
  readonly description: string;
  /** Where the picture shows a place that a perfect lens would show at `point`. */
  readonly bent?: (point: Point) => Point;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export const between = (random: Random, low: number, high: number) => low + (high - low) * random();
export const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;

/** Largest scale at which a picture 1920 px wide still shows several gratings and their labels. */
const CLOSEST: Readonly<Record<string, number>> = { IMECII_2: 1, IMECII_3: 0.62, IMECII_4: 0.62, "IMEC-I": 0.62 };
const LEAST = { labels: 3, gratings: 4 } as const;
const CHIPS = ["IMECII_2", "IMECII_2", "IMECII_3", "IMECII_4", "IMEC-I"] as const;

/** A random picture of a chip in which at least some labels and gratings are wholly in view. */
export function chipShot(seed: number, size: Size): Shot {
  const random = randomStream(seed);
  const shot = plainShot(random, size);
  const spoilt = spoil(random, shot.picture, shot.chip, shot.pose);
  return { ...shot, description: `${shot.description}, ${spoilt}` };
}

/** The same without anything that spoils it. */
export function plainShot(random: Random, size: Size): Shot {
  const chip = loadChip(pick(random, CHIPS));
  const closest = Math.min(2, (CLOSEST[chip.type] ?? 1) * (size.width / 1920));
  const pxPerUm = 0.08 * (closest / 0.08) ** random();
  const turned = random() < 0.4 ? Math.floor(random() * 4) : 0;
  const mirrored = random() < 0.3;
  const taken = turned % 2 === 0 ? size : { width: size.height, height: size.width };
  const tilt = between(random, -10, 10);
  for (;;) {
    const pose = randomPose(random, chip, taken, pxPerUm, tilt);
    if (!showsEnough(chip, pose, taken)) continue;
    const plain = render(chip, pose, taken, Math.floor(random() * 2 ** 31));
    const { picture, pose: there } = reorient(plain, pose, turned, mirrored);
    const description = `${chip.type} ${pxPerUm.toFixed(3)} px/um ${there.angleDegrees.toFixed(1)} deg${mirrored ? " mirrored" : ""}`;
    return { picture, chip, pose: there, description };
  }
}

function randomPose(random: Random, chip: Chip, { width, height }: Size, pxPerUm: number, angleDegrees: number): Pose {
  const extent = chipExtent(chip);
  const chipPoint = { x: extent.x + random() * extent.width, y: extent.y + random() * extent.height };
  const at = direction({ angleDegrees, mirrored: false }, chipPoint);
  const [x, y] = [
    width * between(random, 0.3, 0.7) - pxPerUm * at.x,
    height * between(random, 0.3, 0.7) - pxPerUm * at.y,
  ];
  return { angleDegrees, pxPerUm, mirrored: false, x, y };
}

function showsEnough(chip: Chip, pose: Pose, { width, height }: Size): boolean {
  const inView = (box: { x: number; y: number; width: number; height: number }) =>
    [box.x - 20, box.x + box.width + 20].every((x) =>
      [box.y - 20, box.y + box.height + 20].every((y) => {
        const at = toPicture(pose, { x, y });
        return at.x > 2 && at.y > 2 && at.x < width - 2 && at.y < height - 2;
      }),
    );
  const labels = chip.labels.filter((label) => label.text !== "" && inView(label));
  const gratings = chip.gratings.filter(inView);
  const [xs, ys] = [new Set(gratings.map(({ x }) => x)), new Set(gratings.map(({ y }) => y))];
  return labels.length >= LEAST.labels && gratings.length >= LEAST.gratings && xs.size >= 2 && ys.size >= 2;
}

function render(chip: Chip, pose: Pose, { width, height }: Size, seed: number): Picture {
  const { angleDegrees, pxPerUm } = pose;
  const centre = { x: Math.floor(width / 2) + 0.5, y: Math.floor(height / 2) + 0.5 };
  const away = direction(
    { angleDegrees: -angleDegrees, mirrored: false },
    { x: pose.x - centre.x, y: pose.y - centre.y },
  );
  const window = { x: -(away.x + centre.x) / pxPerUm, y: -(away.y + centre.y) / pxPerUm };
  // The bands that the seeds of the tests and the figures of the proof were chosen on.
  const line = "fano";
  return createSimulator({ chip, line, width, height, pxPerUm, angleDegrees, window, seed }).render(0, 0);
}

/** Turns a picture by quarter turns clockwise and mirrors it top to bottom, pixel by pixel, and its pose with it. */
export function reorient(
  picture: Picture,
  pose: Pose,
  quarters: number,
  mirrored: boolean,
): { picture: Picture; pose: Pose } {
  let now = { picture, pose };
  for (let i = 0; i < quarters; i++) now = turnClockwise(now);
  return mirrored ? flip(now) : now;
}

function turnClockwise({ picture, pose }: { picture: Picture; pose: Pose }): { picture: Picture; pose: Pose } {
  const { width, height, pixels } = picture;
  const turned = new Uint8Array(pixels.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) turned[x * height + height - 1 - y] = pixels[y * width + x] as number;
  return {
    picture: { ...picture, pixels: turned, width: height, height: width },
    pose: { ...pose, x: height - pose.y, y: pose.x, angleDegrees: wrapDegrees(pose.angleDegrees - 90) },
  };
}

function flip({ picture, pose }: { picture: Picture; pose: Pose }): { picture: Picture; pose: Pose } {
  const { width, height } = picture;
  const pixels = new Uint8Array(picture.pixels.length);
  for (let y = 0; y < height; y++)
    pixels.set(picture.pixels.subarray(y * width, (y + 1) * width), (height - 1 - y) * width);
  return {
    picture: { ...picture, pixels },
    pose: { ...pose, y: height - pose.y, angleDegrees: wrapDegrees(-pose.angleDegrees), mirrored: !pose.mirrored },
  };
}

/** Spoils the picture in place, each way by chance; says how. */
function spoil(random: Random, picture: Picture, chip: Chip, pose: Pose): string {
  const said: string[] = [];
  if (random() < 0.5) said.push(dimUnevenly(random, picture));
  if (random() < 0.5) said.push(scratch(random, picture, between(random, 2, 6)));
  if (random() < 0.5) said.push(blot(random, picture, chip, pose));
  if (random() < 0.5) said.push(hideLabels(random, picture, chip, pose));
  return said.join(", ") || "clean";
}

/** Contrast down to a seventh, light falling off to the corners and to one side, and a camera's noise. */
function dimUnevenly(random: Random, { pixels, width, height }: Picture): string {
  const contrast = between(random, 0.15, 0.8);
  const [falloff, slopeX, slopeY] = [between(random, 0.1, 0.6), between(random, -0.5, 0.5), between(random, -0.5, 0.5)];
  const noise = Float32Array.from({ length: 4096 }, () => 1.2 * normal(random));
  for (let y = 0, i = 0; y < height; y++) {
    const v = y / height - 0.5;
    for (let x = 0; x < width; x++, i++) {
      const u = x / width - 0.5;
      const light = Math.max(0.25, (1 - 2 * falloff * (u * u + v * v)) * (1 + slopeX * u + slopeY * v));
      pixels[i] = Math.max(
        0,
        Math.min(
          255,
          light * (40 + contrast * ((pixels[i] as number) - 60)) + (noise[(random() * 4096) | 0] as number) + 0.5,
        ),
      );
    }
  }
  return `contrast ${contrast.toFixed(2)}, fall-off ${falloff.toFixed(2)}`;
}

/** A bright or dark line across the whole picture. */
function scratch(random: Random, { pixels, width, height }: Picture, widthPx: number): string {
  const light = random() < 0.5 ? 230 : 15;
  const angle = random() * Math.PI;
  const [nx, ny] = [Math.sin(angle), -Math.cos(angle)];
  const [cx, cy] = [random() * width, random() * height];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (Math.abs((x - cx) * nx + (y - cy) * ny) < widthPx / 2) pixels[y * width + x] = light;
    }
  }
  return light > 100 ? "bright scratch" : "dark scratch";
}

/** A dark blot over a grating. */
function blot(random: Random, picture: Picture, chip: Chip, pose: Pose): string {
  const grating = pick(random, chip.gratings);
  const centre = toPicture(pose, { x: grating.x + grating.width * random(), y: grating.y + grating.height * random() });
  darken(picture, centre, 0.6 * Math.min(grating.width, grating.height) * pose.pxPerUm, 0.15);
  return "blot";
}

export function darken(
  {
    pixels,
    width,
    height,
  }: { readonly pixels: { [place: number]: number }; readonly width: number; readonly height: number },
  { x, y }: Point,
  radius: number,
  left: number,
): void {
  for (let row = Math.max(0, Math.floor(y - radius)); row < Math.min(height, y + radius); row++) {
    for (let column = Math.max(0, Math.floor(x - radius)); column < Math.min(width, x + radius); column++) {
      const distance = Math.hypot(column - x, row - y) / radius;
      if (distance > 1) continue;
      const share = Math.min(1, (1 - distance) * 4);
      pixels[row * width + column] = (pixels[row * width + column] as number) * (1 - share * (1 - left));
    }
  }
}

/** Covers a quarter of the labels in view with dirt. */
function hideLabels(random: Random, picture: Picture, chip: Chip, pose: Pose): string {
  const inView = chip.labels.filter((label) => {
    const { x, y } = toPicture(pose, label);
    return label.text !== "" && x > 0 && y > 0 && x < picture.width && y < picture.height;
  });
  const hidden = Math.floor(inView.length / 4);
  for (let i = 0; i < hidden; i++) {
    const label = inView.splice(Math.floor(random() * inView.length), 1)[0];
    if (label === undefined) break;
    const centre = toPicture(pose, { x: label.x + label.width / 2, y: label.y + label.height / 2 });
    darken(picture, centre, Math.max(2, 0.75 * label.height * pose.pxPerUm), 0.1 + 0.2 * random());
  }
  return `${hidden} labels hidden`;
}

/** Largest distance, px, between corners of gratings wholly in view (those get ROIs) as they are and as a pose has them. */
export function cornerError({ chip, pose, picture, bent = (point) => point }: Shot, found: Pose): number {
  const distances = chip.gratings.flatMap(({ x, y, width, height }) => {
    const corners = [x, x + width].flatMap((cornerX) => [y, y + height].map((cornerY) => ({ x: cornerX, y: cornerY })));
    const inView = corners.every((corner) => {
      const at = bent(toPicture(pose, corner));
      return at.x >= 0 && at.y >= 0 && at.x <= picture.width && at.y <= picture.height;
    });
    if (!inView) return [];
    return corners.map((corner) => {
      const [a, b] = [bent(toPicture(pose, corner)), toPicture(found, corner)];
      return Math.hypot(a.x - b.x, a.y - b.y);
    });
  });
  return Math.max(...distances);
}

/** Kinds of pictures in which no chip may be found. */
export const DECOYS = ["nothing", "shapes", "another pitch", "another chip", "no labels"] as const;
export type Decoy = (typeof DECOYS)[number];

/** A picture in which calibration must refuse, and the chips it may look for. */
export function decoyShot(
  seed: number,
  kind: Decoy,
  size: Size,
): { picture: Picture; chips: Chip[]; description: string } {
  const random = randomStream(seed);
  const all = CHIPS.slice(1).map((type) => loadChip(type));
  if (kind === "nothing" || kind === "shapes") {
    const picture = clutter(random, size, kind === "shapes");
    return { picture, chips: all, description: kind };
  }
  const shown = pick(random, all);
  const closest = (CLOSEST[shown.type] ?? 1) * (size.width / 1920);
  const pxPerUm = 0.1 * (closest / 0.1) ** random();
  const tilt = between(random, -10, 10);
  const chip = kind === "another pitch" ? stretched(random, shown) : shown;
  for (;;) {
    const pose = randomPose(random, chip, size, pxPerUm, tilt);
    if (!showsEnough(chip, pose, size)) continue;
    const picture = render(
      kind === "no labels" ? { ...chip, labels: [] } : chip,
      pose,
      size,
      Math.floor(random() * 2 ** 31),
    );
    const spoilt = spoil(random, picture, chip, pose);
    const chips = kind === "another chip" ? all.filter(({ type }) => type !== chip.type) : all;
    return { picture, chips, description: `${kind}: ${chip.type} ${pxPerUm.toFixed(3)} px/um ${spoilt}` };
  }
}

/** The chip with another pitch across, along, or both, by 3 to 12 %; gratings and glyphs keep their size. */
function stretched(random: Random, chip: Chip): Chip {
  const by = () => (random() < 0.5 ? -1 : 1) * between(random, 0.03, 0.12);
  const which = Math.floor(random() * 3);
  const [x, y] = [which === 1 ? 1 : 1 + by(), which === 0 ? 1 : 1 + by()];
  const [kx, ky] = which === 2 ? [x, x] : [x, y];
  // A grating may not touch the next one.
  const wide = chip.type === "IMECII_2" ? [Math.max(kx, 2 - kx), Math.max(ky, 2 - ky)] : [kx, ky];
  const place = <T extends { x: number; y: number }>(one: T): T => ({
    ...one,
    x: one.x * (wide[0] ?? 1),
    y: one.y * (wide[1] ?? 1),
  });
  return { ...chip, gratings: chip.gratings.map(place), labels: chip.labels.map(place), ticks: chip.ticks.map(place) };
}

/** Light and noise, and boxes, discs and lines in it. */
function clutter(random: Random, { width, height }: Size, shapes: boolean): Picture {
  const pixels = new Uint8Array(width * height).fill(100);
  const picture: Picture = { pixels, width, height, bitDepth: 8 };
  const regular = random() < 0.4 ? { x: between(random, 30, 200), y: between(random, 30, 200) } : undefined;
  for (let i = 0; shapes && i < 300; i++) {
    const [w, h] = [between(random, 5, 160), between(random, 5, 160)];
    const left = regular === undefined ? random() * width : regular.x * (i % 20);
    const top = regular === undefined ? random() * height : regular.y * Math.floor(i / 20);
    const light = between(random, 60, 240);
    for (let y = Math.floor(top); y < Math.min(height, top + (regular === undefined ? h : regular.y * 0.8)); y++) {
      const end = Math.min(width, Math.floor(left + (regular === undefined ? w : regular.x * 0.8)));
      if (left < end) pixels.fill(light, y * width + Math.floor(left), y * width + end);
    }
  }
  dimUnevenly(random, picture);
  if (random() < 0.5) scratch(random, picture, 4);
  return picture;
}
