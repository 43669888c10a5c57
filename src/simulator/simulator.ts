// The simulated chip: renders the camera's picture at any time of an experiment, and provides the true values.
//
//   chips/*.toml ─▶ placement ─▶ scene (light) ─▶ illumination ─▶ speckle, shot and read noise ─▶ processor ─▶ counts
//                        └─────▶ ROI manifest, truth
//
// A picture depends on the options, the elapsed time and the frame number only. Line shape and noise follow what real
// chips show; positions are defined exactly, so that a measurement can be judged.

import type { Chip } from "../chip/chip.ts";
import { loadChip } from "../chip/layout.ts";
import { PROFILE_BITS, type ProfileName, type SimulatedLine } from "../config/simulation-section.ts";
import { Failure } from "../failure/failure.ts";
import type { Picture } from "../image/picture.ts";
import type { Roi } from "../measurement/roi.ts";
import { type AssayMoment, AssayOnChip, type GratingTruth } from "./assay.ts";
import type { Assay } from "./assay-settings.ts";
import { type Band, makeBands } from "./bands.ts";
import { type BindingCurve, bindingShiftPx } from "./binding.ts";
import { CAMERA_PROFILES, type CameraProfile } from "./camera-profiles.ts";
import { Illumination } from "./illumination.ts";
import { type NoiseSettings, Sensor } from "./image-sensor.ts";
import { mixSeeds, randomStream } from "./noise.ts";
import { type Placement, placeChip } from "./placement.ts";
import { Scene } from "./scene.ts";
import { type Texture, Textures } from "./texture.ts";

export interface SimulatorOptions {
  /** Camera profile, which gives the defaults of the options below. */
  readonly profile?: ProfileName;
  readonly line?: SimulatedLine;
  /** Speckle of the ROIs; random if absent. */
  readonly textures?: readonly Texture[];
  readonly chipType?: string;
  /** A custom chip instead of a built-in one. */
  readonly chip?: Chip;
  readonly width?: number;
  readonly height?: number;
  readonly bitDepth?: 8 | 16;
  readonly pxPerUm?: number;
  /** Point of the chip, µm, at the top left of the picture; chosen automatically if absent. */
  readonly window?: { readonly x: number; readonly y: number };
  readonly angleDegrees?: number;
  /** Movement of the chip in the aligned picture, px per hour. */
  readonly driftPxPerHour?: { readonly x: number; readonly y: number };
  readonly binding?: Partial<BindingCurve>;
  /** Injections and their effects, in place of `binding`. */
  readonly assay?: Assay | undefined;
  readonly noise?: Partial<NoiseSettings>;
  /** Number of dust grains in the picture. */
  readonly dust?: number;
  /** Share of the light missing in the corners of the picture. */
  readonly vignetting?: number;
  readonly seed?: number;
}

/** The true values of one ROI at one time. Positions in px of the ROI; 0 is the centre of its first column after flipping. */
export interface RoiTruth {
  /** Resonance position on the ROI's median row. */
  readonly resonance: number;
  readonly tiltPx: number;
  readonly line: SimulatedLine;
  /** Sigma of a Gaussian, gamma of the other lines, px. */
  readonly width: number;
  /** q of a Fano line; infinite for the others. */
  readonly q: number;
  /**
   * Height of the band at the resonance above `background`, counts of the camera; light is evaluated at the middle of the ROI.
   */
  readonly amplitude: number;
  /** Counts far from the band, including the pedestal; negative if the camera subtracts more than the existing light. */
  readonly background: number;
  /** Distance from the resonance to the highest point of the band, px. */
  readonly peakOffset: number;
  /** Shift since the start by binding, bulk and slow drift, without movement of the chip. */
  readonly shift: number;
  /** Whether it is a reference, to which nothing binds. */
  readonly reference: boolean;
  /** Whether a bubble covers the grating, so that no resonance is visible. */
  readonly bubble: boolean;
}

/** The true values of an ROI for a whole assay. */
export interface AssayTruth extends GratingTruth {
  /** Largest response, px; 0 if nothing binds. */
  readonly rmaxPx: number;
}

export interface Simulator {
  readonly chip: Chip;
  readonly placement: Placement;
  readonly bitDepth: 8 | 16;
  /** Renders the picture at a time; `frameNumber` (any integer) determines its noise. */
  render(elapsedSeconds: number, frameNumber: number): Picture;
  /** Returns the true values by ROI label, in the order of the ROI manifest. */
  truth(elapsedSeconds: number): Map<string, RoiTruth>;
  /** Returns the true values of the assay by ROI label; empty without an assay. */
  assayTruth(): Map<string, AssayTruth>;
  roiManifest(): { readonly imageAngle: number; readonly rois: readonly Roi[] };
}

/** Defaults of all cameras: an injection that is easily visible in a time-lapse. */
export const SIMULATOR_DEFAULTS = {
  profile: "ideal",
  line: "gaussian",
  chipType: "IMECII_2",
  width: 1920,
  height: 1460,
  angleDegrees: 0.3,
  driftPxPerHour: { x: 0, y: 0 },
  binding: { shiftPx: 4, timeSeconds: 600, bulkPx: 0.4, driftPxPerHour: 0.02 },
  seed: 1,
} as const;

/**
 * Sets up a simulated chip (a few milliseconds; its first picture takes some tens more). Failure chip.unknown; usage.invalid if
 * no whole grating is in view, or if the camera has no pixels with this number of bits.
 */
export function createSimulator(options: SimulatorOptions = {}): Simulator {
  const given = withoutUndefined(options);
  const camera = CAMERA_PROFILES[given.profile ?? SIMULATOR_DEFAULTS.profile];
  const { dust, vignetting, pxPerUm } = camera;
  const settings = { ...SIMULATOR_DEFAULTS, dust, vignetting, pxPerUm, ...given };
  const bitDepth = bitDepthOf(settings.profile, settings.bitDepth);
  const binding = { ...SIMULATOR_DEFAULTS.binding, ...withoutUndefined(options.binding ?? {}) };
  const noise = { ...camera.noise, ...withoutUndefined(options.noise ?? {}) };
  const { width, height, seed, line, driftPxPerHour, textures = [] } = settings;
  const chip = settings.chip ?? loadChip(settings.chipType);
  const placement = placeChip(chip, settings, settings.angleDegrees, settings.pxPerUm, settings.window);
  const bands = makeBands(chip, placement, { ranges: camera.bands, line, seed });
  const measured = bands.filter((band) => band.roi !== undefined);
  if (measured.length === 0) {
    throw new Failure("usage.invalid", `no complete grating of ${chip.type} is visible in a ${width}x${height} image`, {
      hint: "use a larger image or a smaller angle or scale",
    });
  }
  const scene = new Scene(chip, placement, bands, camera.light);
  const light = new Illumination(settings, settings.vignetting, settings.dust, randomStream(mixSeeds(seed, 2)));
  // Created for the first picture: its tables take longer than everything else, and not every caller needs a picture.
  let sensor: Sensor | undefined;
  const sensorOf = () => {
    sensor ??= new Sensor({ ...formatOf(camera, bitDepth), width, height }, noise, seed);
    return sensor;
  };
  const textured = textures.length === 0 ? undefined : new Textures(textures, bands, placement, seed);

  const references = new Set(bands.filter(({ affinity }) => affinity === 0).map(({ half }) => half.grating));
  const played = given.assay && new AssayOnChip(given.assay, chip, seed, (grating) => references.has(grating));
  const momentOf = (band: Band, elapsedSeconds: number) =>
    played?.at(band, elapsedSeconds) ?? {
      shift: bindingShiftPx(binding, elapsedSeconds, band.affinity),
      bubble: false,
    };
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
      const resonances = Float64Array.from(bands, (band) => band.restPx + momentOf(band, elapsedSeconds).shift);
      const draw = scene.rowsAt(drift.x, drift.y, resonances);
      const movement = chipMovement(placement, drift);
      const drawDimmed = (row: Float32Array, y: number): void => {
        draw(row, y);
        light.dim(row, y);
      };
      const pixels = sensorOf().expose(
        mixSeeds(seed, frameNumber),
        movement,
        drawDimmed,
        textured?.painter(movement, drift),
      );
      return { pixels, width, height, bitDepth };
    },
    truth(elapsedSeconds) {
      const drift = driftAt(elapsedSeconds);
      return new Map(
        measured.map((band) => [
          band.half.label,
          {
            ...truthOf(band, momentOf(band, elapsedSeconds), drift, { light, pedestal: camera.pedestal }),
            reference: played?.truthOf(band.half.grating).reference ?? band.affinity === 0,
          },
        ]),
      );
    },
    assayTruth() {
      if (played === undefined) return new Map();
      return new Map(
        measured.map((band) => [
          band.half.label,
          { ...played.truthOf(band.half.grating), rmaxPx: played.rmaxPx(band) },
        ]),
      );
    },
    roiManifest() {
      const rois = bands.flatMap((band) => (band.roi === undefined ? [] : [band.roi]));
      return { imageAngle: placement.angleDegrees, rois };
    },
  };
}

/**
 * Returns the bit depth of a profile's pixels, as requested or its default. Failure usage.invalid if it does not support that
 * depth.
 */
export function bitDepthOf(profile: ProfileName, asked: number | undefined): 8 | 16 {
  const bitDepths = PROFILE_BITS[profile];
  const found = asked === undefined ? bitDepths[0] : bitDepths.find((bits) => bits === asked);
  if (found !== undefined) return found;
  throw new Failure("usage.invalid", `the camera profile ${profile} does not support ${asked} bits`, {
    hint: `use ${bitDepths.join(" or ")}`,
  });
}

function formatOf({ mostCounts, lowBits, pedestal, processing }: CameraProfile, bitDepth: 8 | 16) {
  const stepsPerCount = bitDepth === 16 && !lowBits ? 65_535 / mostCounts : 1;
  return { bitDepth, mostCounts, pedestal, stepsPerCount, processing };
}

/** Converts the chip's movement in the aligned picture to movement in the picture itself, px. */
function chipMovement(placement: Placement, drift: { x: number; y: number }): { x: number; y: number } {
  const radians = (placement.angleDegrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  return { x: cos * drift.x + sin * drift.y, y: cos * drift.y - sin * drift.x };
}

function truthOf(
  band: Band,
  { shift, bubble }: AssayMoment,
  drift: { x: number; y: number },
  { light, pedestal }: { light: Illumination; pedestal: number },
): Omit<RoiTruth, "reference"> {
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
    line: band.line,
    width: band.widthPx,
    q: band.q,
    amplitude: band.amplitude * left,
    background: pedestal + band.base * left,
    peakOffset: band.widthPx / band.q,
    shift,
    bubble,
  };
}

/** Removes keys whose value is undefined, so that defaults apply. */
function withoutUndefined<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
