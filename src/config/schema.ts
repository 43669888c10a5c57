// Every setting of the program: name, type, bounds, default, meaning. Section and key names are those of the established
// Phorest_config.toml; new settings get new keys. Defaults are defined nowhere else.
import * as z from "zod";
import { HOST_RULE, isHost } from "../system/host-name.ts";
import { Alarm } from "./alarm-section.ts";
import { Analysis, Data_Analysis, Development, Report } from "./analysis-sections.ts";
import { Brightfield, Camera, Temperature } from "./camera-section.ts";
import { Display } from "./display-section.ts";
import { Experiment } from "./experiment-section.ts";
import { choices, field, off, positive, SECONDS, seconds, section, whole } from "./field.ts";
import { Assets, Backup, Buffer, Compression, Paths, Storage, Sync } from "./file-sections.ts";
import { OPC_UA } from "./opcua-section.ts";
import { OUTPUT_METHODS } from "./output-methods.ts";
import { Simulation } from "./simulation-section.ts";

export type { CameraType } from "./camera-section.ts";

const outputs = choices(OUTPUT_METHODS);

const Services = section("What a run does", {
  enable_camera: field(
    off(),
    "Whether a run captures images with a camera. Images from files (folder, file_importer) do not need it",
    { simulatedDefault: true },
  ),
  enable_thermocouple: field(off(), "Whether a run reads the thermometers"),
  enable_brightfield: field(off(), "Whether a run captures brightfield images"),
  enable_file_backup: field(off(), "Whether a run makes snapshots, and archives finished frames"),
  enable_remote_sync: field(off(), "Whether a run copies files to the share and verifies them there"),
  enable_image_compression: field(off(), "Whether a run compresses measured images"),
  enable_service_health_check: field(off(), "Whether a run writes a health report into results_dir"),
});

const Timing = section("Intervals", {
  collector_interval_seconds: field(seconds(300), "Time between captures", { ...SECONDS, simulatedDefault: 2 }),
  processor_interval_seconds: field(
    seconds(2),
    "Longest time before the processor looks for frames to measure",
    SECONDS,
  ),
  communicator_interval_seconds: field(seconds(60), "Shortest time between two updates of the CSV", {
    ...SECONDS,
    simulatedDefault: 5,
  }),
  compress_interval_seconds: field(seconds(3600), "Time between two passes of the compressor", SECONDS),
  file_backup_interval_seconds: field(seconds(3600), "Time between backups", SECONDS),
  sync_interval_seconds: field(seconds(3600), "Time between two passes of copying to the share", SECONDS),
  health_interval_seconds: field(
    seconds(60),
    "Time between health reports (Services.enable_service_health_check)",
    SECONDS,
  ),
  log_file_interval_seconds: field(
    seconds(43200),
    "Time after which a new log file begins, rounded to a divisor of an hour or day (UTC)",
    SECONDS,
  ),
});

const Retries = section("Retries of the camera", {
  collector_failure_limit: field(
    whole(1).default(5),
    "Number of failures in a row after which the collector is faulted",
  ),
  collector_retry_delay_seconds: field(
    z.number().min(0).default(2),
    "Delay before the first retry; also accepted under [Timing]",
    SECONDS,
  ),
  recover: field(
    z.boolean().default(true),
    "Whether a faulted collector is retried once a minute, so that it recovers by itself when the camera is back",
  ),
});

const Communication = section("Outputs", {
  method: field(outputs.default(["CSV_PLOT"]), "One output, or a list of several"),
});

const IGNORED = "Accepted and ignored; not needed any more";
const Flags = section("Settings of earlier versions", {
  flag_dir: field(z.string().optional(), IGNORED, { none: "nothing", example: "flags" }),
  data_ready: field(z.string().optional(), IGNORED, { none: "nothing", example: "data_ready.flag" }),
  results_ready: field(z.string().optional(), IGNORED, { none: "nothing", example: "results_ready.flag" }),
});

const Web = section("The web page that a run serves (docs/web.md)", {
  enabled: field(z.boolean().default(true), "Whether a run serves the web page"),
  host: field(
    z.string().refine(isHost, HOST_RULE).default("127.0.0.1"),
    "Address the web page is served on; on any other than the machine's own (loopback) it shows nothing without the access token",
  ),
  port: field(whole(0, 65_535).default(8080), "Port of the web page; 0 means any free one"),
});

const Supervisor = section("The phorest process", {
  shutdown_timeout_seconds: field(positive().max(86_400).default(20), "Time limit for stopping", SECONDS),
  heartbeat_seconds: field(seconds(5), "Time between two heartbeats written to the database", SECONDS),
});

/** The sections in the order of the reference. */
export const SCHEMA = z.strictObject({
  Experiment,
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
  Display,
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
