// Opens an experiment that cannot begin and says what it has open afterwards: cannot-begin.ts ROOT CASE. Then it only waits
// for the end of its input: whatever else was left running keeps it alive.
import { readdirSync, readlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import Database from "better-sqlite3";
import { parseConfig } from "../../../src/config/config.ts";
import { createLogger } from "../../../src/log/logger.ts";
import { MANIFEST_FILENAME } from "../../../src/manifest/manifest.ts";
import type { OpenStage, StageDefinition } from "../../../src/stages/contract/stage-definition.ts";
import { STAGES } from "../../../src/stages/stages.ts";
import { Supervisor } from "../../../src/supervisor/supervisor.ts";

const [root = "", what = ""] = process.argv.slice(2);
const { config } = parseConfig("[Services]\nenable_camera = false\n[Data_Analysis]\nworkers = 1\n", root);
const manifestFile = join(config.Paths.data_dir, MANIFEST_FILENAME);

/** A stage that has a thread from the moment it is opened. */
const threaded: StageDefinition = {
  name: "health",
  group: "service",
  wakesOn: [],
  enabled: () => true,
  open: withThread,
};
const refusing: StageDefinition = { ...threaded, name: "syncer", open: refuse };

function refuse(): never {
  throw new Error("this stage cannot be opened");
}

function withThread(): OpenStage {
  const thread = new Worker("setInterval(() => undefined, 1000)", { eval: true });
  return {
    schedule: { kind: "demand", atLeastEveryMs: 3_600_000, atMostEveryMs: 0 },
    run: async () => false,
    idle: () => true,
    close: async () => void (await thread.terminate()),
  };
}

async function begin(): Promise<void> {
  const log = createLogger({ level: "error", console: false, rotateSeconds: 3600 });
  const options = { config, configText: "{}", log, untilIdle: true };
  const collector = STAGES.filter(({ group }) => group === "capture");
  const stages = what === "recovery" ? STAGES : [...collector, threaded, ...(what === "stage" ? [refusing] : [])];
  const supervisor = await Supervisor.open(options, stages);
  // What a run looks up before it starts anything is not there any more.
  const other = new Database(manifestFile);
  other.exec("ALTER TABLE entry RENAME COLUMN captured_at_us TO renamed");
  other.close();
  await supervisor.run();
}

const reason = await begin().then(
  () => "nothing was refused",
  (error: unknown) => String(error),
);
const open = readdirSync("/proc/self/fd").flatMap((fd) => {
  try {
    return [readlinkSync(`/proc/self/fd/${fd}`)];
  } catch {
    // The directory that was being listed.
    return [];
  }
});
writeSync(1, `${JSON.stringify({ reason, open: open.filter((path) => path.startsWith(root)) })}\n`);
process.stdin.resume();
