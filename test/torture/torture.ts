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
import { type Acknowledged, type Judgement, judge } from "./checker.ts";
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

export interface TortureReport {
  readonly kills: number;
  /** How often each thing was done. */
  readonly events: Readonly<Record<string, number>>;
  /** Whether file systems could be mounted; without, nothing fills up or goes away. */
  readonly mounted: boolean;
  /** Whether this build copies to a share. */
  readonly syncing: boolean;
  readonly seconds: number;
  readonly judgement: Judgement;
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
] as const;
type Event = (typeof EVENTS)[number];

const asksToEnd = (event: Event) => event === "SIGTERM" || event === "SIGINT";

const LONGEST_START_MS = 30_000;
const LONGEST_STOP_MS = 60_000;
const CAPTURED = /collector entry (\d+): (\S+): captured in/g;

/** Runs the torture and judges what is left. Throws when the program hangs, or does not come to rest at the end. */
export async function torture(options: TortureOptions): Promise<TortureReport> {
  const startedMs = performance.now();
  const world = createWorld(options.localBytes, options.remoteBytes);
  try {
    writeFileSync(join(world.local, "config.toml"), configText(world, true));
    const syncing = (await phorest(["init-remote", world.remote], world.local)).code === 0;
    const acknowledged = new Map<number, Acknowledged>();
    const events: Record<string, number> = {};
    const random = randomNumbers(options.seed);
    let kills = 0;
    while (kills < options.kills) {
      const event = EVENTS[Math.floor(random() * EVENTS.length)] ?? "nothing";
      const done = await round(world, event, random, options.lifeMs, acknowledged);
      events[done] = (events[done] ?? 0) + 1;
      if (!asksToEnd(event)) kills += 1;
      options.say(`${kills} kills, ${acknowledged.size} frames acknowledged; last: ${done}`);
    }
    await comeToRest(world);
    const judgement = await judge(world.local, [...acknowledged.values()]);
    const seconds = (performance.now() - startedMs) / 1000;
    return { kills, events, mounted: world.mounted, syncing, seconds, judgement };
  } finally {
    world.remove();
  }
}

/** One life of the program, and what befell it; returns what really happened. */
async function round(
  world: World,
  event: Event,
  random: () => number,
  lifeMs: number,
  acknowledged: Map<number, Acknowledged>,
): Promise<string> {
  const readOnly = event === "local read-only at the start" && world.readOnly("local", true);
  const { child, ended } = start(["run"], world.local);
  let spoken = "";
  const captured = new Promise<void>((resolve) => {
    child.stderr?.on("data", (chunk: Buffer) => {
      spoken += chunk.toString();
      for (const [, entryId, filename] of spoken.matchAll(CAPTURED)) {
        witness(world, Number(entryId), filename ?? "", acknowledged);
        resolve();
      }
      spoken = spoken.slice(spoken.lastIndexOf("\n") + 1);
    });
  });
  // One life in five ends while it starts or recovers, the others while everything overlaps.
  if (random() > 0.2) await Promise.race([captured, ended, sleep(LONGEST_START_MS)]);
  await sleep(random() * 400);
  const done = await befall(world, event, readOnly);
  await sleep(random() * lifeMs);
  if (event === "SIGTERM" || event === "SIGINT") {
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
  return done;
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
  writeFileSync(join(world.local, "config.toml"), configText(world, false));
  const { child, ended } = start(["run", "--until-idle"], world.local);
  const limit = setTimeout(() => child.kill("SIGKILL"), 10 * LONGEST_STOP_MS);
  const { code, stderr } = await ended;
  clearTimeout(limit);
  if (code !== 0) throw new Error(`the last run ended with ${code}:\n${stderr.slice(-3000)}`);
}

async function inTime(ended: Promise<Ended>): Promise<void> {
  const late = Symbol("late");
  const first = await Promise.race([ended, sleep(LONGEST_STOP_MS, late, { ref: false })]);
  if (first === late) throw new Error("a signal did not end the program");
}

/** All stages on; what this build does not have yet it says and leaves out. */
function configText(world: World, camera: boolean): string {
  return `
[Paths]
remote_root_dir = "${world.remote}"
[Services]
enable_camera = ${camera}
enable_file_backup = true
enable_remote_sync = true
enable_image_compression = true
[Timing]
collector_interval_seconds = 0.05
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
[Storage]
min_free_bytes = 2_000_000
[Report]
plot_interval_seconds = 60
[Supervisor]
heartbeat_seconds = 0.5
shutdown_timeout_seconds = ${camera ? 30 : 600}
`;
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

/** The report as it stands in bench/README.md. */
export function reportText({ kills, events, mounted, syncing, seconds, judgement }: TortureReport): string {
  const { acknowledged, frames, live, archived, compressed, synced, removed, ...rest } = judgement;
  const { local, remote, released, csvLines, faults } = rest;
  const befell = Object.entries(events)
    .sort()
    .map(([event, times]) => `${event} ${times}`)
    .join(", ");
  return `## \`npm run torture -- --kills ${kills}\`

| | |
|---|---|
| kill -9 | ${kills}, in ${Math.round(seconds)} s |
| what befell it besides | ${befell}${mounted ? "" : " (mounting is not permitted here)"} |
| copying to the share | ${syncing ? "on" : "not in this build"} |
| frames acknowledged / found | ${acknowledged} / ${frames} |
| live / archived | ${live} / ${archived} |
| compressed / copied and verified / removed here | ${compressed} / ${synced} / ${removed} |
| picture here / on the share / let go of | ${local} / ${remote} / ${released} |
| CSV lines | ${csvLines} |
| faults | ${faults.length} |
${faults
  .slice(0, 20)
  .map((fault) => `\n- ${fault}`)
  .join("")}`;
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
