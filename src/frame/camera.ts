// The registry of cameras: from a camera's type to its source. A new camera is one file beside this one and one line
// in SOURCES. The simulated camera, little more than the simulator, lives here.
import { formatRoiManifest } from "../analysis/roi.ts";
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure.ts";
import { Dummy } from "./dummy.ts";
import { FileImporter } from "./file-importer.ts";
import { Folder } from "./folder.ts";
import { type CapturedFrame, captureClock, type Source, wallClockUs } from "./frame.ts";
import { mixSeeds } from "./noise.ts";
import { createSimulator, type Simulator, type SimulatorOptions } from "./simulator.ts";

/** What any camera may need; each takes its own part. */
export interface SourceOptions {
  readonly type: string;
  /** file_importer: the directory whose pictures count as captured. */
  readonly dataDir?: string;
  /** folder: the directory another program writes to. */
  readonly watchDir?: string;
  /** folder: a file untouched for so long is complete. */
  readonly stableSeconds?: number;
  /** dummy: picture or directory to replay; absent: a built-in picture. */
  readonly replayPath?: string;
  /** file_importer, folder: whether a picture of this name has been taken already. */
  readonly isKnown?: (filename: string) => boolean;
  readonly simulator?: SimulatorOptions;
  /** simulated: when the experiment began, microseconds since the epoch, so that a restart continues its curve. */
  readonly startedAtUs?: number;
  /** Wall clock in microseconds, for tests. */
  readonly nowUs?: () => number;
}

const DEFAULT_STABLE_SECONDS = 2;

const SOURCES: Readonly<Record<string, (options: SourceOptions) => Source>> = {
  simulated: (options) => new SimulatedCamera(options),
  dummy: ({ replayPath, nowUs }) => new Dummy({ replayPath, clock: captureClock(nowUs ?? wallClockUs) }),
  file_importer: (options) => {
    const dataDir = needed(options.dataDir, "file_importer", "Paths.data_dir");
    return new FileImporter({ dataDir, isKnown: options.isKnown ?? nothingKnown });
  },
  folder: (options) => {
    const watchDir = needed(options.watchDir, "folder", "Camera.watch_dir");
    const stableSeconds = options.stableSeconds ?? DEFAULT_STABLE_SECONDS;
    return new Folder({ watchDir, stableSeconds, isKnown: options.isKnown ?? nothingKnown });
  },
};

/** Cameras of existing configuration files that this version cannot drive yet. */
const NOT_YET = ["argus", "tis", "logitech", "hawkeye", "v4l2", "rpicam", "command"];

/** The source of a camera type; touches no device. Failure usage.invalid for an unknown or not yet available type. */
export function createSource(options: SourceOptions): Source {
  const make = Object.hasOwn(SOURCES, options.type) ? SOURCES[options.type] : undefined;
  if (make !== undefined) return make(options);
  const known = NOT_YET.includes(options.type);
  const what = known ? `camera type "${options.type}" is not available yet` : `unknown camera type "${options.type}"`;
  throw new Failure("usage.invalid", what, { hint: `Camera.camera_type can be ${Object.keys(SOURCES).join(", ")}` });
}

/** What a source needs of the configuration, as plain data. `startedAtUs`: when the experiment began. */
export function sourceSettings(config: Config, startedAtUs?: number): Omit<SourceOptions, "isKnown" | "nowUs"> {
  const { Camera: camera, Paths: paths } = config;
  return {
    type: camera.camera_type,
    dataDir: paths.data_dir,
    watchDir: camera.watch_dir,
    stableSeconds: camera.folder_stable_seconds,
    replayPath: camera.dummy_path,
    simulator: camera.camera_type === "simulated" ? simulatorOptions(config) : undefined,
    startedAtUs,
  };
}

/** The ROI manifest file of the simulated chip that `config` describes. */
export function simulatedRoiManifest(config: Pick<Config, "Simulation">): string {
  return formatRoiManifest(createSimulator(simulatorOptions(config)).roiManifest());
}

/** Direction in which the simulated chip drifts: mostly along the ROIs, a little across. */
const DRIFT_DIRECTION = { x: 0.8, y: 0.6 } as const;

function simulatorOptions({ Simulation: simulation }: Pick<Config, "Simulation">): SimulatorOptions {
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

class SimulatedCamera implements Source {
  private readonly options: SourceOptions;
  private readonly clock: () => number;
  private simulator: Simulator | undefined;
  private startedAtUs: number | undefined;

  constructor(options: SourceOptions) {
    this.options = options;
    this.clock = captureClock(options.nowUs ?? wallClockUs);
  }

  async open(): Promise<void> {
    this.simulator ??= createSimulator(this.options.simulator);
  }

  async capture(_signal: AbortSignal): Promise<CapturedFrame> {
    const { simulator } = this;
    if (simulator === undefined) {
      throw new Failure("camera.unavailable", "the simulated camera is not open", { retry: "later" });
    }
    const capturedAtUs = this.clock();
    this.startedAtUs ??= this.options.startedAtUs ?? capturedAtUs;
    // A clock set back before the start must not turn the experiment back.
    const elapsedSeconds = Math.max(0, (capturedAtUs - this.startedAtUs) / 1e6);
    // The moment chooses the noise, so that no two pictures share it, before and after a restart.
    const frameNumber = mixSeeds(Math.floor(capturedAtUs / 2 ** 32), capturedAtUs % 2 ** 32);
    const picture = simulator.render(elapsedSeconds, frameNumber);
    const settings = { chip: simulator.chip.type, elapsed_seconds: Math.round(elapsedSeconds * 1000) / 1000 };
    return { picture, capturedAtUs, settings, warnings: [] };
  }

  async close(): Promise<void> {
    this.simulator = undefined;
  }
}

function needed(value: string | undefined, camera: string, key: string): string {
  if (value !== undefined && value !== "") return value;
  throw new Failure("usage.invalid", `camera type "${camera}" needs ${key}`, { hint: "set it in the configuration" });
}

function nothingKnown(): boolean {
  return false;
}
