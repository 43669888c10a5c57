// The simulated camera: the simulator with a clock, running the experiment that [Simulation] describes.

import type { Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import { formatRoiManifest } from "../measurement/roi.ts";
import { assayOf } from "../simulator/assay-settings.ts";
import { CAMERA_PROFILES } from "../simulator/camera-profiles.ts";
import { mixSeeds } from "../simulator/noise.ts";
import {
  bitDepthOf,
  createSimulator,
  SIMULATOR_DEFAULTS,
  type Simulator,
  type SimulatorOptions,
} from "../simulator/simulator.ts";
import { loadTextures } from "../simulator/texture.ts";
import type { CapturedFrame, Found, Source } from "./frame.ts";
import { exposureMoment } from "./timestamp.ts";

export interface SimulatedOptions {
  readonly simulator?: SimulatorOptions | undefined;
  /** Pictures of measured ROIs whose speckle is used in the simulated ones. */
  readonly textureFiles?: readonly string[] | undefined;
  /** Start of the experiment, microseconds since the epoch, so that a restart continues its curve. */
  readonly startedAtUs?: number | undefined;
  readonly clock: () => number;
}

/** Returns the ROI manifest file of the simulated chip in `config`. */
export function simulatedRoiManifest(config: Pick<Config, "Simulation">): string {
  return formatRoiManifest(createSimulator(simulatorOptions(config)).roiManifest());
}

/** Direction in which the simulated chip drifts: mostly along the ROIs, a little across. */
const DRIFT_DIRECTION = { x: 0.8, y: 0.6 } as const;

/** Default scale of a configured picture, px per micrometre. */
const USUAL_SCALE = 0.724;

/** Returns the simulator's options from [Simulation]. */
export function simulatorOptions({ Simulation: simulation }: Pick<Config, "Simulation">): SimulatorOptions {
  const drift = simulation.drift_px_per_hour;
  const { profile, bit_depth: bits } = simulation;
  return {
    profile,
    line: simulation.line,
    chipType: simulation.chip_type,
    width: simulation.width,
    height: simulation.height,
    ...(bits === undefined ? {} : { bitDepth: bits }),
    pxPerUm: simulation.px_per_um ?? CAMERA_PROFILES[profile].pxPerUm ?? USUAL_SCALE,
    angleDegrees: simulation.angle_degrees,
    driftPxPerHour: { x: drift * DRIFT_DIRECTION.x, y: drift * DRIFT_DIRECTION.y },
    assay: simulation.assay === undefined ? undefined : assayOf(simulation.assay),
    binding: { shiftPx: simulation.binding_shift_px, timeSeconds: simulation.binding_time_seconds },
    noise: {
      ...(simulation.speckle === undefined ? {} : { speckle: simulation.speckle }),
      ...(simulation.read_noise_counts === undefined ? {} : { readCounts: simulation.read_noise_counts }),
      ...(simulation.electrons_per_count === undefined ? {} : { electronsPerCount: simulation.electrons_per_count }),
    },
    ...(simulation.dust === undefined ? {} : { dust: simulation.dust }),
    seed: simulation.seed,
  };
}

const PROBED: SimulatorOptions & typeof SIMULATOR_DEFAULTS = SIMULATOR_DEFAULTS;

export class SimulatedCamera implements Source {
  private readonly options: SimulatedOptions;
  private simulator: Simulator | undefined;
  private startedAtUs: number | undefined;

  constructor(options: SimulatedOptions) {
    this.options = options;
  }

  async probe(): Promise<readonly Found[]> {
    const { profile, chipType, width, height, bitDepth } = { ...PROBED, ...this.options.simulator };
    const size = `${width}x${height}, ${bitDepthOf(profile, bitDepth)} bits`;
    const details = [`${size}, camera profile ${profile}, chip ${chipType}; [Simulation] describes it`];
    return [{ name: "simulated", description: "the simulated chip", details, toml: ['camera_type = "simulated"'] }];
  }

  async open(): Promise<void> {
    const { simulator = {}, textureFiles = [] } = this.options;
    const { pedestal } = CAMERA_PROFILES[simulator.profile ?? SIMULATOR_DEFAULTS.profile];
    this.simulator ??= createSimulator({ ...simulator, textures: await loadTextures(textureFiles, pedestal) });
  }

  async capture(_signal: AbortSignal): Promise<CapturedFrame> {
    const { simulator } = this;
    if (simulator === undefined) {
      throw new Failure("camera.unavailable", "the simulated camera is not open", { retry: "later" });
    }
    const moment = exposureMoment(this.options.clock, undefined);
    const { capturedAtUs } = moment;
    this.startedAtUs ??= this.options.startedAtUs ?? capturedAtUs;
    // A clock set back before the start must not turn the experiment back.
    const elapsedSeconds = Math.max(0, (capturedAtUs - this.startedAtUs) / 1e6);
    // The time is the seed of the noise, so that no two pictures share it, before and after a restart.
    const frameNumber = mixSeeds(Math.floor(capturedAtUs / 2 ** 32), capturedAtUs % 2 ** 32);
    const picture = simulator.render(elapsedSeconds, frameNumber);
    const settings = { chip: simulator.chip.type, elapsed_seconds: Math.round(elapsedSeconds * 1000) / 1000 };
    return { picture, ...moment, settings, warnings: [] };
  }

  async close(): Promise<void> {
    this.simulator = undefined;
  }
}
