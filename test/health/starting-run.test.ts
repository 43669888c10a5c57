// The health of a run in the moment between taking the experiment's lock and writing itself into the database.
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { parseConfig } from "../../src/config/config.ts";
import { takeSnapshot } from "../../src/health/snapshot.ts";
import { lockExperiment } from "../../src/manifest/lock.ts";
import { experiment } from "../outputs/csv/experiment.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const RUN = { config: "{}", version: "0.1.0", nodeVersion: "v24", host: "lab", pid: 7 };
const DAY_US = 86_400e6;

test.each(["ended", "was killed"])("no alarm comes from an earlier run that %s two days ago", (end) => {
  const root = temporaryDirectory();
  const nowUs = Date.now() * 1000;
  const { manifest, add } = experiment(root, 2);
  add(3);
  const startedAtUs = nowUs - 2 * DAY_US;
  const runId = manifest.runs.begin({ ...RUN, startedAtUs });
  const supervisor = { stage: "supervisor", state: "running", detail: "", atUs: startedAtUs + 60e6 } as const;
  manifest.heartbeats.store([{ ...supervisor, code: undefined, setAside: undefined }]);
  if (end === "ended") manifest.runs.end(runId, startedAtUs + 3600e6, "stopped");
  const { config } = parseConfig(
    '[Camera]\ncamera_type = "v4l2"\n[Services]\nenable_camera = true\n[Timing]\ncollector_interval_seconds = 60\n',
    root,
  );
  const lock = lockExperiment(join(root, "data"));
  onTestFinished(() => lock.release());
  expect(takeSnapshot(config, nowUs)).toMatchObject({ experiment: "running", alarms: [] });
  manifest.close();
});
