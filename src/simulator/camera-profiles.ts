// The camera profiles of the simulator. Counts are the camera's own: 8 bits for ideal and pi64, 12 bits for scientific.
// docs/simulator.md says what the numbers are based on, and how realistic the pictures are.
import type { ProfileName } from "../config/simulation-section.ts";
import type { Processing } from "./develop.ts";
import type { NoiseSettings } from "./image-sensor.ts";

/** The range of a value. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/** The appearance of bands with one camera; counts, and shares of the ROI's width. */
export interface BandRanges {
  /** Height; distributed evenly, or evenly in its logarithm. */
  readonly amplitude: Range & { readonly logarithmic: boolean };
  /** Light far from the band, above the pedestal. */
  readonly ground: Range;
  /** Half the width at half height. */
  readonly halfWidth: Range;
  readonly rest: Range;
}

/** Light of the chip's parts without gratings, counts above the pedestal. */
export interface ChipLight {
  readonly outside: number;
  readonly substrate: number;
  readonly print: number;
}

export interface CameraProfile {
  /** Largest count; a pixel of 16 bits holds it in its low bits, or scaled to its full range. */
  readonly mostCounts: number;
  readonly lowBits: boolean;
  /** Counts of a pixel without light. Negative if the camera subtracts more than that; then black is clipped at 0. */
  readonly pedestal: number;
  readonly noise: NoiseSettings;
  /** Number of dust grains in the picture. */
  readonly dust: number;
  /** Share of the light missing in the corners of the picture. */
  readonly vignetting: number;
  /** Scale, px per micrometre, if it does not follow from the size of the picture. */
  readonly pxPerUm?: number;
  readonly light: ChipLight;
  readonly bands: BandRanges;
  /** What the camera does to a picture before it delivers it. */
  readonly processing?: Processing;
}

const NO_MOTTLE = { contrast: 0, grainPx: 30 };

export const CAMERA_PROFILES: Readonly<Record<ProfileName, CameraProfile>> = {
  ideal: {
    mostCounts: 255,
    lowBits: false,
    pedestal: 100,
    noise: {
      ...{ speckle: 0.12, freshShare: 0.03, grainPx: 2.5, grainHeight: 1, mottle: NO_MOTTLE },
      ...{ readCounts: 1.5, electronsPerCount: 60, noiseGrainPx: 0 },
    },
    dust: 20,
    vignetting: 0.1,
    light: { outside: 2, substrate: 6, print: 85 },
    bands: {
      amplitude: { from: 86, to: 100, logarithmic: false },
      ground: { from: 8, to: 11 },
      halfWidth: { from: 0.11, to: 0.21 },
      rest: { from: 0.36, to: 0.44 },
    },
  },
  pi64: {
    mostCounts: 255,
    lowBits: false,
    pedestal: -2,
    noise: {
      ...{ speckle: 0.12, freshShare: 0.03, grainPx: 6, grainHeight: 1, mottle: { contrast: 0.13, grainPx: 35 } },
      ...{ readCounts: 6, electronsPerCount: 0.5, noiseGrainPx: 6 },
    },
    dust: 20,
    vignetting: 0.15,
    pxPerUm: 1.41,
    light: { outside: 0, substrate: 2, print: 85 },
    bands: {
      amplitude: { from: 16, to: 176, logarithmic: true },
      ground: { from: 1, to: 6 },
      halfWidth: { from: 0.034, to: 0.19 },
      rest: { from: 0.36, to: 0.44 },
    },
    processing: { denoise: { passes: 3, from: -10, share: 0.6 }, jpegQuality: 92 },
  },
  scientific: {
    mostCounts: 4095,
    lowBits: true,
    pedestal: 100,
    noise: {
      ...{ speckle: 0.15, freshShare: 0.03, grainPx: 5.6, grainHeight: 2.5, mottle: { contrast: 0.18, grainPx: 30 } },
      ...{ readCounts: 2, electronsPerCount: 1.4, noiseGrainPx: 0 },
    },
    dust: 20,
    vignetting: 0.1,
    light: { outside: 4, substrate: 12, print: 150 },
    bands: {
      amplitude: { from: 65, to: 105, logarithmic: false },
      ground: { from: 16, to: 26 },
      halfWidth: { from: 0.11, to: 0.18 },
      rest: { from: 0.36, to: 0.44 },
    },
  },
};
