// Measures resident memory of a long run against its frames: the built program with the simulated camera, plot, page and health
// report, accelerated, so that half an hour corresponds to days. Normal memory use reaches its maximum early; a leak keeps
// growing.
//   npx tsx bench/soak.ts [--frames 10000] [--interval 0.1] [--plot 10] [--program FILE]
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Manifest } from "../src/manifest/manifest.ts";
import { medianOf } from "../src/measurement/statistics.ts";
import { packageRoot } from "../src/system/files.ts";

const SAMPLE_MS = 2000;
const { values } = parseArgs({
  options: {
    frames: { type: "string", default: "10000" },
    /** Seconds between frames, and between plots. */
    interval: { type: "string", default: "0.1" },
    plot: { type: "string", default: "10" },
    /** The executable to test, instead of this checkout's build. */
    program: { type: "string" },
  },
});
const frames = Number(values.frames);

interface Sample {
  readonly frames: number;
  readonly megabytes: number;
}

function residentMegabytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) / 1000;
}

/** Returns the median of the resident memory while the run was between these shares of its frames. */
function during(samples: readonly Sample[], from: number, to: number): number {
  const within = samples.filter((one) => one.frames >= from * frames && one.frames <= to * frames);
  return Math.round(medianOf(Float64Array.from(within, ({ megabytes }) => megabytes)));
}

async function soak(directory: string): Promise<Sample[]> {
  writeFileSync(
    join(directory, "config.toml"),
    `[Camera]\ncamera_type = "simulated"\n[Simulation]\nwidth = 640\nheight = 480\n[Timing]\ncollector_interval_seconds = ${values.interval}
[Report]\nplot_interval_seconds = ${values.plot}\n[Services]\nenable_service_health_check = true\n[Web]\nport = 0\n`,
  );
  const [program, ...words] =
    values.program === undefined ? [process.execPath, join(packageRoot(), "bin/phorest.js")] : [values.program];
  const run = spawn(program ?? "", [...words, "run", "--frames", values.frames], { cwd: directory, stdio: "ignore" });
  const ended = once(run, "exit");
  const samples: Sample[] = [];
  let manifest: Manifest | undefined;
  try {
    for (
      let next = 0;
      run.exitCode === null && run.signalCode === null;
      await Promise.race([sleep(SAMPLE_MS), ended])
    ) {
      manifest ??= opened(directory);
      if (manifest === undefined) continue;
      const measured = manifest.history.counts().processed;
      const megabytes = residentMegabytes(run.pid ?? 0);
      // It has just ended.
      if (Number.isNaN(megabytes)) continue;
      samples.push({ frames: measured, megabytes });
      if (measured < next) continue;
      console.log(`${String(measured).padStart(7)} frames  ${megabytes.toFixed(0)} MB`);
      next = measured + frames / 20;
    }
  } finally {
    manifest?.close();
    run.kill();
    await ended;
  }
  if (run.exitCode !== 0) throw new Error(`phorest run ended with ${run.exitCode ?? run.signalCode}`);
  return samples;
}

/** Returns undefined until the run has created it. */
function opened(directory: string): Manifest | undefined {
  try {
    return Manifest.open({ file: join(directory, "data", "phorest.sqlite"), readonly: true });
  } catch {
    return undefined;
  }
}

const directory = mkdtempSync(join(tmpdir(), "phorest-soak-"));
try {
  const samples = await soak(directory);
  const [middle, end] = [during(samples, 0.4, 0.6), during(samples, 0.8, 1)];
  const most = Math.round(samples.reduce((largest, { megabytes }) => Math.max(largest, megabytes), 0));
  console.log(`resident: ${middle} MB in the middle, ${end} MB at the end, ${most} MB at most`);
  console.log(JSON.stringify({ bench: "soak", frames, middle, end, ratio: Number((end / middle).toFixed(3)), most }));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
