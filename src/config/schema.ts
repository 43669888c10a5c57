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

export { type CameraType, TRANSFORMS, type Transform } from "./camera-section.ts";

const seconds = (of: number) => positive().default(of);
const off = () => z.boolean().default(false);
const outputs = choices(["CSV_PLOT", "OPC_UA"]);
const besides = choices(["tracking"], { least: 0 });
const S = { unit: "seconds" };
const IN_ROOT = { relativeTo: "root" } as const;
const BESIDE_FILE = { relativeTo: "file" } as const;

const Data_Analysis = section("How a picture is measured", {
  method: key(
    choice(METHODS).default("gaussian"),
    "How the resonance position is found: row by row, by one line through all rows of an ROI (joint), or as its shift from a reference of the first frames (tracking)",
  ),
  joint_line: key(
    choice(JOINT_LINES).default("auto"),
    "The line that joint fits and tracking holds; auto: the one that fits each ROI's light, chosen in its first sound frame and kept for the analysis",
  ),
  reference_frames: key(whole(1, 256).default(16), "First sound frames that make the reference of tracking"),
  also: key(
    besides.default([]),
    "What is measured beside the method: tracking gives every result a second position, columns at the end of the CSV",
  ),
  fano_sign: key(
    choice(FANO_SIGNS).default("canonical"),
    "Form of the columns of fano: amplitude >= 0 and gamma > 0, or the signs that the established system arrives at",
  ),
  number_of_subROIs: key(
    whole(0, 65_535).default(1),
    "Rows an ROI is reduced to before fitting; 0 fits every pixel row, as joint and tracking always do",
    {
      simulatedDefault: 10,
    },
  ),
  sampling: key(
    choice(SAMPLINGS).default("precise"),
    "Reading of ROI pixels through the rotation: in full precision, or bit for bit as the established system does",
  ),
  bit_depth_scaling: key(
    choice(BIT_DEPTH_SCALINGS).default("stretch"),
    "Pictures of more than 8 bits: each stretched to its own range (as established), or all scaled alike",
  ),
  track_drift: key(
    off(),
    "ROIs follow the chip when it moves in the picture, as measured on its labels; needs sampling precise",
  ),
  workers: key(whole(0, 256).default(0), "Measuring threads; 0 takes one for each processor core"),
  max_attempts: key(
    whole(1, 100).default(3),
    "How often the program may end while a frame is measured before that frame gets one last try, alone",
  ),
  batch_size: key(whole(1, 1024).default(16), "Frames taken from the queue at once"),
  frame_timeout_seconds: key(seconds(120), "Longest time one frame may be measured", S),
});

const Paths = section("Where things lie", {
  root_dir: key(path().default("."), "Root of the experiment's local data", BESIDE_FILE),
  remote_root_dir: key(path().default("remote"), "Root of the remote share that the syncer writes to", BESIDE_FILE),
  data_dir: key(path().default("data"), "Images and the manifest", IN_ROOT),
  results_dir: key(path().default("results"), "Results, CSV, plots and the health report", IN_ROOT),
  logs_dir: key(path().default("logs"), "One log for each stage", IN_ROOT),
  backup_dir: key(path().default("backup"), "Versioned archives", IN_ROOT),
  continuous_capture_dir: key(path().default("continuous_capture"), "Preview frame for alignment", BESIDE_FILE),
  brightfield_dir: key(path().default("bright"), "Brightfield pictures", BESIDE_FILE),
  roi_manifest_filename: key(path().default("ROI_manifest.json"), "Name of the ROI file in Assets.generated_files_dir"),
});

const Services = section("What takes part in a run", {
  enable_camera: key(off(), "The collector takes pictures", { simulatedDefault: true }),
  enable_thermocouple: key(off(), "The collector reads the thermocouples"),
  enable_brightfield: key(off(), "The collector takes brightfield pictures"),
  enable_file_backup: key(off(), "Finished history is archived"),
  enable_remote_sync: key(off(), "Files are copied to the remote share, and verified there"),
  enable_image_compression: key(off(), "Measured images are compressed"),
  enable_service_health_check: key(off(), "A health report is written to results_dir"),
});

const Timing = section("When things happen", {
  collector_interval_seconds: key(seconds(300), "Time between captures", { ...S, simulatedDefault: 2 }),
  processor_interval_seconds: key(seconds(2), "Longest wait before the processor looks for work", S),
  communicator_interval_seconds: key(seconds(60), "Shortest time between reports", { ...S, simulatedDefault: 5 }),
  compress_interval_seconds: key(seconds(3600), "Time between compressions", S),
  file_backup_interval_seconds: key(seconds(3600), "Time between backups", S),
  sync_interval_seconds: key(seconds(3600), "Time between copies to the remote share", S),
  health_interval_seconds: key(seconds(60), "Time between health reports (Services.enable_service_health_check)", S),
  log_file_interval_seconds: key(
    seconds(43200),
    "Time after which a new log file begins, brought to the next whole part of an hour or day (UTC)",
    S,
  ),
});

const Retries = section("What happens after failures", {
  collector_failure_limit: key(whole(1).default(5), "Consecutive failures before the collector is faulted"),
  collector_retry_delay_seconds: key(
    z.number().min(0).default(2),
    "First delay before a retry; also accepted under [Timing]",
    S,
  ),
  recover: key(
    z.boolean().default(true),
    "A faulted collector is tried again once a minute, and works again by itself when the camera is back",
  ),
});

const Buffer = section("How much is kept locally", {
  image_buffer_size: key(
    whole(0).default(0),
    "Images kept locally; beyond it the oldest measured ones are removed. 0 means no limit",
    { unit: "images" },
  ),
  max_bytes: key(whole(0).default(0), "Size of the images kept locally; 0 means no limit", { unit: "bytes" }),
  min_free_bytes: key(
    z.union([z.literal("auto"), whole(0)]).default("auto"),
    'Free disk space to keep: below it, `when_full` applies. "auto" is the larger of 5 GB and 5 % of the disk, on a disk ' +
      "under 25 GB a fifth of it; 0 means none. Choose more than Storage.min_free_bytes",
    { allowed: '"auto", or a whole number of bytes, at least 0' },
  ),
  when_full: key(
    choice(["remove", "pause"]).default("remove"),
    'Below min_free_bytes: "remove" removes the oldest images that are measured and reported, "pause" stops capture',
  ),
});

const Compression = section("How measured images are compressed (Services.enable_image_compression)", {
  level: key(whole(1, 9).default(6), "Effort of gzip: 1 is fastest, 9 is smallest"),
  min_saving_percent: key(
    z.number().min(0).max(100).default(5),
    "An image that would shrink by less is left as it is, as PNG usually is",
    { unit: "percent" },
  ),
});

const Backup = section("What the backups keep (Services.enable_file_backup)", {
  keep: key(whole(1).default(10), "Newest snapshots kept; archived history is not counted and never removed", {
    unit: "snapshots",
  }),
  archive_after_days: key(
    z.number().min(0).default(30),
    "Finished frames older than this move from the live files into the archive; 0 keeps everything live",
    { unit: "days" },
  ),
});

const Communication = section("Where results go", {
  method: key(outputs.default(["CSV_PLOT"]), "Outputs: one, or a list of several"),
});

const IGNORED = "Accepted and ignored: stages are woken inside the process";
const Flags = section("Settings of earlier versions", {
  flag_dir: key(z.string().optional(), IGNORED, { none: "nothing", example: "flags" }),
  data_ready: key(z.string().optional(), IGNORED, { none: "nothing", example: "data_ready.flag" }),
  results_ready: key(z.string().optional(), IGNORED, { none: "nothing", example: "results_ready.flag" }),
});

const Assets = section("Calibration", {
  roi_generation_image: key(
    path().default("continuous_capture/continuous_capture_frame.jpg"),
    "Reference picture for calibration",
    BESIDE_FILE,
  ),
  label_template_dir: key(optionalText(), "Directory of pictures of the printed labels", {
    ...BESIDE_FILE,
    none: "the built-in glyphs",
    example: "label_templates",
  }),
  feature_locations_config: key(
    path().default("configs/Feature_locations.toml"),
    "Which labels to look for, and roughly where",
    BESIDE_FILE,
  ),
  generated_files_dir: key(path().default("generated_files"), "ROI manifest and calibration pictures", BESIDE_FILE),
});

const Storage = section("The disk", {
  usb_uuid: key(optionalText(), "UUID of the file system that must be mounted under root_dir; checked before a run", {
    none: "any file system will do",
    example: "2c5b8a7e-61d4-4d3a-9a0e-6c1f2f4b7d10",
  }),
  min_free_bytes: key(whole(0).default(200_000_000), "Capture pauses while less than this is free", { unit: "bytes" }),
});

const Sync = section("Copies on the remote share", {
  keep_local: key(
    z.boolean().default(true),
    "Pictures stay here after they were copied, until the ring buffer lets go of them; false moves them",
  ),
  max_bytes_per_second: key(whole(0).default(0), "Bound on what is sent to the share; 0 means none", {
    unit: "bytes per second",
  }),
  parallel: key(whole(1, 32).default(2), "Pictures copied at the same time"),
  timeout_seconds: key(seconds(60), "A share on which nothing moves for this long counts as hanging", S),
  manifest_interval_seconds: key(seconds(86_400), "Shortest time between snapshots of the manifest on the share", S),
});

const Development = section("For looking into the analysis", {
  debug_mode: key(off(), "Keep the values of every measured row in the results"),
});

const Report = section("The plot", {
  plot_rois: key(texts().default([]), "ROI labels to plot, with * for any letters; an empty list plots all"),
  plot_interval_seconds: key(seconds(60), "Shortest time between plots", S),
});

const Analysis = section("From positions to sensorgrams (phorest sensorgram)", {
  baseline_seconds: key(
    seconds(1800),
    "Length of the baseline, from the first frame on: shifts count from its median, noise and drift are taken in it",
    { ...S, simulatedDefault: 60 },
  ),
  reference_rois: key(
    texts().default([]),
    "Labels of ROIs on which nothing binds, with * for any letters; their mean is subtracted from all others",
  ),
  sensitivity_px_per_riu: key(positive().optional(), "Movement of a resonance per change of refractive index", {
    unit: "px per RIU",
    none: "no column in RIU",
    example: 2500,
  }),
  sensitivity_error_px_per_riu: key(positive().optional(), "Standard error of sensitivity_px_per_riu", {
    unit: "px per RIU",
    none: "the sensitivity counts as exact",
    example: 25,
  }),
  groups: key(byShownName(texts()).default({}), "Groups of ROIs: name = labels, with * for any letters", {
    none: "grouped by the letters of the grating's label",
    example: { Antibody: ["05*A_*", "06*A_*"] },
    allowed: "a table of name = list of labels",
  }),
});

const Web = section("The page that a run serves (docs/web.md)", {
  enabled: key(z.boolean().default(true), "A run serves the page"),
  host: key(
    z.string().refine(isHost, HOST_RULE).default("127.0.0.1"),
    "Address the page is served on; any but the machine's own (loopback) shows nothing without the token",
  ),
  port: key(whole(0, 65_535).default(8080), "Port of the page; 0 takes any free one"),
});

const Supervisor = section("The process itself", {
  shutdown_timeout_seconds: key(positive().max(86_400).default(20), "Longest time a stop may take", S),
  heartbeat_seconds: key(seconds(5), "Time between signs of life written to the manifest", S),
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
