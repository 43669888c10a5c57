// 10,000 hostile names and arrangements of files through everything that opens, writes or removes a file by a name it was
// given. Beside the experiment is a tree of decoys, some of them pictures that can be decoded: nothing in it is changed,
// and nothing of it turns up in the experiment, in what was decoded, or on the share.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { decodePicture, type Picture } from "../../src/analysis/decode.ts";
import { compressPicture } from "../../src/archive/compress.ts";
import { copyPictures } from "../../src/archive/pictures.ts";
import { RateLimit } from "../../src/archive/rate.ts";
import { initRemote } from "../../src/archive/remote.ts";
import { placePictures } from "../../src/archive/restore-pictures.ts";
import { checkPicture } from "../../src/archive/verify-pictures.ts";
import { Failure } from "../../src/failure.ts";
import { encodePicture } from "../../src/frame/encode.ts";
import { Folder } from "../../src/frame/folder.ts";
import { readTaken } from "../../src/frame/storing.ts";
import { importExperiment } from "../../src/manifest/established-import.ts";
import { MANIFEST_FILENAME, Manifest } from "../../src/manifest/manifest.ts";
import { placeOf } from "../../src/manifest/picture-place.ts";
import { recover, settleForms } from "../../src/supervisor/recovery.ts";
import { removePicture } from "../../src/system/picture-file.ts";
import { ShownPicture } from "../../src/web/shown-picture.ts";
import { memoryLog } from "../archive/pictures.ts";
import { ARRANGEMENTS, type Around, arrange, Dice, HARD_LINKED, hostileName, type Names } from "./adversary.ts";
import { established, filesBelow, stateOf, writeMetadata } from "./experiments.ts";

/** `PHOREST_NAMES_SEED` repeats a run; it is part of every message. */
const SEED = Number(process.env.PHOREST_NAMES_SEED ?? Date.now() % 1e9);
const CASES = 10_000;
const PER_WORLD = 500;

/** No own picture has this value anywhere; all pixels of the decoys have. */
const DECOY_PIXEL = 211;
const SIZE = { width: 24, height: 16, bitDepth: 8 } as const;
const flat = (value: number): Picture => ({ ...SIZE, pixels: new Uint8Array(SIZE.width * SIZE.height).fill(value) });

/** In memory where there is such a place: thousands of files are flushed to the disk. */
const PLACE = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

class World {
  readonly root = mkdtempSync(join(PLACE, "phorest-names-"));
  readonly dice: Dice;
  readonly data = join(this.root, "experiment", "data");
  readonly share = join(this.root, "share");
  readonly decoyDirectory = join(this.root, "decoys");
  readonly decoys: readonly string[];
  readonly hashes: ReadonlySet<string>;
  readonly names: Names;
  readonly around: Around;
  readonly before: Record<string, string>;
  manifest: Manifest;
  #made = 0;

  private constructor(dice: Dice, own: Buffer, decoy: Buffer) {
    this.dice = dice;
    onTestFinished(() => rmSync(this.root, { recursive: true, force: true }));
    for (const directory of [this.data, this.share, this.decoyDirectory]) mkdirSync(directory, { recursive: true });
    const files: [string, string | Buffer][] = [
      ["secret.txt", "the secret of the decoys"],
      ["id_rsa", "the key of the decoys"],
      ["decoy.png", decoy],
      ["a.png", decoy],
      ["b-1.png", decoy],
      ["phorest.sqlite", "the database of the decoys"],
    ];
    for (const [name, content] of files) writeFileSync(join(this.decoyDirectory, name), content);
    symlinkSync("decoy.png", join(this.decoyDirectory, "link.png"));
    this.decoys = files.map(([name]) => join(this.decoyDirectory, name));
    this.hashes = new Set(files.map(([, content]) => sha256(Buffer.from(content))));
    const pipe = join(this.root, "pipe");
    execFileSync("mkfifo", [pipe]);
    const ownNames = [MANIFEST_FILENAME, `${MANIFEST_FILENAME}-wal`, "config.toml", "web_token"];
    this.around = {
      own,
      decoys: this.decoys,
      decoyDirectory: this.decoyDirectory,
      kept: [...ownNames, HARD_LINKED],
      pipe,
    };
    this.names = { own: ownNames, decoys: this.decoys, up: "../../decoys" };
    this.before = stateOf(this.decoyDirectory);
    this.manifest = Manifest.open({ file: join(this.data, MANIFEST_FILENAME) });
    onTestFinished(() => this.manifest.close());
  }

  static async make(dice: Dice): Promise<World> {
    const [own, decoy] = await Promise.all([encodePicture(flat(77), "png"), encodePicture(flat(DECOY_PIXEL), "png")]);
    return new World(dice, Buffer.from(own), Buffer.from(decoy));
  }

  get roots() {
    return { dataDir: this.data, remoteRoot: this.share, followLinks: false };
  }

  name(): string {
    return hostileName(this.dice, this.names);
  }

  /** A new directory of the experiment's own. */
  directory(kind: string): string {
    this.#made += 1;
    const directory = join(this.root, "experiment", `${kind}${this.#made}`);
    mkdirSync(directory);
    return directory;
  }

  arrange(directory: string, name: string): void {
    arrange(this.dice, directory, name, this.dice.pick(ARRANGEMENTS), this.around);
  }

  /** Rows as another version or another hand may have left them, each with something under its name. */
  rows(count: number, columns: { local?: number; remote?: boolean } = {}): void {
    this.manifest.close();
    const db = new Database(join(this.data, MANIFEST_FILENAME));
    const insert = db.prepare(`
      INSERT OR IGNORE INTO entry (origin, captured_at_us, directory, filename, status, data_transmitted, image_synced,
        remote_path, remote_sha256, remote_bytes, local, sha256, bytes)
      VALUES ('imported', @at, @directory, @filename, @status, 1, @synced, @remote, @sha256, @bytes, @local, @sha256, @bytes)`);
    const own = this.around.own;
    for (let at = 0; at < count; at++) {
      const name = this.name();
      const remote = columns.remote === true ? this.name() : null;
      const known = this.dice.below(3) === 0;
      this.arrange(this.data, name);
      if (remote !== null) this.arrange(this.share, remote);
      insert.run({
        at,
        // A link on the way; the data directory itself otherwise.
        directory: this.dice.below(6) === 0 ? join(this.root, "experiment", "away") : ".",
        filename: name,
        status: this.dice.pick(["pending", "processed", "failed"]),
        synced: remote === null ? 0 : 1,
        remote,
        local: columns.local ?? 1,
        sha256: known ? sha256(own) : null,
        bytes: known ? own.length : null,
      });
    }
    db.close();
    this.manifest = Manifest.open({ file: join(this.data, MANIFEST_FILENAME) });
  }

  /** Nothing of the decoys was changed, and nothing of them is anywhere else. */
  check(what: string): void {
    const where = `seed ${SEED}: ${what}`;
    expect(stateOf(this.decoyDirectory), where).toEqual(this.before);
    for (const directory of [join(this.root, "experiment"), this.share]) {
      for (const name of filesBelow(directory)) {
        const content = readFileSync(join(directory, name));
        const leaked = this.hashes.has(sha256(content)) || this.hashes.has(sha256(unpacked(content)));
        expect(leaked, `${where}: ${JSON.stringify(name)} holds a decoy`).toBe(false);
      }
    }
    // Readable, and still the experiment's.
    expect(this.manifest.integrityProblems(), where).toEqual([]);
  }
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

function unpacked(content: Buffer): Buffer {
  if (content[0] !== 0x1f) return content;
  try {
    return gunzipSync(content);
  } catch {
    return content;
  }
}

/** What `work` gives; undefined where it refuses with a Failure, which is a proper answer. Anything else fails the test. */
async function allowed<T>(work: () => Promise<T> | T): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Failure && !error.code.startsWith("internal")) return undefined;
    throw error;
  }
}

function noDecoy(pixels: ArrayLike<number> | undefined, what: string): void {
  if (pixels === undefined) return;
  expect(Array.from(pixels).includes(DECOY_PIXEL), `seed ${SEED}: ${what} shows a decoy`).toBe(false);
}

const nowUs = () => 1e15;

/** Each takes about `count` names. */
const OPERATIONS: Readonly<Record<string, (world: World, count: number) => Promise<void>>> = {
  import: async (world, count) => {
    const old = world.directory("old");
    symlinkSync(world.decoyDirectory, join(old, "away"));
    const places = ["", ".", "..", old, world.decoyDirectory, "../../decoys", "away", "away/.", "/", "\0", "none"];
    const entries = Array.from({ length: count }, (_, at) => {
      const name = world.name();
      world.arrange(old, name);
      return established(at, name, world.dice.pick(places));
    });
    writeMetadata(old, entries);
    const adopt = world.dice.below(2) === 0 ? { keepFreeBytes: 0 } : undefined;
    await importExperiment(world.manifest, old, nowUs(), { adopt });
    for (const { filepath, filename } of world.manifest.pictures()) {
      const picture = await allowed(() => decodePicture(placeOf({ filepath, filename }, world.roots)));
      noDecoy(picture?.pixels, `the import of ${JSON.stringify(filename)}`);
    }
  },
  restore: async (world, count) => {
    const source = world.directory("pictures");
    world.rows(count, { remote: true });
    for (const { filename } of world.manifest.pictures()) {
      world.arrange(source, filename);
      if (world.dice.below(4) === 0) world.arrange(source, `${filename}.gz`);
    }
    const remoteRoot = world.share;
    await placePictures(world.manifest, { source, dataDir: world.data, remoteRoot, nowUs: nowUs() });
  },
  recover: async (world, count) => {
    world.rows(count, { remote: true });
    for (let at = 0; at < count / 4; at++) world.arrange(world.data, `${world.name()}.gz`);
    const { log } = memoryLog();
    const found = recover({
      ...{ manifest: world.manifest, dataDir: world.data, runId: runOf(world.manifest), maxAttempts: 3, log, nowUs },
      ...{ remoteRoot: world.share, adopt: true, followLinks: false },
    });
    await allowed(() => settleForms(found, world.manifest, log));
  },
  watch: async (world, count) => {
    const watchDir = world.directory("watched");
    const folder = new Folder({ watchDir, stableSeconds: 0.001, takenBefore: () => undefined });
    for (let at = 0; at < count; at++) world.arrange(watchDir, world.name());
    await folder.open();
    const { signal } = new AbortController();
    for (let at = 0; at < count; at++) {
      const frame = await allowed(() => folder.capture(signal));
      const file = frame?.file;
      if (file === undefined) break;
      // Another file takes its place before it is stored.
      if (world.dice.below(2) === 0) arrange(world.dice, watchDir, file.name, "link to a file", world.around);
      const bytes = await allowed(() => readTaken(file));
      expect(bytes === undefined || bytes.equals(world.around.own), `seed ${SEED}: ${file.name} was watched`).toBe(
        true,
      );
    }
    await folder.close();
  },
  compress: async (world, count) => {
    for (let at = 0; at < count; at++) {
      const name = world.name();
      world.arrange(world.data, name);
      if (world.dice.below(3) === 0) world.arrange(world.data, `${name}.gz`);
      await allowed(() => compressPicture(world.data, name, undefined, { level: 1, minSavingPercent: -100 }));
    }
  },
  remove: async (world, count) => {
    const { own } = world.around;
    for (let at = 0; at < count; at++) {
      const name = world.name();
      world.arrange(world.data, name);
      const known = { bytes: own.length, sha256: sha256(own) };
      await allowed(() => removePicture(world.data, name, world.dice.pick([known, { bytes: own.length }, {}])));
    }
  },
  serve: async (world, count) => {
    world.rows(count, { local: world.dice.below(2), remote: true });
    for (const { filepath, filename, entryId } of world.manifest.pictures()) {
      const what = `serving ${JSON.stringify(filename)}`;
      const measured = await allowed(() => decodePicture(placeOf({ filepath, filename }, world.roots)));
      noDecoy(measured?.pixels, what);
      const shown = await allowed(() => {
        const file = placeOf({ filepath, filename }, world.roots);
        return ShownPicture.read({ key: `${entryId}`, file, where: filename }, { keepsDecoded: true });
      });
      noDecoy(shown?.decoded?.pixels, what);
    }
  },
  copy: async (world, count) => {
    world.rows(count);
    const { remoteId } = await initRemote(world.share, []);
    const context = { root: world.share, remoteId, rate: new RateLimit(0), signal: new AbortController().signal };
    if (world.dice.below(2) === 0) symlinkSync(world.decoyDirectory, join(world.share, `away${world.dice.below(1e9)}`));
    const places = ["data", "elsewhere/deep", ...filesAndLinks(world.share)];
    const tasks = [...world.manifest.pictures()].map(({ entryId, filepath, filename }) => {
      const remotePath = `${world.dice.pick(places)}/picture${entryId}.png`;
      return { entryId, picture: { filepath, filename }, source: join(filepath, filename), remotePath };
    });
    for (const task of tasks) {
      const answer = await copyPictures([task], { ...context, progress: () => undefined }, ONE_BY_ONE(world));
      expect(answer.copied.length + answer.refused.length + (answer.failure === undefined ? 0 : 1)).toBe(1);
    }
  },
  verify: async (world, count) => {
    world.rows(count, { remote: true });
    const context = {
      ...{ roots: world.roots, remoteRoot: world.share, shareId: undefined, repairs: world.manifest.repairs },
      ...{ nowUs: nowUs(), remoteThere: () => true, unseen: () => undefined, elsewhere: () => undefined },
    };
    for (const row of [...world.manifest.pictures()]) await allowed(() => checkPicture(row, context));
  },
};

const ONE_BY_ONE = (world: World) => ({ parallel: 1, limitMs: 60_000, roots: world.roots });

const filesAndLinks = (share: string): string[] =>
  Object.keys(stateOf(share)).filter((name) => name.startsWith("away") && !name.includes("/"));

const runOf = (manifest: Manifest): number =>
  manifest.beginRun({ config: "{}", version: "0", nodeVersion: "0", host: "t", pid: 1, startedAtUs: 1 });

test(`${CASES} hostile names and arrangements leave everything outside alone (seed ${SEED})`, {
  timeout: 300_000,
}, async () => {
  const dice = new Dice(SEED);
  const operations = Object.entries(OPERATIONS);
  for (let done = 0; done < CASES; done += PER_WORLD) {
    const world = await World.make(dice);
    symlinkSync(world.decoyDirectory, join(world.root, "experiment", "away"));
    const count = Math.ceil(PER_WORLD / operations.length);
    for (const [name, operation] of operations.sort(() => dice.next() - 0.5)) {
      await operation(world, count);
      world.check(`cases ${done} to ${done + PER_WORLD}, ${name}`);
    }
    world.manifest.close();
    rmSync(world.root, { recursive: true, force: true });
  }
});
