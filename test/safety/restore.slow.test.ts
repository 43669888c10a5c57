// A backup is data: whatever its database, its lists and its settings name, a restore writes into the new directory only,
// and reads nothing but the backup and the pictures it is given.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { restore } from "../../src/archive/restore.ts";
import { writeSnapshot } from "../../src/archive/snapshot.ts";
import { roiManifestPath } from "../../src/config/config.ts";
import { finished, LATER_US } from "../archive/finished.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { filesBelow, stateOf } from "./experiments.ts";

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

interface Backup {
  readonly snapshot: string;
  readonly home: string;
  /** Where the restored experiment goes; beside it are things that must not be touched. */
  readonly into: string;
  readonly pictures: string;
  change(name: string, change: (bytes: Buffer) => Buffer | string): void;
  database(sql: string): void;
}

/** A backup of two frames, a home directory to restore in, and pictures of every name that is asked for. */
async function backup(): Promise<Backup> {
  const at = await finished(2, 0);
  mkdirSync(at.config.Assets.generated_files_dir, { recursive: true });
  writeFileSync(roiManifestPath(at.config), "{}");
  const { path: snapshot } = await writeSnapshot({
    config: at.config,
    roiManifestFile: roiManifestPath(at.config),
    nowUs: LATER_US,
  });
  const home = temporaryDirectory();
  mkdirSync(join(home, ".ssh"));
  writeFileSync(join(home, ".ssh", "authorized_keys"), "my own key");
  writeFileSync(join(home, "secret.txt"), "secret");
  const pictures = join(home, "given", "data");
  mkdirSync(join(home, "given", ".ssh"), { recursive: true });
  mkdirSync(pictures);
  writeFileSync(join(home, "given", ".ssh", "authorized_keys"), "the attacker's key");
  const sums = () => {
    const list = filesBelow(snapshot).filter((name) => name !== "SHA256SUMS");
    const lines = list.map((name) => `${sha256(readFileSync(join(snapshot, name)))}  ${name}\n`);
    writeFileSync(join(snapshot, "SHA256SUMS"), lines.join(""));
  };
  const change: Backup["change"] = (name, changed) => {
    const path = join(snapshot, name);
    writeFileSync(path, changed(readFileSync(path)));
    if (name !== "SHA256SUMS") sums();
  };
  const database = (sql: string) =>
    change("phorest.sqlite.gz", (bytes) => {
      const file = join(temporaryDirectory(), "x.sqlite");
      writeFileSync(file, gunzipSync(bytes));
      const db = new Database(file);
      db.exec(sql);
      db.close();
      return gzipSync(readFileSync(file));
    });
  return { snapshot, home, into: join(home, "again"), pictures, change, database };
}

const restored = ({ snapshot, into, pictures }: Backup) =>
  restore({ snapshot, into, pictures, withHistory: true, nowUs: LATER_US });

/** Everything in `home` but what was restored. */
function outside({ home }: Backup): Record<string, string> {
  return Object.fromEntries(
    Object.entries(stateOf(home)).filter(([name]) => name !== "again" && !name.startsWith("again/")),
  );
}

test.each([
  "../../.ssh/authorized_keys",
  "../.ssh/authorized_keys",
  "phorest.sqlite",
  "..",
  "/tmp/x.png",
  "../again.png",
])("a row that names %j writes nothing", async (name) => {
  const at = await backup();
  at.database(`UPDATE entry SET filename = '${name}', sha256 = NULL, bytes = NULL, local = 1 WHERE id = 1`);
  const before = outside(at);
  expect(await restored(at)).toMatchObject({ refused: 1 });
  expect(outside(at)).toEqual(before);
  const data = filesBelow(join(at.into, "data"));
  expect(data).toEqual(["phorest.sqlite"]);
  const db = new Database(join(at.into, "data", "phorest.sqlite"), { readonly: true });
  expect(db.pragma("integrity_check", { simple: true })).toBe("ok");
  expect(db.prepare("SELECT missing FROM entry WHERE id = 1").pluck().get()).toBe(1);
  db.close();
});

test("a link, a pipe and a picture of another content among the given pictures are not brought in", async () => {
  const at = await backup();
  at.database(`
    UPDATE entry SET sha256 = NULL, bytes = NULL, local = 1, filename = 'picture' || id || '.png';
    INSERT INTO entry (captured_at_us, directory, filename, status, sha256) VALUES
      (1, '.', 'pipe.png', 'processed', NULL), (2, '.', 'other.png', 'processed', '${sha256(Buffer.from("this"))}'),
      (3, '.', 'good.png', 'processed', '${sha256(Buffer.from("this"))}')`);
  symlinkSync(join(at.home, "secret.txt"), join(at.pictures, "picture1.png"));
  symlinkSync(at.home, join(at.pictures, "picture2.png"));
  execFileSync("mkfifo", [join(at.pictures, "pipe.png")]);
  writeFileSync(join(at.pictures, "other.png"), "that");
  writeFileSync(join(at.pictures, "good.png"), "this");
  expect(await restored(at)).toMatchObject({ pictures: 1, missing: 4 });
  expect(filesBelow(join(at.into, "data"))).toEqual(["good.png", "phorest.sqlite"]);
});

test("a copy that is said to lie outside of the share is not taken for one", async () => {
  const at = await backup();
  at.database(
    `UPDATE entry SET local = 1, missing = 0, image_synced = 1, remote_path = '../../x/secret.png', remote_sha256 = 'x'`,
  );
  expect(await restored(at)).toMatchObject({ remote: 0, missing: 2 });
});

const damages: Record<string, (at: Backup) => void> = {
  "a list of hashes that names a file outside": (at) =>
    at.change("SHA256SUMS", (bytes) => `${bytes}${sha256(Buffer.from("secret"))}  ../../../secret.txt\n`),
  "a list that names an absolute path": (at) =>
    at.change("SHA256SUMS", (bytes) => `${bytes}${sha256(Buffer.from("secret"))}  ${join(at.home, "secret.txt")}\n`),
  "a link to another plot": (at) =>
    symlinkSync(join(at.home, "secret.txt"), join(at.snapshot, "processed_data_plot_x.png")),
  "a link in the place of the settings": (at) => {
    const settings = readFileSync(join(at.snapshot, "config.toml"));
    writeFileSync(join(at.home, "settings.toml"), settings);
    rmSync(join(at.snapshot, "config.toml"));
    symlinkSync(join(at.home, "settings.toml"), join(at.snapshot, "config.toml"));
  },
  "an archive outside of the backups": (at) =>
    at.change("backup.json", (bytes) => {
      const facts = JSON.parse(bytes.toString());
      return JSON.stringify({ ...facts, archives: [{ path: "history/..", sha256: sha256(Buffer.from("x")) }] });
    }),
};

test.each(Object.keys(damages))("%s is damage, and nothing is written", async (kind) => {
  const at = await backup();
  damages[kind]?.(at);
  const before = stateOf(at.home);
  await expect(restored(at)).rejects.toMatchObject({ code: "backup.damaged" });
  expect(stateOf(at.home)).toEqual(before);
});

test("the name of the ROI manifest in a backup's settings does not lead out of the restored directory", async () => {
  const at = await backup();
  at.change("config.toml", (bytes) =>
    bytes.toString().replace(/roi_manifest_filename = .*/, 'roi_manifest_filename = "../../.ssh/authorized_keys"'),
  );
  const before = outside(at);
  await restored(at);
  expect(outside(at)).toEqual(before);
  expect(existsSync(join(at.into, "generated_files", "ROI_manifest.json"))).toBe(true);
  expect(readFileSync(join(at.into, "config.toml"), "utf8")).not.toContain(basename(".ssh"));
});
