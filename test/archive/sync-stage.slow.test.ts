import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { initRemote } from "../../src/archive/remote.ts";
import { takeSnapshot } from "../../src/health/snapshot.ts";
import { formatSnapshot } from "../../src/health/snapshot-text.ts";
import { fakeClock } from "../support/clock.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { CAN_MOUNT, markedShare } from "./share.ts";
import { digest, staged } from "./staged.ts";

async function localRemote(): Promise<string> {
  const root = temporaryDirectory();
  await initRemote(root, []);
  return root;
}

test("every picture is copied, proven and noted; the local ones stay; the rest of the experiment is there too", async () => {
  const remote = await localRemote();
  const { results, work, rows, falselySynced, syncing } = staged(remote);
  writeFileSync(join(results, "communicating_results.csv"), "a,b\n");
  expect(syncing.idle()).toBe(false);
  expect(await work()).toBeUndefined();
  expect(falselySynced()).toEqual([]);
  for (const row of rows()) {
    expect(row).toMatchObject({
      image_synced: 1,
      local: 1,
      remote_path: `data/${row.filename}`,
      remote_bytes: 300_000,
    });
    expect(row.remote_sha256).toBe(row.sha256);
  }
  expect(readFileSync(join(remote, "results/communicating_results.csv"), "utf8")).toBe("a,b\n");
  expect(readdirSync(join(remote, "data"))).toContain("phorest.sqlite");
  expect(syncing.idle()).toBe(true);
  expect(syncing.note()).toContain("all copied; 4 images");
});

test("keep_local = false moves: the local file goes only after the copy is proven, and the row names the copy", async () => {
  const remote = await localRemote();
  const { data, work, rows, contents } = staged(remote, { sync: "keep_local = false" });
  await work();
  for (const { filename, directory, local } of rows()) {
    expect(local).toBe(0);
    expect(directory).toBe(join(remote, "data"));
    expect(digest(readFileSync(join(directory, filename)))).toBe(digest(contents.get(filename) ?? Buffer.alloc(0)));
  }
  expect(readdirSync(data).filter((name) => name.endsWith(".png"))).toEqual([]);
});

test("a death between the record of a copy and the removal of the picture: the next start moves it", async () => {
  const remote = await localRemote();
  const { data, work, open, rows, contents, sql } = staged(remote, { sync: "keep_local = false", pictures: 2 });
  await work();
  writeFileSync(join(data, "image_1.png"), contents.get("image_1.png") ?? "");
  sql("UPDATE entry SET local = 1, directory = '.', removed_at_us = NULL WHERE id = 1");
  expect(await work(open())).toBeUndefined();
  expect(rows().map(({ local, image_synced, directory }) => [local, image_synced, directory])).toEqual(
    [1, 2].map(() => [0, 1, join(remote, "data")]),
  );
  expect(readdirSync(data)).not.toContain("image_1.png");
  expect(readdirSync(join(remote, "data")).sort()).toEqual(["image_1.png", "image_2.png", "phorest.sqlite"]);
});

test("an empty directory in the place of the data directory makes no picture missing", async () => {
  const { data, manifest, work, rows, falselySynced } = staged(await localRemote());
  renameSync(data, `${data}.away`);
  mkdirSync(data);
  expect(await work()).toMatchObject({
    code: "disk.failed",
    message: expect.stringContaining("its directory was moved, unmounted or replaced"),
  });
  expect(manifest.history.counts().missing).toBe(0);
  rmSync(data, { recursive: true });
  renameSync(`${data}.away`, data);
  expect(await work()).toBeUndefined();
  expect(rows().map(({ image_synced }) => image_synced)).toEqual([1, 1, 1, 1]);
  expect(falselySynced()).toEqual([]);
});

test("a death between the removal of the local file and its row is put right at the next start", async () => {
  const remote = await localRemote();
  const { data, manifest, work, rows } = staged(remote);
  await work();
  rmSync(join(data, "image_2.png"));
  const { missing } = manifest.recover({ maxAttempts: 3, nowUs: 1 });
  expect(missing).toEqual([]);
  expect(rows().map(({ local }) => local)).toEqual([1, 0, 1, 1]);
  expect(rows()[1]).toMatchObject({ directory: join(remote, "data"), filename: "image_2.png", missing: 0 });
  expect(manifest.recover({ maxAttempts: 3, nowUs: 1 }).missing).toEqual([]);
});

test.skipIf(!CAN_MOUNT)('files "moved" into an unmounted share', async () => {
  const { share } = await markedShare();
  const { data, work, rows, falselySynced, capture } = staged(share.point, { sync: "keep_local = false", pictures: 1 });
  await work();
  const back = share.hide();
  for (let i = 0; i < 3; i++) capture();
  expect(await work()).toMatchObject({ code: "remote.unavailable", message: expect.stringContaining("not mounted") });
  expect(readdirSync(share.point)).toEqual([]);
  expect(readdirSync(data).filter((name) => name.endsWith(".png"))).toHaveLength(3);
  expect(rows().map(({ local, image_synced }) => [local, image_synced])).toEqual([
    [0, 1],
    [1, 0],
    [1, 0],
    [1, 0],
  ]);
  back();
  expect(await work()).toBeUndefined();
  expect(falselySynced()).toEqual([]);
  expect(rows().every(({ local, image_synced }) => local === 0 && image_synced === 1)).toBe(true);
});

/** Whether a picture is there that is not whole yet. */
function isBeingCopied(directory: string): boolean {
  if (!existsSync(directory)) return false;
  const sizes = readdirSync(directory).map((name) => statSync(join(directory, name), { throwIfNoEntry: false })?.size);
  return sizes.some((size) => size !== undefined && size > 0 && size < 300_000);
}

/** The child processes of this one: those that copy to a share. One that is ending counts until its end has been noted. */
function children(): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => statOf(pid).parent === process.pid);
}

function statOf(pid: number): { readonly state?: string | undefined; readonly parent?: number } {
  try {
    const [, state, parent] = /\) (\S) (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
    return { state, parent: Number(parent) };
  } catch {
    // It has ended since it was listed.
    return {};
  }
}

/**
 * Stops the copying process at a moment at which a picture in `directory` is not whole yet. Returns what lets it continue; throws if
 * all the `copying` has ended before.
 */
async function stoppedInTheMiddle(directory: string, copying: Promise<unknown>): Promise<() => void> {
  const ended = copying.then(() => true);
  for (;;) {
    const [pid] = children();
    if (pid !== undefined) {
      process.kill(pid, "SIGSTOP");
      while (statOf(pid).state === "R" || statOf(pid).state === "S" || statOf(pid).state === "D") await sleep(1);
      if (isBeingCopied(directory)) return () => process.kill(pid, "SIGCONT");
      process.kill(pid, "SIGCONT");
    }
    if (await Promise.race([ended, sleep(20, false)])) throw new Error("everything was copied between two looks");
  }
}

test.skipIf(!CAN_MOUNT)("a share that goes in the middle of a copy costs nothing but time", async () => {
  const { share } = await markedShare();
  const slow = "keep_local = false\nmax_bytes_per_second = 150000\nparallel = 3";
  const { data, work, rows, falselySynced } = staged(share.point, { sync: slow, pictures: 6 });
  const working = work();
  const goOn = await stoppedInTheMiddle(join(share.point, "data"), working);
  const back = share.hide();
  goOn();
  expect(await working).toMatchObject({ code: "remote.unavailable" });
  expect(readdirSync(share.point)).toEqual([]);
  const moved = rows().filter(({ local }) => local === 0).length;
  expect(readdirSync(data).filter((name) => name.endsWith(".png"))).toHaveLength(6 - moved);
  back();
  expect(await work()).toBeUndefined();
  expect(falselySynced()).toEqual([]);
  expect(rows().every(({ image_synced }) => image_synced === 1)).toBe(true);
});

test("the wrong entry marked as synced when one of a batch fails to move", async () => {
  const remote = await localRemote();
  const { data, work, rows, falselySynced, lines } = staged(remote, { sync: "keep_local = false", pictures: 6 });
  rmSync(join(data, "image_2.png"));
  writeFileSync(join(data, "image_4.png"), "damaged on this disk");
  expect(await work()).toBeUndefined();
  expect(falselySynced()).toEqual([]);
  expect(rows().map(({ image_synced, local, missing }) => [image_synced, local, missing])).toEqual([
    [1, 0, 0],
    [0, 1, 1],
    [1, 0, 0],
    [0, 1, 0],
    [1, 0, 0],
    [1, 0, 0],
  ]);
  expect(readFileSync(join(data, "image_4.png"), "utf8")).toBe("damaged on this disk");
  expect(lines.filter((line) => line.includes("not copied"))).toHaveLength(2);
});

test("updates lost because the manifest was archived in between", async () => {
  const remote = await localRemote();
  const { manifest, capture, sql, rows, work, falselySynced } = staged(remote, { pictures: 3 });
  const waiting = manifest.syncing.unsynced({ limit: 9, compressedOnly: false });
  // While the copies are made, a row leaves the live tables and another one comes.
  sql("DELETE FROM entry WHERE id = 1");
  capture();
  const note = ({ entryId, filename, sha256 = "", bytes = 0 }: (typeof waiting)[number]) =>
    manifest.syncing.markSynced({ entryId, filename, sha256, bytes, remoteId: "s", remotePath: `data/${filename}` }, 5);
  expect(waiting.map(note)).toEqual([false, true, true]);
  expect(rows().map(({ id, image_synced }) => [id, image_synced])).toEqual([
    [2, 1],
    [3, 1],
    [4, 0],
  ]);
  const [second] = rows();
  expect(
    manifest.syncing.markSynced(
      {
        entryId: 4,
        filename: second?.filename ?? "",
        sha256: second?.sha256 ?? "",
        bytes: 1,
        remoteId: "s",
        remotePath: "x",
      },
      6,
    ),
  ).toBe(false);
  sql("UPDATE entry SET image_synced = 0");
  await work();
  expect(rows().every(({ image_synced }) => image_synced === 1)).toBe(true);
  expect(falselySynced()).toEqual([]);
});

test.skipIf(!CAN_MOUNT)(
  "full, then free again; read-only, then writable again: said, waited for, nothing lost",
  async () => {
    const { share } = await markedShare("4m");
    const { work, rows, falselySynced } = staged(share.point, { pictures: 6 });
    writeFileSync(join(share.point, "big"), new Uint8Array(2_600_000));
    expect(await work()).toMatchObject({ code: "remote.full", message: expect.stringContaining("is full") });
    expect(falselySynced()).toEqual([]);
    rmSync(join(share.point, "big"));
    share.writable(false);
    expect(await work()).toMatchObject({ code: "remote.refused", message: expect.stringContaining("read-only") });
    share.writable(true);
    expect(await work()).toBeUndefined();
    expect(rows().every(({ image_synced }) => image_synced === 1)).toBe(true);
    expect(falselySynced()).toEqual([]);
    expect(readdirSync(join(share.point, "data")).filter((name) => name.endsWith(".part"))).toEqual([]);
  },
);

test.skipIf(!CAN_MOUNT)("another share in its place is refused, and taken when it is accepted", async () => {
  const { share } = await markedShare();
  const { work, open, capture, rows } = staged(share.point, { pictures: 2 });
  await work();
  share.mount();
  await initRemote(share.point, []);
  capture();
  expect(await work()).toMatchObject({ message: expect.stringContaining("another share is mounted") });
  expect(readdirSync(share.point)).toEqual(["phorest-remote.json"]);
  expect(await work(open(true))).toBeUndefined();
  expect(rows().map(({ image_synced }) => image_synced)).toEqual([1, 1, 1]);
  expect(readdirSync(join(share.point, "data")).sort()).toEqual(["image_3.png", "phorest.sqlite"]);
});

test("a full share is changed for a new one and back: each copy knows its share, and our own files are known again", async () => {
  const remote = await localRemote();
  const { results, work, open, capture, rows, manifest, lines, config, sql } = staged(remote, {
    sync: "keep_local = false",
    pictures: 2,
  });
  const plot = (version: number) => writeFileSync(join(results, "plot.svg"), `<svg id="${version}"/>`);
  plot(1);
  writeFileSync(join(results, "report.csv"), "1\n");
  await work();
  const first = manifest.shares.current()?.remoteId ?? "";
  renameSync(remote, `${remote}.first`);
  mkdirSync(remote);
  const { remoteId: second } = await initRemote(remote, []);
  capture();
  plot(22);
  writeFileSync(join(results, "report.csv"), "1\n22\n");
  expect(await work()).toMatchObject({ message: expect.stringContaining("another share is mounted") });
  expect(await work(open(true))).toBeUndefined();
  expect(sql("SELECT remote_id FROM entry ORDER BY id")).toEqual(
    [first, first, second].map((id) => ({ remote_id: id })),
  );
  expect(formatSnapshot(takeSnapshot(config, 0))).toContain(
    `copies        1 image on the current share (id ${second}), 2 images on an earlier one (id ${first})`,
  );
  renameSync(remote, `${remote}.second`);
  renameSync(`${remote}.first`, remote);
  capture();
  plot(333);
  writeFileSync(join(results, "report.csv"), "1\n22\n333\n");
  expect(await work(open(true))).toBeUndefined();
  expect(rows().every(({ local, image_synced }) => local === 0 && image_synced === 1)).toBe(true);
  expect(readdirSync(join(remote, "results")).sort()).toEqual(["plot.svg", "report.csv"]);
  expect(readFileSync(join(remote, "results/plot.svg"), "utf8")).toBe('<svg id="333"/>');
  expect(readFileSync(join(remote, "results/report.csv"), "utf8")).toBe("1\n22\n333\n");
  expect(lines.filter((line) => line.includes("from another program"))).toEqual([]);
  rmSync(`${remote}.second`, { recursive: true });
});

test("a share that hangs is said so, is given up after its time, delays no end, and is used again when it answers", async () => {
  const remote = await localRemote();
  const { work, syncing, rows } = staged(remote);
  const marker = join(remote, "phorest-remote.json");
  const bytes = readFileSync(marker);
  rmSync(marker);
  // Opening a pipe that nobody writes to never returns, as a call to a dead server does not.
  spawnSync("mkfifo", [marker]);
  // The time passes for calls that hang, and for no other, however slow the machine is.
  const clock = fakeClock();
  const hanging = work();
  await clock.advance(60_000);
  expect(await hanging).toMatchObject({
    code: "remote.unavailable",
    message: expect.stringContaining("has not responded for 60 s"),
  });
  await expect.poll(children).toEqual([]);
  const stop = new AbortController();
  const cancelled = syncing.run(stop.signal);
  expect(children()).toHaveLength(1);
  stop.abort();
  await clock.advance(2000);
  expect(await cancelled).toBe(false);
  // Until the process that was given up is gone, no other one is started.
  await expect.poll(children).toEqual([]);
  rmSync(marker);
  writeFileSync(marker, bytes);
  expect(await work()).toBeUndefined();
  expect(rows().every(({ image_synced }) => image_synced === 1)).toBe(true);
});

test("a damaged picture is not copied, and is named in an alarm until a good one is in its place", async () => {
  const remote = await localRemote();
  const { config, manifest, work, rows, syncing } = staged(remote);
  manifest.repairs.markDamaged(2, 1);
  await work();
  expect(rows().map(({ image_synced }) => image_synced)).toEqual([1, 0, 1, 1]);
  expect(readdirSync(join(remote, "data"))).not.toContain("image_2.png");
  expect(syncing.idle()).toBe(true);
  expect(takeSnapshot(config, 1).alarms).toContainEqual(
    expect.stringMatching(/^1 image has changed since capture \(image_2\.png\)/),
  );
  manifest.repairs.markSound(2);
  await work();
  expect(rows().map(({ image_synced }) => image_synced)).toEqual([1, 1, 1, 1]);
  expect(takeSnapshot(config, 1).alarms.join()).not.toContain("image_2");
});

test("a backlog goes oldest first, and what is captured meanwhile does not wait for its end", async () => {
  const remote = await localRemote();
  const { syncing, capture, rows } = staged(remote, { pictures: 60 });
  const fresh = capture();
  let copied: ReturnType<typeof rows> = [];
  // A batch of a slow machine has few pictures, and the first of those captured meanwhile is among them.
  while (!copied.some(({ filename }) => filename === fresh)) {
    await syncing.run(new AbortController().signal);
    copied = rows().filter(({ image_synced }) => image_synced === 1);
  }
  expect(copied.slice(0, -1).map(({ id }) => id)).toEqual(Array.from({ length: copied.length - 1 }, (_, i) => i + 1));
  expect(copied.length).toBeLessThan(60);
});

test("pictures that compression has yet to look at wait, unless they failed", async () => {
  const { manifest, sql } = staged(temporaryDirectory(), { pictures: 3 });
  sql("UPDATE entry SET status = 'processed' WHERE id < 3");
  sql("UPDATE entry SET compression_attempted = 1 WHERE id = 2");
  const ids = (compressedOnly: boolean) =>
    manifest.syncing.unsynced({ limit: 9, compressedOnly }).map(({ entryId }) => entryId);
  expect(ids(true)).toEqual([2, 3]);
  expect(ids(false)).toEqual([1, 2, 3]);
  expect(manifest.syncing.countUnsynced(2, false)).toBe(2);
});

test("no room here for the manifest's snapshot keeps no picture from being copied", async () => {
  const remote = await localRemote();
  const { work, rows, lines } = staged(remote, { sync: "[Storage]\nmin_free_bytes = 9000000000000000" });
  expect(await work()).toBeUndefined();
  expect(rows().every(({ image_synced }) => image_synced === 1)).toBe(true);
  expect(lines.join("\n")).toContain("not enough space for a snapshot");
  expect(readdirSync(join(remote, "data"))).not.toContain("phorest.sqlite");
});
