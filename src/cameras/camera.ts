// The registry of cameras, which maps a camera's type to its source. A new camera is one file next to this one, one row in
// CAMERAS, and its name in src/config/camera-section.ts; docs/adding-a-camera.md shows a complete one.
import type { CameraType, Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import type { ImageAxes } from "../image/image-axes.ts";
import type { FrameSize } from "../image/raw-pixels.ts";
import { CaptureTimes } from "../image/times/capture-times.ts";
import { wallClockUs } from "../system/clock.ts";
import { CommandCamera } from "./command.ts";
import { configuredPages, configuredSubset, configuredTimes } from "./configured-files.ts";
import { Dummy } from "./dummy.ts";
import { FileImporter } from "./file-importer.ts";
import { Folder } from "./folder.ts";
import type { Source } from "./frame.ts";
import type { TakenFile } from "./grown-file.ts";
import { RpicamCamera } from "./rpicam.ts";
import { SimulatedCamera, simulatorOptions } from "./simulated.ts";
import { captureClock } from "./timestamp.ts";
import { type DriverSettings, V4l2Camera } from "./v4l2.ts";

/** The settings of a source: plain data, so that it can be sent to a thread. */
export interface SourceSettings {
  /** [Camera]; for a brightfield image with the settings of [Brightfield] in place of its own. */
  readonly camera: Config["Camera"];
  /** All sections: a camera may have its own. */
  readonly config: Config;
  /** Start of the experiment, microseconds since the epoch, so that the simulated chip continues its curve after a restart. */
  readonly startedAtUs: number | undefined;
}

/** Functions that only the capturing process can provide to a source. */
export interface SourceContext {
  /** Whether an image of this name has been taken already. */
  readonly isKnown?: (filename: string) => boolean;
  /** Returns what an earlier run took under this name. */
  readonly takenBefore?: (filename: string) => TakenFile | undefined;
  /** Returns what was recorded about a file that is used in place. */
  readonly takenInPlace?: (filename: string) => TakenFile | undefined;
  /** Returns the channel, plane and position that the experiment's frames are of. */
  readonly seriesBefore?: () => ImageAxes | undefined;
  /** Called while a large file is read. */
  readonly progress?: () => void;
  /** Wall clock in microseconds, for tests. */
  readonly nowUs?: () => number;
}

/** Special properties of a camera's pictures, for code that treats them differently. */
export interface Capabilities {
  /** It is the built-in simulated chip: phorest writes its ROI manifest and simulates its thermometers. */
  readonly simulated: boolean;
  /** Pictures are files from other programs: they appear at any time and are dated by another clock. */
  readonly files: boolean;
  /** Files are in the data directory from the start, and may be the only copies. */
  readonly inPlace: boolean;
  /** `phorest cameras` finds it without settings, with the program that takes its images. */
  readonly listed: boolean;
}

/** A row of the registry. */
interface CameraDefinition {
  readonly capabilities: Capabilities;
  /** Creates the source without accessing a device. */
  create(settings: SourceSettings, context: SourceContext): Source;
}

/** Takes pictures itself, on request. */
const DEVICE: Capabilities = { simulated: false, files: false, inPlace: false, listed: false };

/** Default values of a preset, used if the configuration does not set them. */
interface Preset {
  readonly pixelFormat?: string;
  readonly size?: FrameSize;
  readonly vflip?: boolean;
}

const v4l2 = (preset: Preset = {}): CameraDefinition => ({
  capabilities: { ...DEVICE, listed: true },
  create: ({ camera }, context) =>
    new V4l2Camera({
      device: devicePath(camera),
      pixelFormat: camera.pixel_format ?? preset.pixelFormat,
      size: sizeOf(camera) ?? preset.size,
      settings: driverSettings(camera),
      controls: camera.controls,
      warmUpFrames: camera.warm_up_frames,
      ...limits(camera, context),
    }),
});

const rpicam = (preset: Preset = {}): CameraDefinition => ({
  capabilities: { ...DEVICE, listed: true },
  create: ({ camera }, context) =>
    new RpicamCamera({
      camera: camera.camera_id,
      size: sizeOf(camera) ?? preset.size,
      settings: driverSettings(camera),
      vflip: camera.vflip ?? preset.vflip ?? false,
      extraArgs: camera.rpicam_args,
      ...limits(camera, context),
    }),
});

const CAMERAS: Readonly<Record<CameraType, CameraDefinition>> = {
  simulated: {
    capabilities: { ...DEVICE, simulated: true },
    create: ({ config, startedAtUs }, context) =>
      new SimulatedCamera({
        simulator: simulatorOptions(config),
        textureFiles: config.Simulation.texture,
        startedAtUs,
        clock: clockOf(context),
      }),
  },
  dummy: {
    capabilities: DEVICE,
    create: ({ camera }, context) =>
      new Dummy({ replayPath: camera.dummy_path, ...chosenFiles(camera), clock: clockOf(context) }),
  },
  file_importer: {
    capabilities: { ...DEVICE, files: true, inPlace: true },
    create: ({ camera, config }, { isKnown = () => false, takenInPlace, seriesBefore }) =>
      new FileImporter({
        dataDir: config.Paths.data_dir,
        isKnown,
        takenInPlace,
        seriesBefore,
        followLinks: camera.follow_links,
        ...chosenFiles(camera),
      }),
  },
  folder: {
    capabilities: { ...DEVICE, files: true },
    create: ({ camera }, { progress, seriesBefore, takenBefore = () => undefined }) =>
      new Folder({
        watchDir: needed(camera.watch_dir, "folder", "Camera.watch_dir"),
        stableSeconds: camera.folder_stable_seconds,
        followLinks: camera.follow_links,
        takenBefore,
        seriesBefore,
        progress,
        ...chosenFiles(camera),
      }),
  },
  v4l2: v4l2(),
  tis: v4l2({ pixelFormat: "GREY", size: { width: 4000, height: 3000 } }),
  argus: v4l2(),
  logitech: v4l2({ pixelFormat: "YUYV" }),
  rpicam: rpicam(),
  hawkeye: rpicam({ size: { width: 9152, height: 6944 }, vflip: true }),
  command: {
    capabilities: DEVICE,
    create: ({ camera }, context) =>
      new CommandCamera({
        command: camera.command,
        format: camera.command_format,
        size: sizeOf(camera),
        camera: camera.camera_id,
        settings: driverSettings(camera),
        ...limits(camera, context),
      }),
  },
};

/** Creates the source of the configured camera without accessing a device. Failure usage.invalid for a missing setting. */
export function createSource(settings: SourceSettings, context: SourceContext = {}): Source {
  return CAMERAS[settings.camera.camera_type].create(settings, context);
}

const isCameraType = (type: string): type is CameraType => Object.hasOwn(CAMERAS, type);

/**
 * Returns the special properties of a camera type. A type that this version does not know, as in an old run, counts as a
 * device.
 */
export function capabilitiesOf(type: string): Capabilities {
  return isCameraType(type) ? CAMERAS[type].capabilities : DEVICE;
}

/** Camera types whose pictures are files from other programs. */
export const FILE_CAMERAS: ReadonlySet<string> = new Set(
  Object.keys(CAMERAS).filter((type) => capabilitiesOf(type).files),
);

/**
 * Returns the settings of the source from the configuration. `startedAtUs`: start of the experiment. With `brightfield` the
 * settings of [Brightfield] replace those of the camera.
 */
export function sourceSettings(config: Config, startedAtUs?: number, brightfield = false): SourceSettings {
  return { camera: brightfield ? brightfieldCamera(config) : config.Camera, config, startedAtUs };
}

function brightfieldCamera({ Camera, Brightfield }: Config): Config["Camera"] {
  const id = Brightfield.camera_id ?? Camera.camera_id;
  // The device path belongs to the camera of the frames.
  return { ...Camera, ...Brightfield, camera_id: id, device: id === Camera.camera_id ? Camera.device : undefined };
}

const BY_ID = "/dev/v4l/by-id/";

function devicePath({ device, camera_id: id }: Config["Camera"]): string {
  if (device === undefined) return `/dev/video${id}`;
  return device.includes("/") ? device : `${BY_ID}${device}`;
}

function sizeOf({ width, height }: Config["Camera"]): FrameSize | undefined {
  return width === undefined || height === undefined ? undefined : { width, height };
}

function driverSettings(camera: Config["Camera"]): DriverSettings {
  return {
    exposure: camera.camera_exposure,
    gain: camera.camera_gain,
    brightness: camera.camera_brightness,
    contrast: camera.camera_contrast,
  };
}

/** Returns which frames of files are taken, and the source of their times. */
function chosenFiles(camera: Config["Camera"]) {
  return {
    subset: configuredSubset(camera),
    pages: configuredPages(camera),
    times: new CaptureTimes(configuredTimes(camera)),
  };
}

const clockOf = ({ nowUs = wallClockUs }: SourceContext) => captureClock(nowUs);

function limits({ timeout_seconds }: Config["Camera"], context: SourceContext) {
  return { timeoutMs: timeout_seconds * 1000, clock: clockOf(context) };
}

function needed(value: string | undefined, camera: string, key: string): string {
  if (value !== undefined && value !== "") return value;
  throw new Failure("usage.invalid", `camera type "${camera}" needs ${key}`, { hint: "set it in the configuration" });
}
