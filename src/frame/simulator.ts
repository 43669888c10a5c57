// The simulated chip: renders what a camera would see at any moment of an experiment, and knows the truth about it.
//
//   chips/*.toml ─▶ placement ─▶ scene (light) ─▶ illumination ─▶ speckle, shot and read noise ─▶ counts
//                        └─────▶ ROI manifest, truth
//
// A picture depends on the options, the elapsed time and the frame number only. Line shape and noise follow what real
// chips show; positions are defined exactly, so that a measurement can be judged.
import type { Picture } from "../analysis/picture.ts";
import type { Roi } from "../analysis/roi.ts";
import { type Chip, loadChip } from "../chip/layout.ts";
import { Failure } from "../failure.ts";
import { type BindingCurve, bindingShiftPx } from "./binding.ts";
import { Illumination } from "./illumination.ts";
import { mixSeeds, normal, randomStream } from "./noise.ts";
import { type Placement, placeChip, placeHalves } from "./placement.ts";
import { type Band, Scene, skew } from "./scene.ts";
import { type NoiseSettings, Sensor } from "./sensor.ts";

export interface SimulatorOptions {
  readonly chipType?: string;
  /** A chip of its own instead of a built-in one. */
  readonly chip?: Chip;
  readonly width?: number;
  readonly height?: number;
  readonly bitDepth?: 8 | 16;
  readonly pxPerUm?: number;
  /** The chip's point, µm, at the top left of the picture; chosen by itself when absent. */
  readonly window?: { readonly x: number; readonly y: number };
  readonly angleDegrees?: number;
  /** Movement of the chip in the aligned picture, px per hour. */
  readonly driftPxPerHour?: { readonly x: number; readonly y: number };
  readonly binding?: Partial<BindingCurve>;
  readonly noise?: Partial<NoiseSettings>;
  /** Grains of dust in the picture. */
  readonly dust?: number;
  /** Share of the light missing in the picture's corners. */
  readonly vignetting?: number;
  readonly seed?: number;
}

/** The truth about one ROI at one moment. Positions in px of the ROI, 0 the centre of its first column after flipping. */
export interface RoiTruth {
  /** Resonance position on the ROI's median row. */
  readonly resonance: number;
  readonly tiltPx: number;
  readonly gamma: number;
  readonly q: number;
  /** Height of the band at the resonance over `background`, 8-bit counts; light is taken at the ROI's middle. */
  readonly amplitude: number;
  /** Counts far from the band, pedestal included. */
  readonly background: number;
  /** From the resonance to the highest point of the band, px. */
  readonly peakOffset: number;
  /** Movement since the start by binding, bulk and slow drift, without movement of the chip. */
  readonly shift: number;
  /** Nothing binds here. */
  readonly reference: boolean;
}

export interface Simulator {
  readonly chip: Chip;
  readonly placement: Placement;
  readonly bitDepth: 8 | 16;
  /** The picture at a moment; `frameNumber` (any whole number) chooses its noise. */
  render(elapsedSeconds: number, frameNumber: number): Picture;
  /** The truth per ROI label, in the order of the ROI manifest. */
  truth(elapsedSeconds: number): Map<string, RoiTruth>;
  roiManifest(): { readonly imageAngle: number; readonly rois: readonly Roi[] };
}

/** Defaults: an injection a time-lapse shows well, noise as measured on real chips. */
export const SIMULATOR_DEFAULTS = {
  chipType: "IMECII_2",
  width: 1920,
  height: 1460,
  bitDepth: 8,
  angleDegrees: 0.3,
  driftPxPerHour: { x: 0, y: 0 },
  binding: { shiftPx: 4, timeSeconds: 600, bulkPx: 0.4, driftPxPerHour: 0.02 },
  noise: { speckle: 0.12, freshShare: 0.03, grainPx: 2.5, readCounts: 1.5, electronsPerCount: 60 },
  dust: 20,
  vignetting: 0.1,
  seed: 1,
} as const;

/** Counts of a pixel without light. */
export const PEDESTAL_COUNTS = 100;
/** Every so manyth grating carries no receptors. */
const REFERENCE_SHARE = 1 / 8;

/**
 * Sets up a simulated chip (some tens of milliseconds). Failure chip.unknown, or usage.invalid when no whole grating
 * is in view.
 */
export function createSimulator(options: SimulatorOptions = {}): Simulator {
  const settings = { ...SIMULATOR_DEFAULTS, ...withoutUndefined(options) };
  const binding = { ...SIMULATOR_DEFAULTS.binding, ...withoutUndefined(options.binding ?? {}) };
  const noise = { ...SIMULATOR_DEFAULTS.noise, ...withoutUndefined(options.noise ?? {}) };
  const { width, height, seed, bitDepth, driftPxPerHour } = settings;
  const chip = options.chip ?? loadChip(settings.chipType);
  const placement = placeChip(chip, settings, settings.angleDegrees, options.pxPerUm, options.window);
  const bands = makeBands(chip, placement, seed);
  const measured = bands.filter((band) => band.roi !== undefined);
  if (measured.length === 0) {
    throw new Failure("usage.invalid", `no whole grating of ${chip.type} is in view of a ${width}x${height} picture`, {
      hint: "use a larger picture or a smaller angle or scale",
    });
  }
  const scene = new Scene(chip, placement, bands);
  const light = new Illumination(settings, settings.vignetting, settings.dust, randomStream(mixSeeds(seed, 2)));
  const sensor = new Sensor({ width, height, bitDepth, pedestal: PEDESTAL_COUNTS }, noise, seed);

  const shiftOf = (band: Band, elapsedSeconds: number) => bindingShiftPx(binding, elapsedSeconds, band.affinity);
  const driftAt = (elapsedSeconds: number) => ({
    x: (driftPxPerHour.x * elapsedSeconds) / 3600,
    y: (driftPxPerHour.y * elapsedSeconds) / 3600,
  });

  return {
    chip,
    placement,
    bitDepth,
    render(elapsedSeconds, frameNumber) {
      const drift = driftAt(elapsedSeconds);
      const resonances = Float64Array.from(bands, (band) => band.restPx + shiftOf(band, elapsedSeconds));
      const draw = scene.rowsAt(drift.x, drift.y, resonances);
      const pixels = sensor.expose(mixSeeds(seed, frameNumber), chipMovement(placement, drift), (row, y) => {
        draw(row, y);
        light.dim(row, y);
      });
      return { pixels, width, height, bitDepth };
    },
    truth(elapsedSeconds) {
      const drift = driftAt(elapsedSeconds);
      return new Map(
        measured.map((band) => [band.half.label, truthOf(band, shiftOf(band, elapsedSeconds), drift, light)]),
      );
    },
    roiManifest() {
      const rois = bands.flatMap((band) => (band.roi === undefined ? [] : [band.roi]));
      return { imageAngle: placement.angleDegrees, rois };
    },
  };
}

/** How the chip's movement in the aligned picture looks in the picture itself, px. */
function chipMovement(placement: Placement, drift: { x: number; y: number }): { x: number; y: number } {
  const radians = (placement.angleDegrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  return { x: cos * drift.x + sin * drift.y, y: cos * drift.y - sin * drift.x };
}

/** A resonance band for every half: alike within a grating, different between gratings, the same for the same seed. */
function makeBands(chip: Chip, placement: Placement, seed: number): Band[] {
  const gratings = new Map(chip.gratings.map((grating, i) => [grating.label, i]));
  return placeHalves(chip, placement).map((placed) => {
    const number = gratings.get(placed.half.grating) ?? 0;
    const shared = randomStream(mixSeeds(seed + 11, number));
    const own = randomStream(mixSeeds(seed + 12, number * 2 + (placed.half.flip ? 1 : 0)));
    const { width } = placed.box;
    const q = (shared() < 0.5 ? -1 : 1) * (3 + 6 * shared());
    const gammaPx = width * (0.11 + 0.1 * shared()) * (1 + 0.02 * normal(own));
    const restPx = width * (0.36 + 0.08 * shared()) + 0.01 * width * normal(own);
    const affinity = shared() < REFERENCE_SHARE ? 0 : (0.6 + 0.4 * shared()) * (1 + 0.02 * normal(own));
    const amplitude = 86 + 14 * own();
    // The dark side of a Fano line may not fall below no light at all.
    const s = skew(q);
    const base = 8 + (amplitude * (Math.sqrt(1 + s * s) - 1)) / 2 + 3 * own();
    const tiltPx = (width / 181) * (own() < 0.5 ? -1 : 1) * (1 + 3 * own());
    return { ...placed, gammaPx, q, amplitude, base, tiltPx, restPx, affinity };
  });
}

function truthOf(band: Band, shift: number, drift: { x: number; y: number }, light: Illumination): RoiTruth {
  const { box, half, roi } = band;
  if (roi === undefined) throw new Error(`${half.label} has no ROI`);
  const middleY = roi.y + roi.height / 2;
  const below = (middleY - box.y - drift.y) / box.height - 0.5;
  const fromEdge = band.restPx + shift + band.tiltPx * below;
  const across = box.x + drift.x + (half.flip ? box.width - fromEdge : fromEdge);
  const column = half.flip ? roi.x + roi.width - across : across - roi.x;
  const left = light.at(roi.x + roi.width / 2, middleY);
  return {
    resonance: column - 0.5,
    tiltPx: (band.tiltPx * (roi.height - 1)) / box.height,
    gamma: band.gammaPx,
    q: band.q,
    amplitude: band.amplitude * left,
    background: PEDESTAL_COUNTS + band.base * left,
    peakOffset: band.gammaPx / band.q,
    shift,
    reference: band.affinity === 0,
  };
}

/** Options without the keys that are there but undefined, so that defaults show through. */
function withoutUndefined<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
