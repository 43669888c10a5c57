// The fit of a pose to what was seen of the chip, and how far that leaves it open.
//
// Optics always bend a picture a little: a lens, pixels that are not quite square, a chip that is tilted. Rather than to decide
// whether a picture is bent, every fit to labels has these amounts as unknowns, each expected near 0 with the spread of
// ordinary optics. What the sightings do not tell keeps that spread, and the fit's covariance says what it means for a place.
import { dot, inverse, type Matrix, product, solve } from "../measurement/linear.ts";
import {
  type Deviations,
  deviationPriors,
  firstDeviations,
  NO_DEVIATIONS,
  termsOfEdge,
  termsOfLabel,
} from "./deviations.ts";
import { ORDINARY } from "./optics.ts";
import { bends, direction, idealPlace, minus, type Point, type Pose, toPicture } from "./pose.ts";
import type { Kind, Sighting } from "./sighting.ts";

/**
 * Standard deviation of a sighting of weight 1 at least, px and µm: glyphs and gratings are not like their drawings to the last
 * tenth of a micrometre. What a kind leaves in the fit says by how much it is more.
 */
const LEAST_NOISE: Readonly<Record<Kind, { readonly px: number; readonly um: number }>> = {
  label: { px: 0.05, um: 0.1 },
  edge: { px: 0.1, um: 0.1 },
  side: { px: 0.15, um: 0.15 },
  guess: { px: 0.5, um: 0 },
};
/** The least noise counts like so many sightings of a kind. */
const EXPECTED = 3;

type Noise = Readonly<Record<Kind, number>>;

export interface PoseFit {
  readonly pose: Pose;
  /** What the chip has in common that its drawing has not. */
  readonly deviations: Deviations;
  /** Distance of each sighting from where the pose and the deviations put it, px. */
  readonly residuals: readonly number[];
  /** Names of sightings that did not go along. */
  readonly outliers: readonly string[];
  /** Standard deviation, px, of where a chip point lies, from what the sightings leave and what they do not tell. */
  readonly openPx: (chip: Point) => number;
  /** How far one of these chip points moves at most, px, when any one sighting is left out: a mistaken one that decides. */
  readonly swayPx: (chips: readonly Point[]) => number;
}

const ROUNDS = 12;
/** Tukey's constant: 95 % as good as least squares on a normal distribution. */
const TUKEY = 4.685;
/** Residuals smaller than this, px, are taken for noise even when all the others are smaller still. */
const NOISE_PX = 0.15;
const MOST_SPREAD = { px: 0.4, um: 2 } as const;
/** Unknowns of a similarity. */
const SIMILARITY = 4;

/**
 * The pose that fits the sightings best, by iterated least squares with Tukey's weights, so that a mistaken one does not count:
 * a similarity, and the amounts of a lens where `start` has one. Each kind of sighting counts as much as its own residuals allow.
 * Keeps whether `start` is mirrored. undefined when the sightings do not determine a similarity.
 */
export function fitPose(sightings: readonly Sighting[], start: Pose): PoseFit | undefined {
  let pose = start;
  let deviations = firstDeviations(start);
  const free = hasBoth(sightings);
  let trust = sightings.map(({ weight }) => weight);
  let noise = leastNoise(start);
  let rows: Row[] = [];
  let covariance: Matrix = [];
  let residuals: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    rows = rowsOf(sightings, trust, noise, pose);
    const normal = normalEquations(rows, pose, deviationPriors(deviations, pose, free));
    const solution = solve(normal);
    if (solution === undefined) return undefined;
    covariance = inverse(normal);
    const before = pose;
    pose = posed(pose, solution);
    deviations = solution.slice(-NO_DEVIATIONS.length);
    residuals = sightings.map((sighting) => distance(pose, deviations, sighting));
    const spread = spreadsOf(sightings, residuals, pose);
    trust = sightings.map(({ weight, kind }, i) => {
      const share = (residuals[i] ?? 0) / (TUKEY * spread[kind]);
      return share >= 1 ? 0 : weight * (1 - share * share) ** 2;
    });
    noise = noiseOf(sightings, residuals, trust, rows, covariance, pose);
    if (round > 2 && isSame(before, pose)) break;
  }
  const outliers = sightings.filter((_, i) => trust[i] === 0).map(({ name }) => name);
  const openPx = (chip: Point) => {
    const [alongX, alongY] = derivatives(pose, chip);
    return Math.sqrt(Math.max(0, product(covariance, alongX, alongX) + product(covariance, alongY, alongY)));
  };
  const swayPx = (chips: readonly Point[]) =>
    sway(rowsOf(sightings, trust, noise, pose), covariance, pose, deviations, chips);
  return { pose, deviations, residuals, outliers, openPx, swayPx };
}

/** Whether labels and gratings are seen, which then need not agree. */
function hasBoth(sightings: readonly Sighting[]): boolean {
  const seen = (...kinds: Kind[]) => sightings.some(({ kind }) => kinds.includes(kind));
  return seen("label") && seen("edge", "side");
}

/**
 * Spread of the residuals of each kind, px, a few of all kinds among them: labels need not lie as exactly as edges. Labels are
 * not spread beyond what printing and optics do, so that half of them may be mistaken.
 */
function spreadsOf(sightings: readonly Sighting[], residuals: readonly number[], { pxPerUm }: Pose): Noise {
  const all = middle(residuals);
  const of = (kind: Kind, most = Number.POSITIVE_INFINITY) => {
    const own = residuals.filter((_, i) => sightings[i]?.kind === kind);
    const square = EXPECTED * all * all + own.length * middle(own) ** 2;
    const spread = 1.4826 * Math.sqrt(square / (EXPECTED + own.length));
    return Math.max(NOISE_PX, Math.min(most, spread));
  };
  const label = of("label", Math.max(MOST_SPREAD.px, MOST_SPREAD.um * pxPerUm));
  return { label, edge: of("edge"), side: of("side"), guess: of("guess") };
}

/** What a sighting says of the unknowns in one direction: `values` · unknowns = `place`, px, as certain as `weight` = 1/px². */
interface Row {
  /** Place in the list of sightings. */
  readonly of: number;
  readonly values: readonly number[];
  readonly place: number;
  readonly weight: number;
}

function rowsOf(sightings: readonly Sighting[], trust: readonly number[], noise: Noise, pose: Pose): Row[] {
  return sightings.flatMap((sighting, of): Row[] => {
    const { chip, picture, along, kind } = sighting;
    const weight = (trust[of] ?? 0) / noise[kind] ** 2;
    if (weight === 0) return [];
    const [alongX, alongY] = derivatives(pose, chip);
    if (along === undefined) {
      const [shiftX, shiftY] = termsOfLabel(pose, kind);
      return [
        { of, values: [...alongX, ...shiftX], place: picture.x, weight },
        { of, values: [...alongY, ...shiftY], place: picture.y, weight },
      ];
    }
    const { x, y } = direction(pose, along);
    const values = alongX.map((value, k) => x * value + y * (alongY[k] ?? 0));
    return [{ of, values: [...values, ...termsOfEdge(sighting)], place: x * picture.x + y * picture.y, weight }];
  });
}

/** What the others tell of a row's place, as a share: 0 where it stands alone. */
function redundancy({ values, weight }: Row, covariance: Matrix): number {
  return 1 - weight * product(covariance, values, values);
}

function leastNoise({ pxPerUm }: Pose): Noise {
  const of = ({ px, um }: { readonly px: number; readonly um: number }) => Math.max(px, um * pxPerUm);
  const { label, edge, side, guess } = LEAST_NOISE;
  return { label: of(label), edge: of(edge), side: of(side), guess: of(guess) };
}

/**
 * Standard deviation of a sighting of weight 1 of each kind in one direction, px: variance components, what a kind leaves over what it
 * could leave (Förstner 1979), with the least noise as what is expected of it.
 */
function noiseOf(
  sightings: readonly Sighting[],
  residuals: readonly number[],
  trust: readonly number[],
  rows: readonly Row[],
  covariance: Matrix,
  pose: Pose,
): Noise {
  const least = leastNoise(pose);
  const of = (kind: Kind) => {
    let [sum, count] = [EXPECTED * least[kind] ** 2, EXPECTED];
    sightings.forEach((sighting, i) => {
      if (sighting.kind === kind) sum += (trust[i] ?? 0) * (residuals[i] ?? 0) ** 2;
    });
    for (const row of rows) {
      if (sightings[row.of]?.kind === kind && (trust[row.of] ?? 0) > 0)
        count += Math.max(0, redundancy(row, covariance));
    }
    return Math.max(least[kind], Math.sqrt(sum / count));
  };
  const edge = of("edge");
  // Guesses fill in what edges leave open, and never outweigh edges that have yet to be met.
  return { label: of("label"), edge, side: of("side"), guess: (least.guess * edge) / least.edge };
}

/** Leaves out one sighting after the other, as the linear fit allows without solving anew. */
function sway(
  rows: readonly Row[],
  covariance: Matrix,
  pose: Pose,
  deviations: Deviations,
  chips: readonly Point[],
): number {
  const ofPose = unknownsOf(pose);
  const now = [...ofPose, ...deviations];
  // One place after the other, x's derivatives and y's: there are many places, and many sightings.
  const places = Float64Array.from(chips.flatMap((chip) => derivatives(pose, chip).flat()));
  const moved = new Map<number, number[]>();
  for (const row of rows) {
    const gain = covariance.map((line) => dot(line, row.values));
    const off = row.place - dot(row.values, now);
    const by = (row.weight * off) / Math.max(LEAST_LEFT, redundancy(row, covariance));
    const sum = moved.get(row.of) ?? gain.map(() => 0);
    moved.set(
      row.of,
      sum.map((value, k) => value + by * (gain[k] ?? 0)),
    );
  }
  let most = 0;
  const unknowns = ofPose.length;
  for (const by of moved.values()) {
    for (let at = 0; at < places.length; at += 2 * unknowns) {
      let [x, y] = [0, 0];
      for (let k = 0; k < unknowns; k++) {
        const step = by[k] as number;
        x += step * (places[at + k] as number);
        y += step * (places[at + unknowns + k] as number);
      }
      most = Math.max(most, x * x + y * y);
    }
  }
  return Math.sqrt(most);
}

/** What the others tell of a sighting at least, as a share: less is the noise of solving. */
const LEAST_LEFT = 0.02;

/** Whether two rounds give the same to a thousandth of a pixel over some thousand micrometres. */
function isSame(a: Pose, b: Pose): boolean {
  const off = [minus(a, b), minus(idealPlace(a, { x: 3000, y: 3000 }), idealPlace(b, { x: 3000, y: 3000 }))];
  const bent = Math.max(0, ...(a.lens?.amounts ?? []).map((amount, i) => Math.abs(amount - (b.lens?.amounts[i] ?? 0))));
  return bent < 1e-3 && off.every(({ x, y }) => Math.hypot(x, y) < 1e-3);
}

function distance(pose: Pose, deviations: Deviations, sighting: Sighting): number {
  const { chip, picture, along, kind } = sighting;
  const off = minus(picture, toPicture(pose, chip));
  if (along === undefined) {
    const [shiftX, shiftY] = termsOfLabel(pose, kind);
    return Math.hypot(off.x - dot(shiftX, deviations), off.y - dot(shiftY, deviations));
  }
  const unit = direction(pose, along);
  return Math.abs(off.x * unit.x + off.y * unit.y - dot(termsOfEdge(sighting), deviations));
}

/** How far a sighting lies from where the pose puts it, px along the chip's x and y. */
export function offsetOf(pose: Pose, { chip, picture }: Sighting): Point {
  const [right, down] = [direction(pose, { x: 1, y: 0 }), direction(pose, { x: 0, y: 1 })];
  const off = minus(picture, toPicture(pose, chip));
  return { x: off.x * right.x + off.y * right.y, y: off.x * down.x + off.y * down.y };
}

/** Derivatives of a chip point's x and y in the picture by the unknowns: x, y, s·cos and s·sin per mm, a lens's amounts. */
function derivatives(pose: Pose, chip: Point): [number[], number[]] {
  const { lens } = pose;
  const [u, v] = [chip.x / 1000, ((pose.mirrored ? -1 : 1) * chip.y) / 1000];
  const bent = lens === undefined ? [] : bends(lens, idealPlace(pose, chip));
  return [
    [1, 0, u, v, ...bent.map(({ x }) => x)],
    [0, 1, v, -u, ...bent.map(({ y }) => y)],
  ];
}

/**
 * Weighted least squares: all unknowns enter linearly, a lens's amounts at the places of now, and these and the deviations are
 * expected near 0, the latter with the standard deviations given, px.
 */
function normalEquations(rows: readonly Row[], { lens }: Pose, deviations: readonly number[]): Float64Array[] {
  const ofPose = SIMILARITY + (lens?.amounts.length ?? 0);
  const unknowns = ofPose + deviations.length;
  const system = Array.from({ length: unknowns }, () => new Float64Array(unknowns + 1));
  for (const { values, place, weight } of rows) {
    for (let a = 0; a < unknowns; a++) {
      const line = system[a] as Float64Array;
      const factor = (values[a] ?? 0) * weight;
      for (let b = 0; b < unknowns; b++) line[b] = (line[b] ?? 0) + factor * (values[b] ?? 0);
      line[unknowns] = (line[unknowns] ?? 0) + factor * place;
    }
  }
  const expected = [...(lens?.amounts.map((_, i) => (ORDINARY[i] ?? 0) * lens.radiusPx) ?? []), ...deviations];
  expected.forEach((deviation, i) => {
    const line = system[SIMILARITY + i] as Float64Array;
    line[SIMILARITY + i] = (line[SIMILARITY + i] ?? 0) + deviation ** -2;
  });
  return system;
}

function posed(pose: Pose, [x = 0, y = 0, a = 0, b = 0, ...others]: readonly number[]): Pose {
  const { lens } = pose;
  const now = lens === undefined ? {} : { lens: { ...lens, amounts: others.slice(0, lens.amounts.length) } };
  return { ...pose, ...now, x, y, pxPerUm: Math.hypot(a, b) / 1000, angleDegrees: (Math.atan2(b, a) * 180) / Math.PI };
}

/** The unknowns of a pose, in the order of `derivatives`. */
function unknownsOf({ x, y, pxPerUm, angleDegrees, lens }: Pose): number[] {
  const radians = (angleDegrees * Math.PI) / 180;
  return [x, y, 1000 * pxPerUm * Math.cos(radians), 1000 * pxPerUm * Math.sin(radians), ...(lens?.amounts ?? [])];
}

/** The median; the mean of both in the middle of an even number, 0 of none. */
export function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0 ? 0 : ((sorted[(sorted.length - 1) >> 1] ?? 0) + (sorted[sorted.length >> 1] ?? 0)) / 2;
}
