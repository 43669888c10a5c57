// A scripted bad week: the real program, killed at random instants while disks fill up, turn read-only and go away.
//
//   npm run torture [-- --kills 200 --seed 1]
//
// prints a report for bench/README.md; exit code 1 when the judge found a fault.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Ended, phorest, start } from "../run/program.ts";
import { type Acknowledged, judge } from "./checker.ts";
import { Mischief } from "./mischief.ts";
import { reportText, type TortureReport } from "./report.ts";
import { createWorld, type World } from "./world.ts";

export interface TortureOptions {
  /** Rounds that end in SIGKILL. */
  readonly kills: number;
  /** Start of the random numbers that choose what happens. When exactly it happens remains the machine's. */
  readonly seed: number;
  readonly localBytes: number;
  readonly remoteBytes: number;
  /** The longest a life goes on after what befalls it, ms. */
  readonly lifeMs: number;
  say(line: string): void;
}

/** What happens to the world in a round, before the process is ended. */
const EVENTS = [
  "nothing",
  "nothing",
  "share gone",
  "share full",
  "share read-only",
  "local full",
  "local read-only at the start",
  "SIGTERM",
  "SIGINT",
  "SIGHUP",
  "ROI manifest that does not fit",
] as const;
type Event = (typeof EVENTS)[number];

type Signal = "SIGTERM" | "SIGINT" | "SIGHUP";
const asksToEnd = (event: Event): event is Signal => event.startsWith("SIG");

/** So many frames of its own most lives have, however slow the machine is: a torture needs some to judge. */
const FRAMES_A_LIFE = 2;
/** A life whose disk takes no frames is not waited for. */
const LONGEST_START_MS = 60_000;
const LONGEST_STOP_MS = 240_000;
const LONGEST_REST_MS = 600_000;
const CAPTURED = /collector entry (\d+): (\S+): captured in/g;

/** Runs the torture and judges what is left. Throws when the program hangs, or does not come to rest at the end. */
export async function torture(options: TortureOptions): Promise<TortureReport> {
  const startedMs = performance.now();
  const world = createWorld(options.localBytes, options.remoteBytes);
  const mischief = new Mischief(world);
  try {
    configure(world, true);
    const syncing = (await phorest(["init-remote", world.remote], world.local)).code === 0;
    const acknowledged = new Map<number, Acknowledged>();
    const events: Record<string, number> = {};
    const random = randomNumbers(options.seed);
    let kills = 0;
    while (kills < options.kills) {
      // Drawing takes as much as all the rest of a life: one in three draws.
      configure(world, true, kills % 3 === 0);
      const event = EVENTS[Math.floor(random() * EVENTS.length)] ?? "nothing";
      const done = await round(world, mischief, event, random, options.lifeMs, acknowledged);
      events[done] = (events[done] ?? 0) + 1;
      if (!asksToEnd(event)) kills += 1;
      // Once each, and the stuck picture for a third of all lives.
      if (kills > options.kills / 4 && events["bad names"] === undefined && mischief.addBadNames())
        events["bad names"] = 1;
      if (kills > options.kills / 3 && events["stuck picture"] === undefined && mischief.makeStuck())
        events["stuck picture"] = 1;
      if (kills > (options.kills * 2) / 3) mischief.freeStuck();
      options.say(`${kills} kills, ${acknowledged.size} frames acknowledged; last: ${done}`);
    }
    mischief.freeStuck();
    await comeToRest(world);
    const judgement = await judge(world.local, [...acknowledged.values()], mischief.notTaken);
    const seconds = (performance.now() - startedMs) / 1000;
    return { kills, events, mounted: world.mounted, syncing, seconds, judgement };
  } finally {
    mischief.freeStuck();
    world.remove();
  }
}

/** One life of the program, and what befell it; returns what really happened. */
async function round(
  world: World,
  mischief: Mischief,
  event: Event,
  random: () => number,
  lifeMs: number,
  acknowledged: Map<number, Acknowledged>,
): Promise<string> {
  // Before the disk may turn read-only.
  const misfit = event === "ROI manifest that does not fit" && mischief.misfitRois();
  const readOnly = event === "local read-only at the start" && world.readOnly("local", true);
  const { child, ended } = start(["run"], world.local);
  let spoken = "";
  let frames = 0;
  const captured = new Promise<void>((resolve) => {
    child.stderr?.on("data", (chunk: Buffer) => {
      spoken += chunk.toString();
      for (const [, entryId, filename] of spoken.matchAll(CAPTURED)) {
        witness(world, Number(entryId), filename ?? "", acknowledged);
        frames += 1;
        if (frames === FRAMES_A_LIFE) resolve();
      }
      spoken = spoken.slice(spoken.lastIndexOf("\n") + 1);
    });
  });
  // One life in five ends while it starts or recovers, the others while everything overlaps.
  if (random() > 0.2) await Promise.race([captured, ended, sleep(LONGEST_START_MS)]);
  await sleep(random() * 400);
  const done = await befall(world, event, readOnly);
  await sleep(random() * lifeMs);
  if (asksToEnd(event)) {
    child.kill(event);
    await inTime(ended);
  } else {
    child.kill("SIGKILL");
    const { code, stderr } = await ended;
    // A program that refuses its own configuration would survive everything. One whose disk was full or read-only before
    // it had its lock is right to refuse.
    const startable = !readOnly && done !== "local full";
    if (code === 2 && startable) throw new Error(`the program did not start:\n${stderr.slice(-1000)}`);
  }
  makeGood(world, random);
  mischief.fitRois();
  return event === "ROI manifest that does not fit" && !misfit ? "nothing" : done;
}

/** The picture as it lies there right after the program said that it is safe. */
function witness(world: World, entryId: number, filename: string, acknowledged: Map<number, Acknowledged>): void {
  if (acknowledged.has(entryId)) return;
  const path = join(world.local, "data", filename);
  let sha256: string | undefined;
  try {
    sha256 = createHash("sha256").update(readFileSync(path)).digest("hex");
  } catch (error) {
    // Compressed or moved already; the row's own hash is the witness then.
    if (existsSync(path)) throw error;
  }
  acknowledged.set(entryId, { entryId, filename, sha256 });
}

async function befall(world: World, event: Event, readOnly: boolean): Promise<string> {
  if (!world.mounted) return asksToEnd(event) ? event : "nothing";
  switch (event) {
    case "share gone":
      world.unmountRemote();
      return event;
    case "share full":
      // Of an earlier life it may still be read-only.
      world.readOnly("remote", false);
      world.fill("remote");
      return event;
    case "share read-only":
      return (await readOnlySoon(world)) ? event : "share read-only (refused: in use)";
    case "local full":
      world.fill("local");
      return event;
    case "local read-only at the start":
      return readOnly ? event : "local read-only (refused: in use)";
    case "SIGTERM":
    case "SIGINT":
    case "SIGHUP":
    case "ROI manifest that does not fit":
    case "nothing":
      return event;
  }
}

/** The system refuses while a file is open for writing there, and a copy is made most of the time: between two of them. */
async function readOnlySoon(world: World): Promise<boolean> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (world.readOnly("remote", true)) return true;
    await sleep(2);
  }
  return false;
}

/** The local disk is always mended, the share only sometimes: outages last for several lives. */
function makeGood(world: World, random: () => number): void {
  world.empty("local");
  world.readOnly("local", false);
  if (random() < 0.4) return;
  mendShare(world);
}

function mendShare(world: World): void {
  world.remountRemote();
  world.readOnly("remote", false);
  world.empty("remote");
}

/** A clean run without a camera until nothing is waiting any more. */
async function comeToRest(world: World): Promise<void> {
  mendShare(world);
  configure(world, false);
  const { child, ended } = start(["run", "--until-idle"], world.local);
  const limit = setTimeout(() => child.kill("SIGKILL"), LONGEST_REST_MS);
  const { code, stderr } = await ended;
  clearTimeout(limit);
  // 3: frames that the ROI manifest did not fit stay failed.
  if (code !== 0 && code !== 3) throw new Error(`the last run exited with ${code}:\n${stderr.slice(-3000)}`);
}

async function inTime(ended: Promise<Ended>): Promise<void> {
  const late = Symbol("late");
  const first = await Promise.race([ended, sleep(LONGEST_STOP_MS, late, { ref: false })]);
  if (first === late) throw new Error("a signal did not end the program");
}

/** All stages on, without the web page; what this build does not have yet it says and leaves out. */
function configure({ local, remote }: World, camera: boolean, plot = true): void {
  const text = `
[Paths]
remote_root_dir = "${remote}"
[Services]
enable_camera = ${camera}
enable_file_backup = true
enable_remote_sync = true
enable_image_compression = true
[Timing]
collector_interval_seconds = 0.1
communicator_interval_seconds = 0.1
compress_interval_seconds = 0.3
file_backup_interval_seconds = 1
sync_interval_seconds = 0.3
[Buffer]
image_buffer_size = 20
[Backup]
keep = 2
archive_after_days = 0.00002
[Data_Analysis]
also = ["tracking"]
workers = 1
[Camera]
camera_type = "simulated"
format = "tiff"
[Simulation]
width = 640
height = 480
speckle = 0
[Storage]
min_free_bytes = 2_000_000
[Report]
plot = ${plot}
plot_interval_seconds = 60
[Web]
enabled = false
[Supervisor]
heartbeat_seconds = 0.5
shutdown_timeout_seconds = ${camera ? 30 : 600}
`;
  writeFileSync(join(local, "config.toml"), text);
}

/** mulberry32: numbers from 0 to 1, the same for the same seed. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { kills: { type: "string", default: "200" }, seed: { type: "string", default: "1" } },
  });
  const report = await torture({
    kills: Number(values.kills),
    seed: Number(values.seed),
    localBytes: 512 * 1024 * 1024,
    remoteBytes: 1024 * 1024 * 1024,
    lifeMs: 1500,
    say: (line) => process.stderr.write(`${line}\n`),
  });
  process.stdout.write(`${reportText(report)}\n`);
  process.exitCode = report.judgement.faults.length > 0 ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
