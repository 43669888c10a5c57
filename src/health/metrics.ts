// The snapshot as Prometheus metrics: only gauges, because everything is read from files that outlive the process.
import { Gauge, Registry } from "prom-client";
import { packageVersion } from "../system/files.ts";
import { isUnhealthy, type Snapshot } from "./snapshot.ts";
import { STAGE_STATES } from "./stage-states.ts";

/** What the text is, for the header of an answer. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** The metrics of an experiment in Prometheus' text format. Never rejects because something is not known: it is left out. */
export async function metricsText(snapshot: Snapshot): Promise<string> {
  const registry = new Registry();
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge<L>({ name: `phorest_${name}`, help, labelNames, registers: [registry] });

  gauge("info", "Version of the program", ["version"]).set({ version: packageVersion() }, 1);
  gauge("running", "1 while a run is active").set(snapshot.experiment === "running" ? 1 : 0);
  gauge("healthy", "1 if phorest health reports no problems").set(isUnhealthy(snapshot) ? 0 : 1);
  gauge("alarms", "Number of alarms").set(snapshot.alarms.length);
  if (snapshot.camera !== undefined) {
    const simulated = gauge("camera_simulated", "1 if the last run uses the simulated chip");
    simulated.set(snapshot.camera.simulated ? 1 : 0);
  }
  frames(snapshot, gauge);
  stages(snapshot, gauge);
  const waiting = gauge("output_waiting_frames", "Frames waiting for an output", ["output"]);
  for (const { name, waiting: count } of snapshot.outputs) waiting.set({ output: name }, count);
  if (snapshot.freeBytes !== undefined) {
    gauge("disk_free_bytes", "Free space on the disk of the data directory").set(snapshot.freeBytes);
  }
  if (snapshot.opcUa !== undefined) {
    gauge("opcua_nodes_written", "Nodes that accept values").set(snapshot.opcUa.written);
    gauge("opcua_nodes_refused", "Nodes that the server refuses").set(snapshot.opcUa.refused);
  }
  return registry.metrics();
}

type MakeGauge = <L extends string>(name: string, help: string, labelNames?: readonly L[]) => Gauge<L>;

function frames({ counts, lastFrame, startedAt }: Snapshot, gauge: MakeGauge): void {
  if (counts !== undefined) {
    const byStatus = gauge("frames", "Frames by status", ["status"]);
    const { pending, processing, processed, failed, archived } = counts;
    for (const [status, count] of Object.entries({ pending, processing, processed, failed, archived })) {
      byStatus.set({ status }, count);
    }
    gauge("images_missing", "Missing images").set(counts.missing);
    gauge("images_synced", "Images with a verified copy on a share").set(counts.synced);
    gauge("images_local", "Images in the data directory").set(counts.localImages);
    gauge("images_local_bytes", "Size of the images in the data directory").set(counts.localBytes);
  }
  if (lastFrame !== undefined) {
    const seconds = Date.parse(lastFrame.capturedAt) / 1000;
    gauge("last_frame_timestamp_seconds", "Capture time of the newest frame").set(seconds);
  }
  if (startedAt !== undefined) {
    gauge("run_start_timestamp_seconds", "Start of the last run").set(Date.parse(startedAt) / 1000);
  }
}

function stages({ experiment, stages: found }: Snapshot, gauge: MakeGauge): void {
  const state = gauge("stage_state", "1 for the state a stage is in", ["stage", "state"]);
  const age = gauge("stage_heartbeat_age_seconds", "Time since the last heartbeat of a stage", ["stage"]);
  const aside = gauge("stage_files_set_aside", "Files that a stage has set aside", ["stage"]);
  for (const stage of found) {
    aside.set({ stage: stage.stage }, stage.setAside?.count ?? 0);
    age.set({ stage: stage.stage }, stage.ageSeconds);
    if (experiment !== "running") continue;
    for (const one of STAGE_STATES) state.set({ stage: stage.stage, state: one }, one === stage.state ? 1 : 0);
  }
}
