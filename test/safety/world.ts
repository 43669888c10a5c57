// An experiment, a share, and beside them a tree of decoys that nobody may read or change.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import Database from "better-sqlite3";
import { expect, onTestFinished } from "vitest";
import type { Picture } from "../../src/image/decode.ts";
import { encodePicture } from "../../src/image/encode.ts";
import { MANIFEST_FILENAME, Manifest } from "../../src/manifest/manifest.ts";
import { ARRANGEMENTS, type Around, arrange, type Dice, HARD_LINKED, hostileName, type Names } from "./adversary.ts";
import { filesBelow, stateOf } from "./experiments.ts";

/** `PHOREST_NAMES_SEED` repeats a run; it is part of every message. */
export const SEED = Number(process.env.PHOREST_NAMES_SEED ?? Date.now() % 1e9);
/** No own picture has this value anywhere; all pixels of the decoys have. */
export const DECOY_PIXEL = 211;
const SIZE = { width: 24, height: 16, bitDepth: 8 } as const;
const flat = (value: number): Picture => ({ ...SIZE, pixels: new Uint8Array(SIZE.width * SIZE.height).fill(value) });

/** In memory where there is such a place: thousands of files are flushed to the disk. */
const PLACE = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

export class World {
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
    expect(this.manifest.checks.integrityProblems(), where).toEqual([]);
  }
}

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

function unpacked(content: Buffer): Buffer {
  if (content[0] !== 0x1f) return content;
  try {
    return gunzipSync(content);
  } catch {
    return content;
  }
}
