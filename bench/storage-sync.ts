// Measures the cost of copying to the share: npx tsx bench/storage-sync.ts [--to DIR] [--rounds N] [--quick]
//   throughput: our verified copies against `cp` and `sha256sum` of the same files to the same directory, alternating, the
//     fastest of the rounds; with and without flushing, which ours always does.
//   decision: choosing the next batch, noting a copy and counting what waits, after 1,000 and after 1,000,000 entries (--quick: 100,000).
// Prints one line per result, then all of them as one line of JSON.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import Database from "better-sqlite3";
import { copyPictures, type PictureTask } from "../src/archive/pictures.ts";
import { RateLimit } from "../src/archive/rate.ts";
import { initRemote } from "../src/archive/remote.ts";
import { MANIFEST_FILENAME, Manifest } from "../src/manifest/manifest.ts";
import { digestFile } from "../src/system/digest.ts";

const { values: options } = parseArgs({
  options: { to: { type: "string" }, rounds: { type: "string" }, quick: { type: "boolean" } },
});
const QUICK = options.quick === true;
const ROUNDS = Number(options.rounds ?? (QUICK ? 2 : 7));
const MANY = QUICK ? 100_000 : 1_000_000;
const MEMORY = "/dev/shm";
const figures: Record<string, number> = {};

function report(name: string, value: number, text: string): void {
  figures[name] = Math.round(value * 1000) / 1000;
  process.stdout.write(`${name.padEnd(34)} ${text}\n`);
}

async function timed(work: () => Promise<unknown> | unknown): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

/** Measures the milliseconds of our copies and of plain ones, alternating. */
async function throughput(place: string, to: string, count: number, bytes: number): Promise<void> {
  const from = mkdtempSync(join(MEMORY, "phorest-bench-"));
  const root = mkdtempSync(join(to, "phorest-bench-"));
  try {
    const { remoteId } = await initRemote(root, []);
    const tasks: PictureTask[] = [];
    for (let i = 0; i < count; i += 1) {
      const source = join(from, `image_${i}.png`);
      writeFileSync(source, randomBytes(bytes));
      const picture = { filepath: from, filename: `image_${i}.png` };
      const { sha256 } = await digestFile(source);
      tasks.push({ entryId: i, picture, source, remotePath: `ours/image_${i}.png`, sha256 });
    }
    const context = {
      root,
      remoteId,
      rate: new RateLimit(0),
      signal: new AbortController().signal,
      progress: () => undefined,
    };
    const roots = { dataDir: from, remoteRoot: root, followLinks: false };
    const ours = async () => {
      const { copied, failure } = await copyPictures(tasks, context, { parallel: 2, limitMs: 600_000, roots });
      if (copied.length !== count) throw new Error(failure?.message ?? "not all were copied");
    };
    const plain = (flush: string) => () =>
      execFileSync("sh", [
        "-c",
        `mkdir "$2/plain" && cp "$1"/*.png "$2/plain" ${flush} && sha256sum "$2/plain"/*.png > "$2/sums"`,
        "sh",
        from,
        root,
      ]);
    const best = { ours: Number.POSITIVE_INFINITY, plain: Number.POSITIVE_INFINITY, flushed: Number.POSITIVE_INFINITY };
    for (let round = 0; round < ROUNDS; round += 1) {
      best.ours = Math.min(best.ours, await timed(ours));
      rmSync(join(root, "ours"), { recursive: true });
      best.plain = Math.min(best.plain, await timed(plain("")));
      rmSync(join(root, "plain"), { recursive: true });
      best.flushed = Math.min(best.flushed, await timed(plain('&& sync "$2/plain"/*.png')));
      rmSync(join(root, "plain"), { recursive: true });
    }
    const rate = (count * bytes) / 1e3 / best.ours;
    const [alone, flushed] = [best.plain / best.ours, best.flushed / best.ours];
    const name = `${place}_${count}x${bytes / 1e6}MB`;
    report(
      name,
      alone,
      `${alone.toFixed(2)} × cp + sha256sum, ${flushed.toFixed(2)} × cp + sync + sha256sum, ${rate.toFixed(0)} MB/s`,
    );
    figures[`${name}_flushed`] = Math.round(flushed * 1000) / 1000;
  } finally {
    rmSync(from, { recursive: true, force: true });
    rmSync(root, { recursive: true, force: true });
  }
}

/** Returns the median µs of one decision with `history` entries, of which the last `waiting` are not copied yet. */
async function decision(history: number, waiting: number): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), "phorest-bench-"));
  mkdirSync(directory, { recursive: true });
  const file = join(directory, MANIFEST_FILENAME);
  Manifest.open({ file }).close();
  const db = new Database(file);
  db.pragma("synchronous = OFF");
  db.exec(`
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${history})
    INSERT INTO entry (captured_at_us, directory, filename, bytes, sha256, status, image_synced, remote_path)
    SELECT i, '.', 'image_' || i || '.png', 2000000, 'x' || i, 'processed', i <= ${history - waiting}, 'data/image_' || i FROM n`);
  db.close();
  const manifest = Manifest.open({ file });
  try {
    const { syncing } = manifest;
    const times: number[] = [];
    for (let round = 0; round < 300; round += 1) {
      times.push(
        await timed(() => {
          const next = syncing.unsynced({ limit: 24, compressedOnly: false });
          const newest = syncing.unsynced({ limit: 8, compressedOnly: false, afterEntryId: history - 4 });
          if (next.length === 0 || newest.length === 0) throw new Error("nothing waits");
          syncing.countUnsynced(1001, false);
        }),
      );
    }
    return (times.sort((a, b) => a - b)[times.length >> 1] ?? Number.NaN) * 1000;
  } finally {
    manifest.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

await throughput("memory", MEMORY, 50, 2e6);
await throughput("memory", MEMORY, 6, 50e6);
await throughput("disk", options.to ?? tmpdir(), 50, 2e6);
await throughput("disk", options.to ?? tmpdir(), 6, 50e6);
const few = await decision(1000, 100);
const many = await decision(MANY, 100);
report(
  "decision_ratio",
  many / few,
  `${(many / few).toFixed(2)} × (${few.toFixed(0)} µs after 1,000, ${many.toFixed(0)} µs after ${MANY} entries)`,
);
const backlog = await decision(MANY, MANY);
const small = await decision(1000, 1000);
report(
  "decision_backlog_ratio",
  backlog / small,
  `${(backlog / small).toFixed(2)} × (${small.toFixed(0)} µs with 1,000, ${backlog.toFixed(0)} µs with ${MANY} waiting)`,
);
console.log(JSON.stringify({ bench: "storage-sync", ...figures }));
