// Everything that removes or replaces pictures is switched on, and everything that goes wrong with them happens at random:
// frames fail, the database is damaged and repaired, experiments of other programs are imported, the share is away.
// After each round a judge who only knows the files asks of every picture that was ever there: is it still there, is a
// verified copy of it on the share, or did it give a good result?
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { command as phorest } from "../run/commands.ts";
import { experiment, QUICK_CONFIG, start } from "../run/program.ts";

const ROUNDS = 8;
/** PHOREST_SEED=N for another story. */
const SEED = Number(process.env.PHOREST_SEED ?? 5);
const FRAMES_A_ROUND = 6;
const OUTSIDE = { image_angle: 0, ROI_A: { label: "A", flip: false, coords: [9000, 9000], size: [15, 37] } };

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** mulberry32. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

class World {
  readonly root = experiment();
  readonly share = join(this.root, "share");
  readonly foreign = join(this.root, "foreign");
  readonly experiment = join(this.root, "experiment");
  readonly data = join(this.experiment, "data");
  /** Every picture that was ever seen, by the hash of its plain content. */
  readonly seen = new Map<string, string>();
  imports = 0;

  constructor() {
    for (const directory of [this.share, this.foreign, this.experiment]) mkdirSync(directory);
    mkdirSync(join(this.experiment, "generated_files"));
  }

  configure(syncing: boolean, keepLocal: boolean): void {
    const text = `${QUICK_CONFIG.replace('camera_type = "simulated"', 'camera_type = "simulated"\nformat = "tiff"')}
[Paths]
remote_root_dir = "${this.share}"
[Services]
enable_remote_sync = ${syncing}
enable_image_compression = true
enable_file_backup = true
[Sync]
keep_local = ${keepLocal}
[Buffer]
image_buffer_size = 3
[Backup]
keep = 1
archive_after_days = 0.00002
[Storage]
min_free_bytes = 1000
`;
    const timing =
      "[Timing]\ncompress_interval_seconds = 0.2\nsync_interval_seconds = 0.2\nfile_backup_interval_seconds = 1\n";
    writeFileSync(join(this.experiment, "config.toml"), text.replace("[Timing]\n", timing));
  }

  /** Notes every picture under `directory`; called as often as pictures may appear. */
  look(directory: string): void {
    for (const [hash, path] of contents(directory)) if (!this.seen.has(hash)) this.seen.set(hash, path);
  }

  /** An experiment of another program: pictures that were measured there, pictures that wait, files that are none. */
  makeForeign(): string {
    this.imports += 1;
    const directory = join(this.foreign, `old-${this.imports}`);
    mkdirSync(directory);
    const pictures = readdirSync(this.data)
      .filter((name) => name.endsWith(".tiff"))
      .slice(0, 3);
    const entries = pictures.map((name, nth) => {
      const own = `old_${this.imports}_${nth}.tiff`;
      // A picture of its own: a byte behind the picture changes its hash and nothing else.
      writeFileSync(join(directory, own), Buffer.concat([readFileSync(join(this.data, name)), Buffer.from([nth])]));
      return own;
    });
    writeFileSync(join(directory, "thesis.docx"), `thesis ${this.imports}`);
    const names = [...entries, "thesis.docx", "../../experiment/data/phorest.sqlite", "phorest.sqlite", "/etc/passwd"];
    writeFileSync(
      join(directory, "metadata_manifest.json"),
      JSON.stringify(
        names.map((filename, nth) => ({
          entry_timestamp_iso: `2025-01-0${this.imports}T00:00:0${nth}Z`,
          camera_data: { filename, filepath: nth % 2 === 0 ? directory : this.data },
          processing_status: nth % 2 === 0 ? "processed" : "pending",
          data_transmitted: true,
        })),
      ),
    );
    return directory;
  }

  /** Overwrites a page of the database, not the first, which would leave nothing to repair. */
  damage(random: () => number): void {
    const file = join(this.data, "phorest.sqlite");
    const pages = Math.floor(statSync(file).size / 4096);
    const page = 2 + Math.floor(random() * (pages - 2));
    const descriptor = openSync(file, "r+");
    writeSync(descriptor, Buffer.alloc(4096, 0xff), 0, 4096, page * 4096);
    closeSync(descriptor);
  }
}

/** By what the system says of a file: it is looked at thirty times a second, and hardly ever changes. */
const knownHashes = new Map<string, string>();

/** Of the plain content of a file. */
function contentHash(path: string): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  const kind = path.endsWith(".gz") ? "packed" : "plain";
  const key = [dev, ino, size, mtimeNs, ctimeNs, kind].join(":");
  const known = knownHashes.get(key);
  if (known !== undefined) return known;
  const bytes = readFileSync(path);
  const hash = sha256(kind === "packed" ? gunzipSync(bytes) : bytes);
  // A file that is being written may change within one tick of the system's clock.
  const ageMs = Date.now() - Number(ctimeNs / 1_000_000n);
  if (ageMs > 1000) knownHashes.set(key, hash);
  return hash;
}

/** Every file below a directory that may hold a picture, by the hash of its plain content. */
function* contents(directory: string): Generator<[hash: string, path: string]> {
  if (!existsSync(directory)) return;
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.(tiff|docx)(\.gz)?$/.test(entry.name) || entry.name.startsWith(".")) continue;
    const path = join(entry.parentPath, entry.name);
    try {
      yield [contentHash(path), path];
    } catch (error) {
      // Removed or replaced between the listing and the reading.
      if (existsSync(path) && !(error instanceof Error && "code" in error)) throw error;
    }
  }
}

/** Names of pictures with at least one position in a CSV here or in the archive. */
function measuredNames(root: string): Set<string> {
  const names = new Set<string>();
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.csv(\.gz)?$/.test(entry.name)) continue;
    const bytes = readFileSync(join(entry.parentPath, entry.name));
    const text = (entry.name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
    const [head = [], ...lines] = text.split("\n").map((line) => line.split(","));
    const [position, name] = [head.indexOf("resonance_position_px"), head.indexOf("image_filename")];
    for (const line of lines) {
      if (Number.isFinite(Number.parseFloat(line[position] ?? ""))) names.add((line[name] ?? "").replace(/\.gz$/, ""));
    }
  }
  return names;
}

test(`${ROUNDS} rounds of everything that can go wrong (seed ${SEED}): no picture without a verified copy or a good result is removed`, {
  timeout: 1_200_000,
}, async () => {
  const random = randomNumbers(SEED);
  const chance = (share: number) => random() < share;
  const world = new World();
  const run = async (...args: string[]) => phorest(args, world.experiment);
  world.configure(true, true);
  expect((await run("init-remote", world.share)).code).toBe(0);
  expect((await run("run", "--frames", "4", "--until-idle")).code).toBe(0);
  const rois = join(world.experiment, "generated_files", "ROI_manifest.json");
  const fitting = readFileSync(rois, "utf8");
  const away = join(world.root, "share-away");
  const told: string[] = [];

  for (let round = 1; round <= ROUNDS; round += 1) {
    const syncing = chance(0.6);
    const keepLocal = chance(0.5);
    world.configure(syncing, keepLocal);
    world.look(world.data);
    const misfit = chance(0.4);
    writeFileSync(rois, misfit ? JSON.stringify(OUTSIDE) : fitting);
    const gone = chance(0.3);
    if (gone) renameSync(world.share, away);
    const unreadable = chance(0.3);
    if (unreadable) writeFileSync(join(world.data, `broken_${round}.tiff`), `no picture ${round}`);
    const damaged = chance(0.3);
    if (damaged) world.damage(random);
    const foreign = chance(0.4) && !damaged ? world.makeForeign() : undefined;
    if (foreign !== undefined) {
      world.look(foreign);
      await run("import", foreign);
    }
    const what = JSON.stringify({ round, syncing, keepLocal, misfit, gone, unreadable, damaged, foreign });
    told.push(what);

    const { child, ended } = start(["run", "--frames", String(FRAMES_A_ROUND)], world.experiment);
    const looking = setInterval(() => world.look(world.data), 30);
    const limit = setTimeout(() => child.kill("SIGINT"), 100_000);
    const { code, stderr } = await ended;
    clearInterval(looking);
    clearTimeout(limit);
    world.look(world.data);
    if (gone) renameSync(away, world.share);
    if (damaged) {
      const { code: repaired, stderr: why, stdout } = await run("verify", "--repair");
      expect([0, 1, 3], `${what}\n${stdout}${why}`).toContain(repaired);
    }
    expect([0, 1, 2, 3], `${what}\n${stderr.slice(-2000)}`).toContain(code);
    judge(world, `${told.join("\n")}\n${stderr.slice(-3000)}`);
  }
  world.configure(true, true);
  writeFileSync(rois, fitting);
  const last = await run("run", "--frames", "1", "--until-idle");
  expect([0, 3], last.stderr.slice(-2000)).toContain(last.code);
  judge(world, last.stderr.slice(-3000));
  expect(world.seen.size).toBeGreaterThan(ROUNDS * 2);
});

function judge(world: World, story: string): void {
  const here = new Set([...contents(world.data), ...contents(world.foreign)].map(([hash]) => hash));
  const copied = new Set([...contents(world.share)].map(([hash]) => hash));
  const measured = measuredNames(world.experiment);
  const lost = [...world.seen].filter(([hash, path]) => {
    if (here.has(hash) || copied.has(hash)) return false;
    const name = (path.split("/").at(-1) ?? "").replace(/\.gz$/, "");
    return path.startsWith(world.foreign) || !measured.has(name);
  });
  expect(
    lost.map(([, path]) => path),
    story,
  ).toEqual([]);
  // Another program's files stay where they are, even where a copy of them is on the share.
  const foreign = [...world.seen].filter(([, path]) => path.startsWith(world.foreign));
  expect(
    foreign.filter(([hash]) => !here.has(hash)).map(([, path]) => path),
    story,
  ).toEqual([]);
}
