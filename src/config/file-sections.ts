// The sections about files and the disk: [Paths], [Buffer], [Compression], [Backup], [Assets], [Storage] and [Sync].
import * as z from "zod";
import { BESIDE_FILE, choice, field, IN_ROOT, optionalText, path, SECONDS, seconds, section, whole } from "./field.ts";

export const Paths = section("Where files are", {
  root_dir: field(path().default("."), "Directory of the experiment's local data", BESIDE_FILE),
  remote_root_dir: field(
    path().default("remote"),
    "Directory on the share that the experiment is copied to; `phorest init-remote` prepares it",
    BESIDE_FILE,
  ),
  data_dir: field(path().default("data"), "Images and the database", IN_ROOT),
  results_dir: field(path().default("results"), "Results, CSV, plots and the health report", IN_ROOT),
  logs_dir: field(path().default("logs"), "A log for each stage", IN_ROOT),
  backup_dir: field(path().default("backup"), "Snapshots and the archive", IN_ROOT),
  continuous_capture_dir: field(
    path().default("continuous_capture"),
    "The image that `phorest preview` rewrites",
    BESIDE_FILE,
  ),
  brightfield_dir: field(path().default("bright"), "Brightfield images", BESIDE_FILE),
  roi_manifest_filename: field(
    path().default("ROI_manifest.json"),
    "Name of the ROI file in Assets.generated_files_dir",
  ),
  sensitivity_filename: field(
    path().default("sensitivity.json"),
    "Name of the file in Assets.generated_files_dir with the measured sensitivity of each grating (`phorest sensitivity --save`); used if it exists",
  ),
});

export const Buffer = section("How many images are kept locally", {
  image_buffer_size: field(
    whole(0).default(0),
    "Number of images kept locally; beyond it phorest removes the oldest measured ones. 0 means no limit",
    { unit: "images" },
  ),
  max_bytes: field(whole(0).default(0), "Total size of the images kept locally; 0 means no limit", { unit: "bytes" }),
  min_free_bytes: field(
    z.union([z.literal("auto"), whole(0)]).default("auto"),
    'Free disk space to keep: below it, `when_full` applies. "auto" is the larger of 5 GB and 5 % of the disk, on a disk ' +
      "under 25 GB a fifth of it; 0 means none. Choose more than Storage.min_free_bytes",
    { allowed: '"auto", or a whole number of bytes, at least 0' },
  ),
  when_full: field(
    choice(["remove", "pause"]).default("remove"),
    'What to do below min_free_bytes: "remove" removes the oldest images that are measured and reported, "pause" stops capture',
  ),
});

export const Compression = section("Compression of measured images (Services.enable_image_compression)", {
  level: field(whole(1, 9).default(6), "gzip level: 1 is fastest, 9 is smallest"),
  min_saving_percent: field(
    z.number().min(0).max(100).default(5),
    "An image that would shrink by less than this is not compressed; this is usual for PNG",
    { unit: "percent" },
  ),
});

export const Backup = section("Backups (Services.enable_file_backup)", {
  keep: field(
    whole(1).default(10),
    "Number of snapshots kept, the newest; the archive does not count and is never removed",
    {
      unit: "snapshots",
    },
  ),
  archive_after_days: field(
    z.number().min(0).default(30),
    "Age at which finished frames move from the live files into the archive; 0 keeps everything live",
    { unit: "days" },
  ),
});

export const Assets = section("Calibration", {
  roi_generation_image: field(
    path().default("continuous_capture/continuous_capture_frame.jpg"),
    "Accepted and ignored: name the image in `phorest calibrate IMAGE`",
    BESIDE_FILE,
  ),
  label_template_dir: field(optionalText(), "Directory with images of the printed labels", {
    ...BESIDE_FILE,
    none: "the built-in glyphs",
    example: "label_templates",
  }),
  feature_locations_config: field(
    path().default("configs/Feature_locations.toml"),
    "Accepted and ignored: name the file in `phorest calibrate --features FILE`",
    BESIDE_FILE,
  ),
  generated_files_dir: field(
    path().default("generated_files"),
    "ROI manifest and images of the calibration",
    BESIDE_FILE,
  ),
});

export const Storage = section("The disk", {
  usb_uuid: field(
    optionalText(),
    "UUID of the file system that must be mounted at root_dir; checked before and during a run",
    {
      none: "any file system",
      example: "2c5b8a7e-61d4-4d3a-9a0e-6c1f2f4b7d10",
    },
  ),
  min_free_bytes: field(whole(0).default(200_000_000), "Capture pauses while less space than this is free", {
    unit: "bytes",
  }),
});

export const Sync = section("Copies on the share (Services.enable_remote_sync)", {
  keep_local: field(
    z.boolean().default(true),
    "Whether images stay here after they were copied, until the ring buffer removes them; false moves them to the share",
  ),
  max_bytes_per_second: field(
    whole(0).default(0),
    "Limit of the rate at which data is sent to the share; 0 means no limit",
    {
      unit: "bytes per second",
    },
  ),
  parallel: field(whole(1, 32).default(2), "Number of images copied at the same time"),
  timeout_seconds: field(seconds(60), "Time without progress after which a share counts as hanging", SECONDS),
  manifest_interval_seconds: field(
    seconds(86_400),
    "Shortest time between two snapshots of the database on the share",
    SECONDS,
  ),
});
