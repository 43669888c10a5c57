import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { moveOut } from "../../src/archive/archive-move.ts";
import type { Finding } from "../../src/archive/finding.ts";
import { initRemote } from "../../src/archive/remote.ts";
import { writeSnapshot } from "../../src/archive/snapshot.ts";
import { verify } from "../../src/archive/verify.ts";
import { command as phorest } from "../run/commands.ts";
import { type Finished, finished, LATER_US } from "./finished.ts";

const sha = (text: string) => createHash("sha256").update(text).digest("hex");

/** Four frames whose pictures, copies and hashes are as they should be; the fourth was moved to the share. */
async function sound(): Promise<Finished> {
  const at = await finished(4, 0);
  const remote = at.config.Paths.remote_root_dir;
  mkdirSync(join(remote, "data"), { recursive: true });
  const { remoteId } = await initRemote(remote, []);
  at.manifest.shares.bind({ remoteId, root: remote }, LATER_US);
  for (let n = 0; n < 4; n += 1) {
    const text = `picture ${n}`;
    const name = `image_${n}.png`;
    if (n < 3) writeFileSync(join(at.root, "data", name), text);
    writeFileSync(join(remote, "data", name), text);
    at.sql(`UPDATE entry SET bytes = ${text.length}, sha256 = '${sha(text)}', image_synced = 1,
      remote_id = '${remoteId}', remote_path = 'data/${name}', remote_bytes = ${text.length}, remote_sha256 = '${sha(text)}' WHERE id = ${n + 1}`);
  }
  at.sql(`UPDATE entry SET local = 0, directory = '${join(remote, "data")}' WHERE id = 4`);
  at.sql(
    `INSERT INTO synced_file VALUES ('${remoteId}', 'results/a.csv', 1, 0, '${sha("a")}', 'results/a.csv', 0, NULL)`,
  );
  mkdirSync(join(remote, "results"));
  writeFileSync(join(remote, "results/a.csv"), "a");
  return at;
}

async function findings(at: Finished, repair = false): Promise<Finding[]> {
  const found: Finding[] = [];
  await verify({ ...common(at, repair), found: (finding) => found.push(finding), progress: () => undefined });
  return found;
}

const common = ({ config, manifest }: Finished, repair: boolean) => ({
  config,
  manifest,
  repair,
  records: repair,
  running: false,
  nowUs: LATER_US,
});

const here = (at: Finished, name: string) => join(at.root, "data", name);
const there = (at: Finished, name: string) => join(at.config.Paths.remote_root_dir, "data", name);

test("an experiment as it was recorded has no findings", async () => {
  expect(await findings(await sound())).toEqual([]);
});

const OWN_NAME = "image_20260304_100000_000000_cam0.png";

type Break = (at: Finished) => void;
test.each<[string, string, Break]>([
  ["a picture is gone, its copy is good", "missing", (at) => rmSync(here(at, "image_0.png"))],
  [
    "a picture is gone and was never copied",
    "missing",
    (at) => {
      rmSync(here(at, "image_0.png"));
      at.sql("UPDATE entry SET image_synced = 0, remote_path = NULL WHERE id = 1");
    },
  ],
  ["a byte of a picture changed", "damaged", (at) => writeFileSync(here(at, "image_1.png"), "picture x")],
  ["a picture was cut off", "damaged", (at) => writeFileSync(here(at, "image_1.png"), "pict")],
  ["a hash was never recorded", "not known before", (at) => at.sql("UPDATE entry SET sha256 = NULL WHERE id = 2")],
  ["a copy is gone", "copy gone", (at) => rmSync(there(at, "image_2.png"))],
  ["a copy changed", "copy damaged", (at) => writeFileSync(there(at, "image_2.png"), "picture y")],
  ["the only copy, on the share, is gone", "copy gone", (at) => rmSync(there(at, "image_3.png"))],
  ["the only copy, on the share, changed", "copy damaged", (at) => writeFileSync(there(at, "image_3.png"), "pic")],
  ["a picture came back", "returned", (at) => at.sql("UPDATE entry SET missing = 1 WHERE id = 1")],
  ["a picture has no row", "unknown file", (at) => writeFileSync(here(at, OWN_NAME), "new")],
  ["a frame is in nobody's hand", "stuck", (at) => at.sql("UPDATE entry SET status = 'processing' WHERE id = 1")],
  ["a copied file is gone", "copy gone", (at) => rmSync(join(at.config.Paths.remote_root_dir, "results/a.csv"))],
])("%s: found, said with its cure, repaired, and then known", async (_what, kind, break_) => {
  const at = await sound();
  break_(at);
  const files = () =>
    [1, 2, 3].map((n) => [here(at, `image_${n}.png`), there(at, `image_${n}.png`)].map(contentOrNone));
  const before = files();
  const [first, ...rest] = await findings(at);
  expect(rest).toEqual([]);
  expect(first).toMatchObject({ kind, repaired: undefined });
  expect(first?.cure).not.toBe("");
  expect((await findings(at, true))[0]?.repaired).toBeDefined();
  expect(await findings(at)).toEqual([]);
  expect(files()).toEqual(before);
});

test("an image of another program without a row waits for the next run, which finds its times and pages", async () => {
  const at = await sound();
  writeFileSync(here(at, "stack.ome.tif"), "not read here");
  const [found, ...rest] = await findings(at, true);
  expect(rest).toEqual([]);
  expect(found).toMatchObject({
    kind: "unknown file",
    cure: "the next run adds it, with the times and pages that it has",
    repaired: undefined,
  });
  expect(at.manifest.entries.knowsFile("stack.ome.tif")).toBe(false);
});

function contentOrNone(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Gone is an answer here.
    return undefined;
  }
}

describe.each([
  ["imported", 2],
  ["adopted", 4],
])("an %s image without a recorded hash", (origin, id) => {
  test("is no finding: its hash is recorded by the first check that may write, and later changes are found", async () => {
    const at = await sound();
    at.sql(`UPDATE entry SET sha256 = NULL, remote_sha256 = NULL, origin = '${origin}' WHERE id = ${id}`);
    const check = async (records: boolean) => {
      const found: Finding[] = [];
      const options = {
        ...common(at, false),
        records,
        found: (one: Finding) => found.push(one),
        progress: () => undefined,
      };
      const { recorded, unrecorded } = await verify(options);
      return [found.map(({ kind }) => kind), recorded, unrecorded];
    };
    expect(at.manifest.checks.hasUnrecorded()).toBe(true);
    expect(await check(false)).toEqual([[], 0, 1]);
    expect(await check(true)).toEqual([[], 1, 0]);
    expect(at.manifest.checks.hasUnrecorded()).toBe(false);
    expect(at.manifest.checks.picture(id)?.sha256).toBe(sha(`picture ${id - 1}`));
    expect(await check(true)).toEqual([[], 0, 0]);
    for (const file of [here, there]) writeFileSync(file(at, `image_${id - 1}.png`), "picture x");
    expect((await check(true))[0]).not.toEqual([]);
  });
});

test("a damaged picture is marked, never accepted: its recorded hash stays, and a good copy put in place clears it", async () => {
  const at = await sound();
  writeFileSync(here(at, "image_1.png"), "picture x");
  await findings(at, true);
  expect(at.manifest.checks.picture(2)).toMatchObject({ damaged: true, sha256: sha("picture 1"), bytes: 9 });
  writeFileSync(here(at, "image_1.png"), "picture 1");
  await findings(at, true);
  expect(at.manifest.checks.picture(2)).toMatchObject({ damaged: false });
});

test("a share that is away is one finding, and no copy is taken for lost", async () => {
  const at = await sound();
  rmSync(at.config.Paths.remote_root_dir, { recursive: true });
  mkdirSync(at.config.Paths.remote_root_dir);
  expect(await findings(at, true)).toMatchObject([{ kind: "remote away" }]);
  expect([...at.manifest.checks.pictures()].every(({ synced, missing }) => synced && !missing)).toBe(true);
});

test("another share in its place is no share, and none of its files is taken for a copy", async () => {
  const at = await sound();
  await otherShare(at);
  expect(await findings(at, true)).toMatchObject([
    { kind: "remote away", meaning: expect.stringContaining("another share is mounted") },
  ]);
  expect([...at.manifest.checks.pictures()].every(({ synced, missing }) => synced && !missing)).toBe(true);
});

/** Mounts an empty share in the place of the one there; returns its id, and what puts the first one back. */
async function otherShare({ config }: Finished): Promise<{ remoteId: string; back: () => void }> {
  const remote = config.Paths.remote_root_dir;
  renameSync(remote, `${remote}.first`);
  mkdirSync(remote);
  const { remoteId } = await initRemote(remote, []);
  const back = () => {
    renameSync(remote, `${remote}.second`);
    renameSync(`${remote}.first`, remote);
  };
  return { remoteId, back };
}

async function verified(at: Finished, repair: boolean) {
  return await verify({ ...common(at, repair), found: () => undefined, progress: () => undefined });
}

test("a new share in place of a full one: what lies on the first is said to lie there, nothing is marked, and mounted again it is checked", async () => {
  const at = await sound();
  const first = at.manifest.shares.current()?.remoteId ?? "";
  const { remoteId, back } = await otherShare(at);
  at.manifest.shares.bind({ remoteId, root: at.config.Paths.remote_root_dir }, LATER_US + 1);
  const before = [...at.manifest.checks.pictures()];
  for (const repair of [false, true]) {
    expect(await verified(at, repair)).toMatchObject({
      findings: 0,
      unseenCopies: 0,
      elsewhere: [{ remoteId: first, pictures: 4, files: 1, first: "image_0.png", last: "image_3.png" }],
    });
  }
  expect([...at.manifest.checks.pictures()]).toEqual(before);
  expect(at.manifest.shares.all().map(({ remoteId: id, pictures, inUse }) => [id, pictures, inUse])).toEqual([
    [first, 4, false],
    [remoteId, 0, true],
  ]);
  back();
  expect(await verified(at, true)).toMatchObject({ findings: 0, elsewhere: [] });
  writeFileSync(there(at, "image_2.png"), "picture y");
  rmSync(there(at, "image_3.png"));
  expect(await findings(at)).toMatchObject([{ kind: "copy damaged" }, { kind: "copy gone" }]);
});

test("copies in an archive of a time with one share only are found on the first share, not on the one in use", async () => {
  const at = await sound();
  const first = at.manifest.shares.current()?.remoteId ?? "";
  at.manifest.shares.bind({ remoteId: "second", root: "/mnt" }, LATER_US + 1);
  at.sql("UPDATE entry SET remote_id = NULL WHERE id <= 2");
  expect(at.manifest.shares.all().map(({ pictures }) => pictures)).toEqual([2, 0]);
  at.manifest.shares.attributeToFirst();
  expect([...at.manifest.checks.pictures()].map(({ remoteId }) => remoteId)).toEqual([first, first, first, first]);
  expect(at.manifest.shares.all().map(({ pictures }) => pictures)).toEqual([4, 0]);
});

test("a picture gone from here whose copy is on a share that is not mounted is not given up", async () => {
  const at = await sound();
  const { remoteId, back } = await otherShare(at);
  at.manifest.shares.bind({ remoteId, root: at.config.Paths.remote_root_dir }, LATER_US + 1);
  rmSync(here(at, "image_1.png"));
  const [found, ...rest] = await findings(at, true);
  expect(rest).toEqual([]);
  expect(found).toMatchObject({ kind: "missing", meaning: expect.stringContaining("not mounted") });
  expect(found?.repaired).toBeUndefined();
  expect(at.manifest.history.counts().missing).toBe(0);
  back();
  expect(await findings(at, true)).toMatchObject([{ kind: "missing", repaired: expect.stringContaining("the copy") }]);
  expect(at.manifest.checks.picture(2)).toMatchObject({ local: false, missing: false });
});

test("a share that goes away in the middle of the check costs no row its copy", async () => {
  const at = await sound();
  const remote = at.config.Paths.remote_root_dir;
  const found: Finding[] = [];
  await verify({
    ...common(at, true),
    found: (finding) => found.push(finding),
    progress: (done) => {
      if (done === 2) renameSync(remote, `${remote}.away`);
    },
  });
  expect(found).toMatchObject([{ kind: "remote away", meaning: expect.stringContaining("2 copies were not checked") }]);
  expect([...at.manifest.checks.pictures()].every(({ synced, missing }) => synced && !missing)).toBe(true);
});

test.each<[string, (at: Finished) => void]>([
  [
    "compressed",
    (at) => {
      renameSync(here(at, "image_1.png"), here(at, "image_1.png.gz"));
      setTimeout(() => at.sql("UPDATE entry SET filename = 'image_1.png.gz' WHERE id = 2"), 50);
    },
  ],
  [
    "let go of",
    (at) => {
      rmSync(here(at, "image_1.png"));
      const directory = join(at.config.Paths.remote_root_dir, "data");
      setTimeout(() => at.sql(`UPDATE entry SET local = 0, directory = '${directory}' WHERE id = 2`), 50);
    },
  ],
])("beside a run, a picture that is just being %s is no finding", async (_what, change) => {
  const at = await sound();
  const found: Finding[] = [];
  const progress = (done: number) => {
    if (done === 1) change(at);
  };
  await verify({ ...common(at, false), running: true, found: (finding) => found.push(finding), progress });
  expect(found).toEqual([]);
});

test("beside a run, a picture that stays away is a finding", async () => {
  const at = await sound();
  rmSync(here(at, "image_1.png"));
  const found: Finding[] = [];
  await verify({
    ...common(at, false),
    running: true,
    found: (finding) => found.push(finding),
    progress: () => undefined,
  });
  expect(found).toMatchObject([{ kind: "missing", subject: "image_1.png" }]);
});

test("a changed backup and a changed archive are found", async () => {
  const at = await sound();
  at.sql("UPDATE entry SET missing = 0, local = 0 WHERE id = 1");
  rmSync(here(at, "image_0.png"));
  const answer = await at.history({ syncing: true });
  await moveOut(at.manifest, answer!.written, { syncing: true, nowUs: () => LATER_US });
  const { path } = await writeSnapshot({ config: at.config, roiManifestFile: "none", nowUs: LATER_US });
  expect(await findings(at)).toEqual([]);
  writeFileSync(join(path, "README.txt"), "x");
  rmSync(join(at.backupDir, answer!.written.path, "index.json"));
  expect((await findings(at)).map(({ kind }) => kind).sort()).toEqual(["archive", "backup"]);
});

test("on the command line: 0 for clean, 3 with findings, 2 without an experiment, one line each", async () => {
  const at = await sound();
  at.manifest.close();
  const clean = await phorest(["verify"], at.root);
  expect([clean.code, clean.stdout]).toEqual([
    0,
    "4 images, 0 archives, 0 backups checked: everything is as recorded\n",
  ]);
  writeFileSync(here(at, "image_1.png"), "picture x");
  const found = await phorest(["verify"], at.root);
  expect(found.code).toBe(3);
  expect(found.stdout.trim().split("\n")).toHaveLength(2);
  expect(found.stdout).toMatch(/^damaged +image_1\.png: its content differs from the recorded hash/);
  const json = await phorest(["verify", "--repair", "--json"], at.root);
  expect(JSON.parse(json.stdout)).toMatchObject({ findings: [{ kind: "damaged" }], repaired: 1 });
  expect((await phorest(["verify"], join(at.root, "results"))).code).toBe(2);
});
