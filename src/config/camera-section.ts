// The settings of cameras and thermometers: sections [Camera], [Brightfield] and [Temperature].
import * as z from "zod";
import { FEWEST_BITS, MOST_BITS } from "../measurement/method.ts";
import { usFromIso } from "../system/iso-time.ts";
import { isNamePattern } from "../system/name-pattern.ts";
import {
  BESIDE_FILE,
  byShownName,
  choice,
  field,
  optionalText,
  path,
  positive,
  SECONDS,
  section,
  shownName,
  texts,
  whole,
} from "./field.ts";

/** The sources of images; src/cameras/camera.ts has the code of each. */
export const CAMERA_TYPES = [
  "simulated",
  "dummy",
  "file_importer",
  "folder",
  "v4l2",
  "tis",
  "argus",
  "logitech",
  "rpicam",
  "hawkeye",
  "command",
] as const;
export type CameraType = (typeof CAMERA_TYPES)[number];

/** What parts of the program that never load the code of a camera must know of its images. */
interface CameraFacts {
  /** Reads images from files, of which a part can be chosen (`every`, `from`, `to`, `limit`). */
  readonly readsFiles: boolean;
  /**
   * Two images may be equal to the last bit. No sensor gives two equal images, because each has its own noise: where this is
   * false, equal images raise the alarm `camera.frozen`.
   */
  readonly mayRepeat: boolean;
}

const TAKES_IMAGES: CameraFacts = { readsFiles: false, mayRepeat: false };

export const CAMERA_FACTS: Readonly<Record<CameraType, CameraFacts>> = {
  // The simulated chip can be set to have no noise.
  simulated: { readsFiles: false, mayRepeat: true },
  dummy: { readsFiles: true, mayRepeat: true },
  file_importer: { readsFiles: true, mayRepeat: true },
  // The files come from the camera of another program, as they are taken.
  folder: { readsFiles: true, mayRepeat: false },
  v4l2: TAKES_IMAGES,
  tis: TAKES_IMAGES,
  argus: TAKES_IMAGES,
  logitech: TAKES_IMAGES,
  rpicam: TAKES_IMAGES,
  hawkeye: TAKES_IMAGES,
  command: TAKES_IMAGES,
};

const TRANSFORMS = [
  "NONE",
  "HORIZONTAL_FLIP",
  "VERTICAL_FLIP",
  "ROTATE_90_CLOCKWISE",
  "ROTATE_90_COUNTERCLOCKWISE",
  "ROTATE_180",
] as const;

/** System timers support at most 24 days. */
const DAY = 86_400;

const seconds = (of: number, most?: number) => (most === undefined ? positive() : positive().max(most)).default(of);
const bits = whole(0, MOST_BITS).refine((value) => value === 0 || value >= FEWEST_BITS, {
  error: `expected 0 or ${FEWEST_BITS} to ${MOST_BITS}`,
});
const namePatternText = () =>
  z
    .string()
    .refine(
      (text) => isNamePattern(text),
      "needs a date and an hour (%Y%m%d %H), %s, %Q or a counter (%{s}, %{ms}, %{us})",
    );
const cameraNumber = () => z.number().optional();
const transform = choice(TRANSFORMS, { rotate_90: "ROTATE_90_CLOCKWISE", rotate_270: "ROTATE_90_COUNTERCLOCKWISE" });
const DRIVER = { none: "the driver's default", example: 0.5 };
const CAMERAS = { none: "the value of [Camera]", example: 0.5 };
const SIZE = { none: "as in the preset, else the largest size of the camera" };

/** A time as a string, or as an unquoted TOML date. */
const moment = () =>
  z.preprocess(
    (given) => (given instanceof Date ? given.toISOString() : given),
    z
      .string()
      .refine((text) => usFromIso(text, "utc") !== undefined, "expected an ISO 8601 time")
      .optional(),
  );
const MOMENT = {
  allowed: "a time such as 2026-03-04T05:06:07Z; UTC unless it names its zone",
  example: "2026-03-04T05:06:07Z",
};

const STACKS = "Files with several images of several kinds (OME-TIFF, ImageJ, Micro-Manager):";
const COUNTED = "counted from 0; images of others are left out and counted";
const FIRST = { none: "the first", example: 1 };

export const Camera = section("The camera", {
  camera_type: field(
    choice(CAMERA_TYPES).default("simulated"),
    "Where images come from; tis, argus and logitech are presets of v4l2, hawkeye of rpicam",
  ),
  camera_id: field(whole(0).default(0), "Number of the device"),
  camera_exposure: field(cameraNumber(), "Exposure, passed to the driver as written", DRIVER),
  camera_gain: field(cameraNumber(), "Gain, passed to the driver as written", DRIVER),
  camera_brightness: field(cameraNumber(), "Brightness, passed to the driver as written", DRIVER),
  camera_contrast: field(cameraNumber(), "Contrast, passed to the driver as written", DRIVER),
  bits: field(
    bits.default(0),
    "Number of bits of the camera's samples in 16-bit images, 8 to 16, in the low or the high bits; 0 recognises it from the images",
    { unit: "bits" },
  ),
  dark_level: field(
    z.union([z.number().min(0).max(65_535), path().min(1)]).optional(),
    'Value of a pixel without light, for tracking: counts, "auto" (the darkest places of each image outside the ROIs), or an image made by `phorest capture --dark`',
    {
      ...BESIDE_FILE,
      words: ["auto"],
      unit: "counts of the stored image",
      none: "unknown: tracking estimates it from the speckle, and does not remove gradients of the light",
      example: "auto",
      allowed: 'a number from 0 to 65535, "auto", or the path of a dark image',
    },
  ),
  camera_transform: field(
    transform.default("NONE"),
    "Rotation or flip applied to every image; ROTATE_90 and ROTATE_270 mean clockwise and counter-clockwise",
  ),
  device: field(
    optionalText(),
    "v4l2: path of the device, or its name under /dev/v4l/by-id, which stays the same after replugging",
    {
      none: "/dev/video and camera_id",
      example: "/dev/v4l/by-id/usb-The_Imaging_Source_DMK_33-video-index0",
    },
  ),
  pixel_format: field(
    choice(["Y16", "Y14", "Y12", "Y10", "GREY", "YUYV", "UYVY", "NV12", "YU12", "MJPG"]).optional(),
    "v4l2: pixel format requested from the camera",
    {
      none: "as in the preset, else the format with the most gray levels",
      example: "GREY",
    },
  ),
  width: field(whole(1, 65_535).optional(), "Width of the image; only together with height", {
    unit: "px",
    ...SIZE,
    example: 1920,
  }),
  height: field(whole(1, 65_535).optional(), "Height of the image; only together with width", {
    unit: "px",
    ...SIZE,
    example: 1200,
  }),
  warm_up_frames: field(whole(0, 1000).default(3), "v4l2: number of frames discarded before the one that is kept", {
    unit: "frames",
  }),
  vflip: field(z.boolean().optional(), "rpicam: whether the image is turned upside down", {
    none: "true for hawkeye, as in the established system; else false",
    example: true,
  }),
  rpicam_args: field(texts().default([]), "rpicam: additional arguments for rpicam-still"),
  command: field(
    texts().default([]),
    "command: program and arguments; {exposure}, {gain}, {brightness}, {contrast} and {id} are replaced by the settings",
  ),
  command_format: field(
    choice(["picture", "Y16", "Y14", "Y12", "Y10", "GREY", "YUYV", "UYVY", "NV12", "YU12"]).default("picture"),
    "command: what the program writes: an encoded image (picture), or one raw frame of width x height",
  ),
  format: field(
    choice(["png", "tiff", "bmp"]).default("png"),
    "Format of the stored images, all lossless; images of more than 8 bits are stored as tiff instead of bmp",
  ),
  timeout_seconds: field(seconds(30, DAY), "Time limit of one capture", SECONDS),
  dummy_path: field(optionalText(), "dummy: image or directory of images to replay", {
    ...BESIDE_FILE,
    none: "a built-in image of the simulated chip",
    example: "pictures",
  }),
  watch_dir: field(optionalText(), "folder: directory to watch for new images", {
    ...BESIDE_FILE,
    none: "required by camera_type folder",
    example: "incoming",
  }),
  follow_links: field(
    z.boolean().default(false),
    "folder and file_importer: whether to use symbolic links to images; false skips links in watch_dir and data_dir and names them",
  ),
  every: field(
    whole(1).default(1),
    "folder, file_importer and dummy: take the first image and every N-th after it; counted after from and to",
    { unit: "images" },
  ),
  from: field(moment().optional(), "folder, file_importer and dummy: take images from this time on", {
    ...MOMENT,
    none: "from the first",
  }),
  to: field(moment().optional(), "folder, file_importer and dummy: take images up to this time", {
    ...MOMENT,
    none: "to the last",
  }),
  limit: field(
    whole(0).default(0),
    "folder, file_importer and dummy: number of images to take at most; 0 means no limit",
    {
      unit: "images",
    },
  ),
  channel: field(whole(0).optional(), `${STACKS} the channel that is measured, ${COUNTED}`, FIRST),
  z: field(whole(0).optional(), `${STACKS} the plane that is measured, ${COUNTED}`, FIRST),
  position: field(
    z.union([whole(0), z.string().trim().min(1)]).optional(),
    `${STACKS} the position that is measured, ${COUNTED}; or its name`,
    { ...FIRST, allowed: 'a whole number from 0, or a name such as "Pos1"' },
  ),
  folder_stable_seconds: field(
    seconds(2),
    "folder: time after which a file whose size has not changed counts as complete",
    SECONDS,
  ),
  name_time: field(
    namePatternText().optional(),
    "folder and file_importer: where the names of images have the time of capture, for images without metadata that have it: %Y %m %d %H %M %S %f (fraction of the second) %j (day of the year) %z (zone, else UTC), %s and %Q (seconds and milliseconds since 1970), %{s} %{ms} %{us} (counters from the start of the series); * is any text",
    {
      none: "the names of own captures, image_YYYYMMDD_HHMMSS_ffffff_camN",
      example: "%Y-%m-%d_%H%M%S_%f",
      allowed: "a pattern of names, with a date and an hour, %s, %Q or a counter",
    },
  ),
  times_file: field(
    optionalText(),
    "folder and file_importer: CSV file with the times of capture: columns file, page (if wanted), and time or elapsed (seconds)",
    { ...BESIDE_FILE, none: "times come from the images' metadata and names", example: "times.csv" },
  ),
  controls: field(
    z.record(z.string().regex(/^\w+$/), z.number()).default({}),
    "v4l2: further controls, by the names that `phorest cameras` prints",
    {
      none: "no others",
      example: { gamma: 100 },
      allowed: "a table of control = number",
    },
  ),
});

export const Temperature = section("Thermometers (Services.enable_thermocouple)", {
  interval_seconds: field(seconds(10), "Time between readings; the one nearest to an image is stored with it", SECONDS),
  // TOML requires tables to be last in a section.
  thermocouple_sensors: field(
    z.record(z.string(), shownName()).default({}),
    "1-Wire sensors: serial number = name shown",
    { none: "no sensors", example: { "28-0123456789ab": "Flow cell" }, allowed: 'a table of "serial number" = "name"' },
  ),
  hwmon_sensors: field(
    z.record(z.string(), shownName()).default({}),
    "Thermometers of the computer: chip/label as listed by `phorest sensors` = name to show",
    { none: "no sensors", example: { "cpu_thermal/temp1": "Computer" }, allowed: 'a table of "chip/label" = "name"' },
  ),
  command_sensors: field(
    byShownName(texts()).default({}),
    "Programs that print a number: name to show = program and arguments",
    {
      none: "no sensors",
      example: { Room: ["read-room-sensor", "--celsius"] },
      allowed: 'a table of "name" = ["program", "argument"]',
    },
  ),
});

export const Brightfield = section("Brightfield images: settings that replace those of [Camera]", {
  camera_id: field(whole(0).optional(), "Number of the device", { ...CAMERAS, example: 1 }),
  camera_exposure: field(cameraNumber(), "Exposure", CAMERAS),
  camera_gain: field(cameraNumber(), "Gain", CAMERAS),
  camera_brightness: field(cameraNumber(), "Brightness", CAMERAS),
  camera_contrast: field(cameraNumber(), "Contrast", CAMERAS),
  every_n: field(whole(1).default(1), "Number of captures after which a brightfield image follows", {
    unit: "captures",
  }),
  keep: field(
    whole(0).default(1000),
    "Number of brightfield images kept here; phorest removes the oldest first, with a share only after they are copied there. 0 keeps all",
    { unit: "images" },
  ),
});
