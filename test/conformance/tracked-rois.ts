// Simulated series of one ROI with a known truth: lines of every shape over speckle and a camera's pedestal, frames with
// shifts, lamp drift, gradients, second bands and speckle that changes.
import { measure } from "../../src/analysis/kernel.ts";
import { ANCHOR_NUMBERS, ROW, TRACKING_NOTES } from "../../src/analysis/kernel-answer.ts";
import { voigtLine } from "../../src/analysis/voigt.ts";
import { type JointLine, QUANTITIES } from "../../src/measurement/method.ts";
import { lightTable, normalsOf, SIZE, speckleField } from "./speckled-rois.ts";

type Shape = "gaussian" | "lorentzian" | "fano" | "voigt";

/** What the camera sees before anything changes. Counts, px; `slope` in px per row, counted from the middle row. */
export interface Scene {
  readonly shape: Shape;
  readonly centre: number;
  readonly width: number;
  readonly slope: number;
  readonly q: number;
  /** Of a Voigt line: its Lorentzian's share of the half-width. */
  readonly share: number;
  readonly height: number;
  /** Light the line stands on, and what the camera adds without light. */
  readonly ground: number;
  readonly pedestal: number;
  /** Share of the light, and full width at half maximum of a grain. */
  readonly speckle: number;
  readonly grainPx: number;
  /** Share of the light that is uneven besides, over more than a grain, and over how many px. */
  readonly uneven?: { readonly contrast: number; readonly overPx: number };
  readonly electronsPerCount: number;
  readonly readCounts: number;
}

export const SCENE: Scene = {
  shape: "gaussian",
  centre: 90,
  width: 25,
  slope: 0.03,
  q: 2,
  share: 0.5,
  height: 100,
  ground: 110,
  pedestal: 0,
  speckle: 0.12,
  grainPx: 2.5,
  electronsPerCount: 50,
  readCounts: 1,
};

/** How a frame differs from the scene. */
export interface Change {
  readonly shiftPx?: number;
  /** Factor of the light. */
  readonly lamp?: number;
  /** The light grows by this share from one end of the rows to the other. */
  readonly gradient?: number;
  readonly q?: number;
  /** A second line of the same shape. */
  readonly second?: { readonly apartPx: number; readonly height: number };
}

/** Of the share that was asked for last; making one costs more than to evaluate it. */
let voigt = { share: Number.NaN, line: voigtLine(0) };

function voigtOf(share: number): (t: number) => number {
  if (voigt.share !== share) voigt = { share, line: voigtLine(share) };
  return voigt.line;
}

/** Light of the line, counts; `row` is counted from the middle of the ROI. */
export function lightOf(scene: Scene, change: Change, x: number, row: number): number {
  const { shiftPx = 0, lamp = 1, gradient = 0, q = scene.q, second } = change;
  const centre = scene.centre + shiftPx + scene.slope * row;
  const line = (at: number) => {
    const t = (x - at) / scene.width;
    if (scene.shape === "gaussian") return Math.exp((-t * t) / 2);
    if (scene.shape === "lorentzian") return 1 / (1 + t * t);
    if (scene.shape === "voigt") return voigtOf(scene.share)(t);
    return (q + t) ** 2 / ((1 + t * t) * (1 + q * q));
  };
  const other = second === undefined ? 0 : second.height * line(scene.centre + second.apartPx + scene.slope * row);
  const profile = 1 + gradient * ((x - (SIZE.width - 1) / 2) / (SIZE.width - 1));
  return lamp * profile * (scene.ground + scene.height * line(centre) + other);
}

/** The light of each pixel by scene and change: every frame of a series shows one of a few. */
const lights = new Map<string, Float64Array>();

function lightsOf(scene: Scene, change: Change): Float64Array {
  const key = JSON.stringify([scene, change]);
  const known = lights.get(key);
  if (known !== undefined) return known;
  const made = lightTable((x, row) => lightOf(scene, change, x, row));
  lights.set(key, made);
  return made;
}

/** 8-bit counts of a frame, with fresh shot and read noise. */
export function expose(scene: Scene, change: Change, field: Float64Array, next: () => number): Uint8Array {
  const pixels = new Uint8Array(SIZE.rows * SIZE.width);
  const even = lightsOf(scene, change);
  const { speckle, electronsPerCount, readCounts, pedestal } = scene;
  for (let at = 0; at < pixels.length; at++) {
    const light = (even[at] as number) * Math.max(0, 1 + speckle * (field[at] as number));
    const noise = Math.sqrt(Math.max(light, 0) / electronsPerCount + readCounts ** 2);
    pixels[at] = Math.max(0, Math.min(255, Math.round(pedestal + light + next() * noise)));
  }
  return pixels;
}

/** The light over what it would be without speckle, less 1, in the speckle's contrast. */
export function speckleOf({ speckle, grainPx, uneven }: Scene, next: () => number): Float64Array {
  const field = speckleField(SIZE.rows, SIZE.width, grainPx, next);
  if (uneven === undefined) return field;
  const slow = speckleField(SIZE.rows, SIZE.width, uneven.overPx, next);
  return field.map((value, i) => value + (uneven.contrast / speckle) * (slow[i] as number));
}

interface Tracked {
  readonly ok: boolean;
  readonly joined: boolean;
  readonly position: number;
  readonly shift: number;
  readonly standardError: number;
  readonly light: number;
  readonly fellBack: boolean;
  readonly changed: boolean;
}

/** Measures frames of one ROI against a reference, as the kernel keeps it; `grow`: the frame joins the reference. */
export function tracker(jointLine: JointLine, darkLevel?: number) {
  const anchors = new Float64Array(ANCHOR_NUMBERS);
  const reference = new Uint16Array(SIZE.rows * SIZE.width);
  return (pixels: Uint8Array, grow: boolean): Tracked => {
    const answer = measure({
      pixels,
      width: SIZE.width,
      height: SIZE.rows,
      angleDegrees: 0,
      rois: Float64Array.of(0, 0, SIZE.rows, SIZE.width, 0),
      method: "tracking",
      jointLine,
      subRois: 0,
      sampling: "precise",
      bitDepthScaling: "stretch",
      ...(darkLevel === undefined ? {} : { darkLevel }),
      tracking: { anchors, pixels: reference, grow },
    });
    const quantity = (name: string) => answer.columns[QUANTITIES.tracking.indexOf(name)] as number;
    return {
      ok: answer.status[0] === ROW.ok,
      joined: answer.joined?.[0] === 1,
      position: quantity("position"),
      shift: quantity("shift"),
      light: quantity("light"),
      standardError: answer.standardError[0] as number,
      fellBack: ((answer.doubts?.[0] ?? 0) & TRACKING_NOTES.fellBack) !== 0,
      changed: ((answer.doubts?.[0] ?? 0) & TRACKING_NOTES.changed) !== 0,
    };
  };
}

export interface Series {
  readonly scene: Scene;
  readonly line: JointLine;
  readonly references?: number;
  readonly realisations: number;
  /** What the frames show that are measured against each reference, and how often each of them is taken. */
  readonly changes: readonly Change[];
  readonly each: number;
  /** What the frames of the reference show. */
  readonly before?: Change;
  /** Frames after which 1/e of the speckle is left; it stays where absent. */
  readonly decorrelation?: number;
  /** The camera's dark level is known. */
  readonly darkKnown?: boolean;
  readonly seed?: number;
}

export interface Errors {
  /** px from the truth, and what was claimed; NaN where nothing was measured. */
  readonly error: number[];
  readonly claimed: number[];
  readonly flagged: boolean[];
}

/** Errors of the shifts from the mean of the reference frames, for each of the changes. */
export function follow(series: Series): Errors[] {
  const {
    scene,
    line,
    references = 16,
    realisations,
    changes,
    each,
    before = {},
    decorrelation,
    seed = 50_000,
  } = series;
  const all = changes.map((): Errors => ({ error: [], claimed: [], flagged: [] }));
  for (let nth = 0; nth < realisations; nth++) {
    const next = normalsOf(seed + nth);
    const field = speckleOf(scene, next);
    const age = () => {
      if (decorrelation === undefined) return;
      const fresh = speckleOf(scene, next);
      const kept = Math.exp(-1 / decorrelation);
      field.forEach((old, i) => {
        field[i] = kept * old + Math.sqrt(1 - kept ** 2) * (fresh[i] as number);
      });
    };
    const track = tracker(line, series.darkKnown === true ? scene.pedestal : undefined);
    let level = 0;
    for (let frame = 0; frame < references; frame++) {
      level += track(expose(scene, before, field, next), true).position / references;
      age();
    }
    for (let frame = 0; frame < each * changes.length; frame++) {
      const change = changes[frame % changes.length] as Change;
      const { position, standardError, fellBack, changed } = track(expose(scene, change, field, next), false);
      age();
      const { error, claimed, flagged } = all[frame % changes.length] as Errors;
      error.push(position - level - (change.shiftPx ?? 0));
      claimed.push(standardError);
      flagged.push(fellBack || changed);
    }
  }
  return all;
}

export interface Worth {
  readonly scatter: number;
  readonly bias: number;
  /** Root mean square of error over claimed error. */
  readonly z: number;
  readonly claimed: number;
  /** Share without a number. */
  readonly missing: number;
  readonly flagged: number;
  /** Share that is wrong by more than five claimed errors and says nothing. */
  readonly falseGood: number;
}

export function worthOf({ error, claimed, flagged }: Errors): Worth {
  const known = error
    .map((value, i) => [value, claimed[i] as number] as const)
    .filter(([value]) => !Number.isNaN(value));
  const mean = (of: (pair: readonly [number, number]) => number) =>
    known.reduce((sum, pair) => sum + of(pair), 0) / known.length;
  const bias = mean(([value]) => value);
  return {
    bias,
    scatter: Math.sqrt(mean(([value]) => (value - bias) ** 2)),
    z: Math.sqrt(mean(([value, se]) => (value / se) ** 2)),
    claimed: mean(([, se]) => se),
    missing: 1 - known.length / error.length,
    flagged: flagged.filter((one) => one).length / flagged.length,
    falseGood:
      error.filter((value, i) => !flagged[i] && Math.abs(value) > 5 * (claimed[i] as number)).length / error.length,
  };
}
