// The registry of cameras: from a camera's type to its source. A new camera is one file next to this one and one row
// in CAMERAS; docs/adding-a-camera.md shows a whole one.
import type { CameraType, Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import type { PageChoice } from "../image/chosen-pages.ts";
import type { FrameSubset } from "../image/frame-subset.ts";
import type { FrameSize } from "../image/raw-pixels.ts";
import { CaptureTimes, type TimesOptions } from "../image/times/capture-times.ts";
import type { SimulatorOptions } from "../simulator/simulator.ts";
import { wallClockUs } from "../system/clock.ts";
import { usFromIso } from "../system/iso-time.ts";
import { CommandCamera } from "./command.ts";
import { Dummy } from "./dummy.ts";
import { FileImporter } from "./file-importer.ts";
import { Folder } from "./folder.ts";
import type { Source } from "./frame.ts";
import { RpicamCamera } from "./rpicam.ts";
import { SimulatedCamera, simulatorOptions } from "./simulated.ts";
import { captureClock } from "./timestamp.ts";
import { type CameraSettings, V4l2Camera } from "./v4l2.ts";
import type { TakenFile } from "./watched-file.ts";

/** What any camera may need, as plain data but for the functions; each takes its own part. */
export interface SourceOptions {
  readonly type: string;
  /** Number of the device. */
  readonly id?: number;
  /** v4l2: a path, or a name under /dev/v4l/by-id; absent: /dev/video<id>. */
  readonly device?: string | undefined;
  readonly size?: FrameSize | undefined;
  readonly pixelFormat?: string | undefined;
  readonly settings?: CameraSettings;
  /** v4l2: further controls of the driver. */
  readonly controls?: Readonly<Record<string, number>>;
  readonly warmUpFrames?: number;
  /** rpicam: upside down. */
  readonly vflip?: boolean | undefined;
  readonly rpicamArgs?: readonly string[];
  /** command: program and arguments, and what it writes. */
  readonly command?: readonly string[];
  readonly commandFormat?: string;
  /** Longest time one capture may take. */
  readonly timeoutMs?: number;
  /** file_importer: the directory whose pictures count as captured. */
  readonly dataDir?: string;
  /** folder: the directory another program writes to. */
  readonly watchDir?: string | undefined;
  /** folder: a file untouched for so long is complete. */
  readonly stableSeconds?: number;
  /** dummy: picture or directory to replay; absent: a built-in picture. */
  readonly replayPath?: string | undefined;
  /** folder, file_importer, dummy: which of the pictures are taken. */
  readonly subset?: FrameSubset | undefined;
  /** folder, file_importer: which pages of files with several pictures are frames. */
  readonly pages?: PageChoice | undefined;
  /** file_importer: whether a picture of this name has been taken already. */
  readonly isKnown?: (filename: string) => boolean;
  /** folder, file_importer: use links to pictures, too. */
  readonly followLinks?: boolean;
  /** folder, file_importer: a table of the times of capture, and a pattern of the times in names. */
  readonly times?: TimesOptions;
  /** folder: what an earlier run took under this name. */
  readonly takenBefore?: (filename: string) => TakenFile | undefined;
  /** folder: called while a large file is read. */
  readonly progress?: () => void;
  readonly simulator?: SimulatorOptions | undefined;
  /** simulated: pictures of measured ROIs whose speckle the simulated ones get. */
  readonly textureFiles?: readonly string[] | undefined;
  /** simulated: when the experiment began, microseconds since the epoch, so that a restart continues its curve. */
  readonly startedAtUs?: number | undefined;
  /** Wall clock in microseconds, for tests. */
  readonly nowUs?: () => number;
}

/** What is special about the pictures of a camera, for all who treat them differently. */
export interface Capabilities {
  /** Computed: no camera takes them. */
  readonly simulated: boolean;
  /** Files that other programs wrote: they come when somebody makes them and are dated by another clock. */
  readonly files: boolean;
  /** Files that are in the data directory from the beginning, and may be somebody's only ones. */
  readonly inPlace: boolean;
}

/** A row of the registry. */
interface CameraDefinition {
  readonly capabilities: Capabilities;
  /** Makes the source; touches no device. */
  create(options: SourceOptions): Source;
}

/** Takes pictures itself, when it is asked to. */
const DEVICE: Capabilities = { simulated: false, files: false, inPlace: false };

const DEFAULT_STABLE_SECONDS = 2;
const DEFAULT_TIMEOUT_MS = 30_000;

const v4l2 = (options: SourceOptions, preset: Pick<SourceOptions, "pixelFormat" | "size"> = {}): Source =>
  new V4l2Camera({
    device: devicePath(options),
    pixelFormat: options.pixelFormat ?? preset.pixelFormat,
    size: options.size ?? preset.size,
    settings: options.settings ?? {},
    controls: options.controls ?? {},
    warmUpFrames: options.warmUpFrames ?? 0,
    ...limits(options),
  });

const rpicam = (options: SourceOptions, preset: Pick<SourceOptions, "size" | "vflip"> = {}): Source =>
  new RpicamCamera({
    camera: options.id ?? 0,
    size: options.size ?? preset.size,
    settings: options.settings ?? {},
    vflip: options.vflip ?? preset.vflip ?? false,
    extraArgs: options.rpicamArgs ?? [],
    ...limits(options),
  });

const CAMERAS: Readonly<Record<CameraType, CameraDefinition>> = {
  simulated: {
    capabilities: { ...DEVICE, simulated: true },
    create: ({ simulator, textureFiles, startedAtUs, nowUs }) =>
      new SimulatedCamera({ simulator, textureFiles, startedAtUs, clock: captureClock(nowUs ?? wallClockUs) }),
  },
  dummy: {
    capabilities: DEVICE,
    create: ({ replayPath, subset, times, nowUs }) =>
      new Dummy({ replayPath, subset, times: new CaptureTimes(times), clock: captureClock(nowUs ?? wallClockUs) }),
  },
  file_importer: {
    capabilities: { ...DEVICE, files: true, inPlace: true },
    create: (options) => {
      const dataDir = needed(options.dataDir, "file_importer", "Paths.data_dir");
      const { followLinks, subset, pages, isKnown = () => false } = options;
      return new FileImporter({ dataDir, isKnown, followLinks, subset, pages, times: new CaptureTimes(options.times) });
    },
  },
  folder: {
    capabilities: { ...DEVICE, files: true },
    create: (options) => {
      const watchDir = needed(options.watchDir, "folder", "Camera.watch_dir");
      const stableSeconds = options.stableSeconds ?? DEFAULT_STABLE_SECONDS;
      const { followLinks, subset, pages, progress, takenBefore = () => undefined } = options;
      const times = new CaptureTimes(options.times);
      return new Folder({ watchDir, stableSeconds, takenBefore, followLinks, times, subset, pages, progress });
    },
  },
  v4l2: { capabilities: DEVICE, create: v4l2 },
  tis: {
    capabilities: DEVICE,
    create: (options) => v4l2(options, { pixelFormat: "GREY", size: { width: 4000, height: 3000 } }),
  },
  argus: { capabilities: DEVICE, create: (options) => v4l2(options) },
  logitech: { capabilities: DEVICE, create: (options) => v4l2(options, { pixelFormat: "YUYV" }) },
  rpicam: { capabilities: DEVICE, create: rpicam },
  hawkeye: {
    capabilities: DEVICE,
    create: (options) => rpicam(options, { size: { width: 9152, height: 6944 }, vflip: true }),
  },
  command: {
    capabilities: DEVICE,
    create: (options) =>
      new CommandCamera({
        command: options.command ?? [],
        format: options.commandFormat ?? "picture",
        size: options.size,
        camera: options.id ?? 0,
        settings: options.settings ?? {},
        ...limits(options),
      }),
  },
};

/** The source of a camera type; touches no device. Failure usage.invalid for an unknown type or a missing setting. */
export function createSource(options: SourceOptions): Source {
  if (isCameraType(options.type)) return CAMERAS[options.type].create(options);
  throw new Failure("usage.invalid", `unknown camera type "${options.type}"`, {
    hint: `Camera.camera_type can be ${Object.keys(CAMERAS).join(", ")}`,
  });
}

const isCameraType = (type: string): type is CameraType => Object.hasOwn(CAMERAS, type);

/** What is special about the pictures of a camera type. One that this version does not know, as an old run may have, is a device. */
export function capabilitiesOf(type: string): Capabilities {
  return isCameraType(type) ? CAMERAS[type].capabilities : DEVICE;
}

/** Types whose pictures are files that other programs wrote. */
export const FILE_CAMERAS: ReadonlySet<string> = new Set(
  Object.keys(CAMERAS).filter((type) => capabilitiesOf(type).files),
);

/** Options that can cross to a thread. */
export type PlainSourceOptions = Omit<SourceOptions, "isKnown" | "takenBefore" | "progress" | "nowUs">;

/**
 * What a source needs of the configuration, as plain data. `startedAtUs`: when the experiment began. With `brightfield`
 * the settings are those of [Brightfield].
 */
export function sourceSettings(config: Config, startedAtUs?: number, brightfield = false): PlainSourceOptions {
  const { Camera: camera, Paths: paths } = config;
  const chosen = brightfield ? config.Brightfield : camera;
  const { width, height } = camera;
  const { simulated } = capabilitiesOf(camera.camera_type);
  return {
    type: camera.camera_type,
    id: chosen.camera_id ?? camera.camera_id,
    device: chosen.camera_id === camera.camera_id || !brightfield ? camera.device : undefined,
    size: width === undefined || height === undefined ? undefined : { width, height },
    pixelFormat: camera.pixel_format,
    settings: {
      exposure: chosen.camera_exposure,
      gain: chosen.camera_gain,
      brightness: chosen.camera_brightness,
      contrast: chosen.camera_contrast,
    },
    controls: camera.controls,
    warmUpFrames: camera.warm_up_frames,
    vflip: camera.vflip,
    rpicamArgs: camera.rpicam_args,
    command: camera.command,
    commandFormat: camera.command_format,
    timeoutMs: camera.timeout_seconds * 1000,
    dataDir: paths.data_dir,
    watchDir: camera.watch_dir,
    stableSeconds: camera.folder_stable_seconds,
    followLinks: camera.follow_links,
    times: { table: camera.times_file, names: camera.name_time },
    replayPath: camera.dummy_path,
    subset: configuredSubset(camera),
    pages: { channel: camera.channel, z: camera.z, position: camera.position },
    simulator: simulated ? simulatorOptions(config) : undefined,
    textureFiles: simulated ? config.Simulation.texture : undefined,
    startedAtUs,
  };
}

/** Which frames of a file source are taken, as configured. */
export function configuredSubset({ every, from, to, limit }: Config["Camera"]): FrameSubset {
  const us = (text: string | undefined) => (text === undefined ? undefined : usFromIso(text, "utc"));
  return { every, fromUs: us(from), toUs: us(to), limit: limit === 0 ? undefined : limit };
}

const BY_ID = "/dev/v4l/by-id/";

function devicePath({ device, id }: SourceOptions): string {
  if (device === undefined) return `/dev/video${id ?? 0}`;
  return device.includes("/") ? device : `${BY_ID}${device}`;
}

function limits({ timeoutMs, nowUs }: SourceOptions): { timeoutMs: number; clock: () => number } {
  return { timeoutMs: timeoutMs ?? DEFAULT_TIMEOUT_MS, clock: captureClock(nowUs ?? wallClockUs) };
}

function needed(value: string | undefined, camera: string, key: string): string {
  if (value !== undefined && value !== "") return value;
  throw new Failure("usage.invalid", `camera type "${camera}" needs ${key}`, { hint: "set it in the configuration" });
}
