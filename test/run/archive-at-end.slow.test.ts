// A run that archives while it ends: afterwards every line of a frame is in the CSV or in an archive, never in both.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { experiment, phorest } from "./program.ts";

const CONFIG = `
[Services]
enable_file_backup = true
[Timing]
collector_interval_seconds = 0.1
communicator_interval_seconds = 0.1
file_backup_interval_seconds = 0.2
[Buffer]
image_buffer_size = 3
[Backup]
keep = 1
archive_after_days = 0.00001
[Camera]
camera_type = "simulated"
format = "tiff"
[Simulation]
width = 640
height = 480
speckle = 0
[Report]
plot = false
[Web]
enabled = false
[Supervisor]
shutdown_timeout_seconds = 120
`;

const linesOf = (text: string) => text.trim().split("\n").slice(1);

test("a clean end leaves no line both in the CSV and in an archive, and none out of both", {
  timeout: 900_000,
}, async () => {
  const directory = experiment(CONFIG);
  /** Runs for some seconds; returns how many lines are in archives then. */
  const run = async (seconds: number): Promise<number> => {
    const { code, stderr } = await phorest(["run", "--duration", String(seconds)], directory);
    expect([code, stderr.match(/ error .*/g)]).toEqual([0, null]);
    const live = linesOf(readFileSync(join(directory, "results/communicating_results.csv"), "utf8"));
    const history = join(directory, "backup/history");
    const archived = (existsSync(history) ? readdirSync(history) : []).flatMap((name) =>
      linesOf(gunzipSync(readFileSync(join(history, name, "history.csv.gz"))).toString("utf8")),
    );
    const all = [...live, ...archived];
    expect(all.filter((line, at) => all.indexOf(line) !== at)).toEqual([]);
    return archived.length;
  };
  let archived = 0;
  for (const seconds of [3, 2.5, 2, 3.5]) archived = await run(seconds);
  // On a busy machine these may all be over before the first archive.
  while (archived === 0) archived = await run(10);
  expect(archived).toBeGreaterThan(0);
});
