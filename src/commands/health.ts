// `phorest health`: one line and an exit code for whatever watches a run from outside (Docker, a monitoring system).
import type { CommandModule } from "yargs";
import { loadConfig } from "../config/config.ts";
import { type Snapshot, takeSnapshot } from "../supervisor/health.ts";
import type { GlobalOptions } from "./global.ts";

export const healthCommand: CommandModule<GlobalOptions, GlobalOptions> = {
  command: "health",
  describe: "Exit code 0 while a run lives and nothing needs a person, 1 otherwise",
  builder: (yargs) => yargs.example("$0 health || mail -s phorest lab@example.org", "tell somebody"),
  handler: ({ config: file, json }) => {
    const { config } = loadConfig(file);
    const complaints = complaintsOf(takeSnapshot(config, Date.now() * 1000), config.Supervisor.heartbeat_seconds);
    if (json) process.stdout.write(`${JSON.stringify({ healthy: complaints.length === 0, complaints })}\n`);
    else process.stdout.write(complaints.length === 0 ? "healthy\n" : `${complaints.join("; ")}\n`);
    if (complaints.length > 0) process.exitCode = 1;
  },
};

/** A heartbeat this many intervals old was missed, not late. */
const MISSED_BEATS = 4;

/** What is wrong with a run, in words; nothing when all is well. */
export function complaintsOf({ experiment, stages, alarms }: Snapshot, heartbeatSeconds: number): string[] {
  if (experiment !== "running") return ["no run is going on"];
  const faulted = stages.filter(({ state }) => state === "faulted");
  const silent = stages.filter(
    ({ stage, ageSeconds }) => stage === "supervisor" && ageSeconds > MISSED_BEATS * heartbeatSeconds,
  );
  return [
    ...faulted.map(({ stage, detail }) => `${stage} is faulted: ${detail}`),
    ...silent.map(({ ageSeconds }) => `no heartbeat for ${Math.round(ageSeconds)} s`),
    ...alarms,
  ];
}
