// Exports the snapshot as Prometheus metrics: only gauges, because everything is read from files that outlive the process.
// docs/metrics.md is generated from the same table.
import { Gauge, Registry } from "prom-client";
import { packageVersion } from "../system/files.ts";
import { isUnhealthy, type Snapshot } from "./snapshot.ts";
import { STAGE_STATES } from "./stage-states.ts";

/** Content type of the text, for the HTTP header. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Metric {
  /** Without the prefix; ends with the unit, as Prometheus recommends. */
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Empty for counts, and for 0 or 1. */
  readonly unit: "" | "seconds" | "bytes";
  /** Undefined while unknown: the metric is left out. */
  readonly samples: (snapshot: Snapshot) => readonly Sample[] | undefined;
}

type Value = (snapshot: Snapshot) => number | undefined;

function plain(name: string, help: string, value: Value, unit: Metric["unit"] = ""): Metric {
  const samples = (snapshot: Snapshot) => {
    const known = value(snapshot);
    return known === undefined ? undefined : [{ value: known }];
  };
  return { name, help, labels: [], unit, samples };
}

const one = (is: boolean): number => (is ? 1 : 0);
const seconds = (time: string | undefined) => (time === undefined ? undefined : Date.parse(time) / 1000);

/** Every metric, in the order of the text. */
export const METRICS: readonly Metric[] = [
  {
    name: "info",
    help: "Version of the program",
    labels: ["version"],
    unit: "",
    samples: () => [{ labels: { version: packageVersion() }, value: 1 }],
  },
  plain("running", "1 while a run is active", ({ experiment }) => one(experiment === "running")),
  plain("healthy", "1 if phorest health reports no problems", (snapshot) => one(!isUnhealthy(snapshot))),
  plain("alarms", "Number of alarms", ({ alarms }) => alarms.length),
  plain("camera_simulated", "1 if the last run uses the simulated chip", ({ camera }) =>
    camera === undefined ? undefined : one(camera.simulated),
  ),
  {
    name: "frames",
    help: "Frames by status",
    labels: ["status"],
    unit: "",
    samples: ({ counts }) => {
      if (counts === undefined) return undefined;
      const { pending, processing, processed, failed, archived } = counts;
      const byStatus = Object.entries({ pending, processing, processed, failed, archived });
      return byStatus.map(([status, value]) => ({ labels: { status }, value }));
    },
  },
  plain("images_missing", "Missing images", ({ counts }) => counts?.missing),
  plain("images_synced", "Images with a verified copy on a share", ({ counts }) => counts?.synced),
  plain("images_local", "Images in the data directory", ({ counts }) => counts?.localImages),
  plain("images_local_bytes", "Size of the images in the data directory", ({ counts }) => counts?.localBytes, "bytes"),
  plain(
    "last_frame_timestamp_seconds",
    "Capture time of the newest frame, Unix time",
    ({ lastFrame }) => seconds(lastFrame?.capturedAt),
    "seconds",
  ),
  plain(
    "run_start_timestamp_seconds",
    "Start of the last run, Unix time",
    ({ startedAt }) => seconds(startedAt),
    "seconds",
  ),
  {
    name: "stage_state",
    help: "1 for the state a stage is in",
    labels: ["stage", "state"],
    unit: "",
    samples: ({ experiment, stages }) =>
      experiment !== "running"
        ? []
        : stages.flatMap(({ stage, state }) =>
            STAGE_STATES.map((other) => ({ labels: { stage, state: other }, value: one(other === state) })),
          ),
  },
  {
    name: "stage_heartbeat_age_seconds",
    help: "Time since the last heartbeat of a stage",
    labels: ["stage"],
    unit: "seconds",
    samples: ({ stages }) => stages.map(({ stage, ageSeconds }) => ({ labels: { stage }, value: ageSeconds })),
  },
  {
    name: "stage_files_set_aside",
    help: "Files that a stage has set aside",
    labels: ["stage"],
    unit: "",
    samples: ({ stages }) => stages.map(({ stage, setAside }) => ({ labels: { stage }, value: setAside?.count ?? 0 })),
  },
  {
    name: "output_waiting_frames",
    help: "Frames waiting for an output",
    labels: ["output"],
    unit: "",
    samples: ({ outputs }) => outputs.map(({ name, waiting }) => ({ labels: { output: name }, value: waiting })),
  },
  plain("disk_free_bytes", "Free space on the disk of the data directory", ({ freeBytes }) => freeBytes, "bytes"),
  plain("opcua_nodes_written", "Nodes that accept values", ({ opcUa }) => opcUa?.written),
  plain("opcua_nodes_refused", "Nodes that the server refuses", ({ opcUa }) => opcUa?.refused),
];

/** Returns the full name, such as `phorest_frames`. */
export function metricName(name: string): string {
  return `phorest_${name}`;
}

/** Returns the metrics of an experiment in Prometheus' text format. Unknown values are left out; they never make it reject. */
export async function metricsText(snapshot: Snapshot): Promise<string> {
  const registry = new Registry();
  for (const { name, help, labels, samples } of METRICS) {
    const found = samples(snapshot);
    if (found === undefined) continue;
    const gauge = new Gauge({ name: metricName(name), help, labelNames: labels, registers: [registry] });
    for (const sample of found) gauge.set(sample.labels ?? {}, sample.value);
  }
  return registry.metrics();
}
