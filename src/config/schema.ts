// Every setting of the program: name, type, bounds, default, meaning. Section and key names are those of the
// established Phorest_config.toml; new settings are new keys. Nothing else in the program states a default.
import { z } from "zod";
import { BIT_DEPTH_SCALINGS, FANO_SIGNS, JOINT_LINES, METHODS, SAMPLINGS } from "../measurement/method.ts";
import { HOST_RULE, isHost } from "../system/host-name.ts";
import { Alarm } from "./alarm.ts";
import { Brightfield, Camera, Temperature } from "./camera-section.ts";
import { byShownName, choice, choices, key, optionalText, path, positive, section, texts, whole } from "./key.ts";
import { OPC_UA } from "./opcua.ts";
import { Simulation } from "./simulation-section.ts";

export type { CameraType } from "./camera-section.ts";

const seconds = (of: number) => positive().default(of);
const off = () => z.boolean().default(false);
/** Where results can go; each has its row in src/outputs/outputs.ts. */
export const OUTPUT_METHODS = ["CSV_PLOT", "OPC_UA"] as const;
export type OutputMethod = (typeof OUTPUT_METHODS)[number];
const outputs = choices(OUTPUT_METHODS);
const besides = choices(["tracking"], { least: 0 });
const S = { unit: "seconds" };
const IN_ROOT = { relativeTo: "root" } as const;
const BESIDE_FILE = { relativeTo: "file" } as const;

const Data_Analysis = section("How an image is measured", {
  method: key(
    choice(METHODS).default("gaussian"),
    "How the position of a resonance is found: row by row, by one line through all rows of an ROI (joint), or as a shift from a reference of the first frames (tracking)",
  ),
  joint_line: key(
    choice(JOINT_LINES).default("auto"),
    "Shape of the line for joint and tracking. auto chooses the one that fits the light of each ROI in its first frame without flags, and keeps it for the analysis",
  ),
  reference_frames: key(
    whole(1, 256).default(16),
    "Number of frames, the first without flags, that make the reference of tracking",
  ),
  also: key(
    besides.default([]),
    "What to measure in addition to the method: tracking adds a second position to every result, in columns at the end of the CSV",
  ),
  fano_sign: key(
    choice(FANO_SIGNS).default("canonical"),
    "Signs in the columns of fano: canonical means amplitude >= 0 and gamma > 0, established means those of the established system",
  ),
  number_of_subROIs: key(
    whole(0, 65_535).default(1),
    "Number of rows an ROI is reduced to before fitting; 0 fits every pixel row, as joint and tracking always do",
    {
      simulatedDefault: 10,
    },
  ),
  sampling: key(
    choice(SAMPLINGS).default("precise"),
    "How ROI pixels are interpolated: in full precision, or bit for bit as the established system does",
  ),
  bit_depth_scaling: key(
    choice(BIT_DEPTH_SCALINGS).default("stretch"),
    "How images of more than 8 bits are scaled: stretch scales each to its own range (as established), fixed scales all alike",
  ),
  track_drift: key(
    off(),
    "Whether the ROIs follow the chip when it moves in the image, as measured on its labels; needs sampling precise",
  ),
  workers: key(whole(0, 256).default(0), "Number of measuring threads; 0 means one for each processor core"),
  max_attempts: key(
    whole(1, 100).default(3),
    "Number of times the program may crash while a frame is measured, before this frame gets one last try, alone",
  ),
  batch_size: key(whole(1, 1024).default(16), "Number of frames taken from the queue at once"),
  frame_timeout_seconds: key(seconds(120), "Time limit for measuring one frame", S),
});

const Paths = section("Where files are", {
  root_dir: key(path().default("."), "Directory of the experiment's local data", BESIDE_FILE),
  remote_root_dir: key(
    path().default("remote"),
    "Directory on the share that the experiment is copied to; `phorest init-remote` prepares it",
    BESIDE_FILE,
  ),
  data_dir: key(path().default("data"), "Images and the database", IN_ROOT),
  results_dir: key(path().default("results"), "Results, CSV, plots and the health report", IN_ROOT),
  logs_dir: key(path().default("logs"), "A log for each stage", IN_ROOT),
  backup_dir: key(path().default("backup"), "Snapshots and the archive", IN_ROOT),
  continuous_capture_dir: key(
    path().default("continuous_capture"),
    "The image that `phorest preview` rewrites",
    BESIDE_FILE,
  ),
  brightfield_dir: key(path().default("bright"), "Brightfield images", BESIDE_FILE),
  roi_manifest_filename: key(path().default("ROI_manifest.json"), "Name of the ROI file in Assets.generated_files_dir"),
});

const Services = section("What a run does", {
  enable_camera: key(off(), "Whether a run captures images", { simulatedDefault: true }),
  enable_thermocouple: key(off(), "Whether a run reads the thermometers"),
  enable_brightfield: key(off(), "Whether a run captures brightfield images"),
  enable_file_backup: key(off(), "Whether a run makes snapshots, and archives finished frames"),
  enable_remote_sync: key(off(), "Whether a run copies files to the share and verifies them there"),
  enable_image_compression: key(off(), "Whether a run compresses measured images"),
  enable_service_health_check: key(off(), "Whether a run writes a health report into results_dir"),
});

const Timing = section("Intervals", {
  collector_interval_seconds: key(seconds(300), "Time between captures", { ...S, simulatedDefault: 2 }),
  processor_interval_seconds: key(seconds(2), "Longest time before the processor looks for frames to measure", S),
  communicator_interval_seconds: key(seconds(60), "Shortest time between two updates of the CSV", {
    ...S,
    simulatedDefault: 5,
  }),
  compress_interval_seconds: key(seconds(3600), "Time between two passes of the compressor", S),
  file_backup_interval_seconds: key(seconds(3600), "Time between backups", S),
  sync_interval_seconds: key(seconds(3600), "Time between two passes of copying to the share", S),
  health_interval_seconds: key(seconds(60), "Time between health reports (Services.enable_service_health_check)", S),
  log_file_interval_seconds: key(
    seconds(43200),
    "Time after which a new log file begins, rounded to a whole part of an hour or day (UTC)",
    S,
  ),
});

const Retries = section("Retries of the camera", {
  collector_failure_limit: key(whole(1).default(5), "Number of failures in a row after which the collector is faulted"),
  collector_retry_delay_seconds: key(
    z.number().min(0).default(2),
    "Delay before the first retry; also accepted under [Timing]",
    S,
  ),
  recover: key(
    z.boolean().default(true),
    "Whether a faulted collector is retried once a minute, so that it recovers by itself when the camera is back",
  ),
});

const Buffer = section("How many images are kept locally", {
  image_buffer_size: key(
    whole(0).default(0),
    "Number of images kept locally; beyond it phorest removes the oldest measured ones. 0 means no limit",
    { unit: "images" },
  ),
  max_bytes: key(whole(0).default(0), "Total size of the images kept locally; 0 means no limit", { unit: "bytes" }),
  min_free_bytes: key(
    z.union([z.literal("auto"), whole(0)]).default("auto"),
    'Free disk space to keep: below it, `when_full` applies. "auto" is the larger of 5 GB and 5 % of the disk, on a disk ' +
      "under 25 GB a fifth of it; 0 means none. Choose more than Storage.min_free_bytes",
    { allowed: '"auto", or a whole number of bytes, at least 0' },
  ),
  when_full: key(
    choice(["remove", "pause"]).default("remove"),
    'What to do below min_free_bytes: "remove" removes the oldest images that are measured and reported, "pause" stops capture',
  ),
});

const Compression = section("Compression of measured images (Services.enable_image_compression)", {
  level: key(whole(1, 9).default(6), "gzip level: 1 is fastest, 9 is smallest"),
  min_saving_percent: key(
    z.number().min(0).max(100).default(5),
    "An image that would shrink by less than this is not compressed; this is usual for PNG",
    { unit: "percent" },
  ),
});

const Backup = section("Backups (Services.enable_file_backup)", {
  keep: key(
    whole(1).default(10),
    "Number of snapshots kept, the newest; the archive does not count and is never removed",
    {
      unit: "snapshots",
    },
  ),
  archive_after_days: key(
    z.number().min(0).default(30),
    "Age at which finished frames move from the live files into the archive; 0 keeps everything live",
    { unit: "days" },
  ),
});

const Communication = section("Outputs", {
  method: key(outputs.default(["CSV_PLOT"]), "One output, or a list of several"),
});

const IGNORED = "Accepted and ignored; not needed any more";
const Flags = section("Settings of earlier versions", {
  flag_dir: key(z.string().optional(), IGNORED, { none: "nothing", example: "flags" }),
  data_ready: key(z.string().optional(), IGNORED, { none: "nothing", example: "data_ready.flag" }),
  results_ready: key(z.string().optional(), IGNORED, { none: "nothing", example: "results_ready.flag" }),
});

const Assets = section("Calibration", {
  roi_generation_image: key(
    path().default("continuous_capture/continuous_capture_frame.jpg"),
    "Accepted and ignored: name the image in `phorest calibrate IMAGE`",
    BESIDE_FILE,
  ),
  label_template_dir: key(optionalText(), "Directory with images of the printed labels", {
    ...BESIDE_FILE,
    none: "the built-in glyphs",
    example: "label_templates",
  }),
  feature_locations_config: key(
    path().default("configs/Feature_locations.toml"),
    "Accepted and ignored: name the file in `phorest calibrate --features FILE`",
    BESIDE_FILE,
  ),
  generated_files_dir: key(
    path().default("generated_files"),
    "ROI manifest and images of the calibration",
    BESIDE_FILE,
  ),
});

const Storage = section("The disk", {
  usb_uuid: key(
    optionalText(),
    "UUID of the file system that must be mounted at root_dir; checked before and during a run",
    {
      none: "any file system",
      example: "2c5b8a7e-61d4-4d3a-9a0e-6c1f2f4b7d10",
    },
  ),
  min_free_bytes: key(whole(0).default(200_000_000), "Capture pauses while less space than this is free", {
    unit: "bytes",
  }),
});

const Sync = section("Copies on the share (Services.enable_remote_sync)", {
  keep_local: key(
    z.boolean().default(true),
    "Whether images stay here after they were copied, until the ring buffer removes them; false moves them to the share",
  ),
  max_bytes_per_second: key(
    whole(0).default(0),
    "Limit of the rate at which data is sent to the share; 0 means no limit",
    {
      unit: "bytes per second",
    },
  ),
  parallel: key(whole(1, 32).default(2), "Number of images copied at the same time"),
  timeout_seconds: key(seconds(60), "Time without progress after which a share counts as hanging", S),
  manifest_interval_seconds: key(
    seconds(86_400),
    "Shortest time between two snapshots of the database on the share",
    S,
  ),
});

const Development = section("For developing the analysis", {
  debug_mode: key(off(), "Whether the results contain the values of every measured row"),
});

const Report = section("The plot (results/processed_data_plot)", {
  plot_rois: key(texts().default([]), "Labels of the ROIs to plot, * for any characters; an empty list plots all"),
  plot: key(z.boolean().default(true), "Whether a run draws the plot; `phorest report` draws it in any case"),
  plot_interval_seconds: key(seconds(60), "Shortest time between plots", S),
});

const Analysis = section("Sensorgrams: baseline, references and units", {
  baseline_seconds: key(
    seconds(1800),
    "Length of the baseline, from the first frame on. Shifts count from its median; noise and drift are measured in it",
    { ...S, simulatedDefault: 60 },
  ),
  reference_rois: key(
    texts().default([]),
    "Labels of ROIs on which nothing binds, * for any characters; their mean shift is subtracted from all others",
  ),
  sensitivity_px_per_riu: key(positive().optional(), "How far a resonance moves per change of refractive index", {
    unit: "px per RIU",
    none: "no column in RIU",
    example: 2500,
  }),
  sensitivity_error_px_per_riu: key(positive().optional(), "Standard error of sensitivity_px_per_riu", {
    unit: "px per RIU",
    none: "the sensitivity counts as exact",
    example: 25,
  }),
  groups: key(byShownName(texts()).default({}), "Groups of ROIs: name = labels, * for any characters", {
    none: "grouped by the letters in the names of the gratings",
    example: { Antibody: ["05*A_*", "06*A_*"] },
    allowed: "a table of name = list of labels",
  }),
});

const Web = section("The web page that a run serves (docs/web.md)", {
  enabled: key(z.boolean().default(true), "Whether a run serves the web page"),
  host: key(
    z.string().refine(isHost, HOST_RULE).default("127.0.0.1"),
    "Address the web page is served on; on any other than the machine's own (loopback) it shows nothing without the access token",
  ),
  port: key(whole(0, 65_535).default(8080), "Port of the web page; 0 means any free one"),
});

const Supervisor = section("The phorest process", {
  shutdown_timeout_seconds: key(positive().max(86_400).default(20), "Time limit for stopping", S),
  heartbeat_seconds: key(seconds(5), "Time between two heartbeats written to the database", S),
});

/** The sections in the order of the reference. */
export const SCHEMA = z.strictObject({
  Data_Analysis,
  Paths,
  Services,
  Timing,
  Retries,
  Buffer,
  Compression,
  Backup,
  Communication,
  OPC_UA,
  Camera,
  Temperature,
  Brightfield,
  Assets,
  Storage,
  Sync,
  Analysis,
  Report,
  Alarm,
  Web,
  Supervisor,
  Simulation,
  Development,
  Flags,
});

type Sections = z.output<typeof SCHEMA>;
export type SectionName = keyof Sections;
/** The effective settings: checked, complete, paths absolute, frozen. */
export type Config = { readonly [S in SectionName]: Readonly<Sections[S]> };
