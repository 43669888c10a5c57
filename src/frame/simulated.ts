// The simulated camera: the simulator with a clock, playing the experiment that [Simulation] describes.
import { formatRoiManifest } from "../analysis/roi.ts";
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure.ts";
import { exposureMoment } from "./exposure-moment.ts";
import type { CapturedFrame, Found, Source } from "./frame.ts";
import { mixSeeds } from "./noise.ts";
import { createSimulator, SIMULATOR_DEFAULTS, type Simulator, type SimulatorOptions } from "./simulator.ts";

export interface SimulatedOptions {
  readonly simulator?: SimulatorOptions | undefined;
  /** When the experiment began, microseconds since the epoch, so that a restart continues its curve. */
  readonly startedAtUs?: number | undefined;
  readonly clock: () => number;
}

/** The ROI manifest file of the simulated chip that `config` describes. */
export function simulatedRoiManifest(config: Pick<Config, "Simulation">): string {
  return formatRoiManifest(createSimulator(simulatorOptions(config)).roiManifest());
}

/** Direction in which the simulated chip drifts: mostly along the ROIs, a little across. */
const DRIFT_DIRECTION = { x: 0.8, y: 0.6 } as const;

/** What [Simulation] says, as the simulator takes it. */
export function simulatorOptions({ Simulation: simulation }: Pick<Config, "Simulation">): SimulatorOptions {
  const drift = simulation.drift_px_per_hour;
  return {
    chipType: simulation.chip_type,
    width: simulation.width,
    height: simulation.height,
    bitDepth: simulation.bit_depth,
    pxPerUm: simulation.px_per_um,
    angleDegrees: simulation.angle_degrees,
    driftPxPerHour: { x: drift * DRIFT_DIRECTION.x, y: drift * DRIFT_DIRECTION.y },
    binding: { shiftPx: simulation.binding_shift_px, timeSeconds: simulation.binding_time_seconds },
    noise: {
      speckle: simulation.speckle,
      readCounts: simulation.read_noise_counts,
      electronsPerCount: simulation.electrons_per_count,
    },
    dust: simulation.dust,
    seed: simulation.seed,
  };
}

export class SimulatedCamera implements Source {
  private readonly options: SimulatedOptions;
  private simulator: Simulator | undefined;
  private startedAtUs: number | undefined;

  constructor(options: SimulatedOptions) {
    this.options = options;
  }

  async probe(): Promise<readonly Found[]> {
    const { chipType, width, height, bitDepth } = { ...SIMULATOR_DEFAULTS, ...this.options.simulator };
    const details = [`${width}x${height}, ${bitDepth} bits, chip ${chipType}; [Simulation] describes it`];
    return [{ name: "simulated", description: "the simulated chip", details, toml: ['camera_type = "simulated"'] }];
  }

  async open(): Promise<void> {
    this.simulator ??= createSimulator(this.options.simulator);
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
    // The moment chooses the noise, so that no two pictures share it, before and after a restart.
    const frameNumber = mixSeeds(Math.floor(capturedAtUs / 2 ** 32), capturedAtUs % 2 ** 32);
    const picture = simulator.render(elapsedSeconds, frameNumber);
    const settings = { chip: simulator.chip.type, elapsed_seconds: Math.round(elapsedSeconds * 1000) / 1000 };
    return { picture, ...moment, settings, warnings: [] };
  }

  async close(): Promise<void> {
    this.simulator = undefined;
  }
}
