// Measures the cost of managing stored pictures: npx tsx bench/storage.ts [--quick] [--dir DIR] [--only gzip|decisions|recovery]
// Prints one line per result, then all of them as one line of JSON. Needs about 2 GB in DIR (--quick: 0.3 GB) and removes it.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import Database from "better-sqlite3";
import { compressPicture } from "../src/archive/compress.ts";
import type { StageLog } from "../src/log/logger.ts";
import { MANIFEST_FILENAME, Manifest } from "../src/manifest/manifest.ts";
import { createSimulator } from "../src/simulator/simulator.ts";
import { recover } from "../src/supervisor/recovery.ts";

const { values: options } = parseArgs({
  options: { quick: { type: "boolean" }, dir: { type: "string" }, only: { type: "string" } },
});
const QUICK = options.quick === true;
const RECOVERED = 100_000;
/** Unit in which the kernel counts processor time, ms. */
const TICK_MS = 10;

const figures: Record<string, number> = {};
const silent = () => undefined;
const SILENT: StageLog = { error: silent, warn: silent, info: silent, debug: silent, log: silent };

function report(name: string, value: number, text: string): void {
  figures[name] = Math.round(value * 1000) / 1000;
  process.stdout.write(`${name.padEnd(34)} ${text}\n`);
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Returns the processor time of this process, or of its finished children, ms. */
function cpuMs(whose: "own" | "children"): number {
  if (whose === "own") {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  }
  const fields = readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[13]) + Number(fields[14])) * TICK_MS;
}

/** Returns pictures of the simulated chip, with noise, as pixels in the form of a bitmap or plain TIFF. */
function pixels(pictures: number): Buffer {
  const simulator = createSimulator({ width: 1920, height: 1460 });
  return Buffer.concat(Array.from({ length: pictures }, (_, i) => Buffer.from(simulator.render(i, i + 1).pixels)));
}

async function benchGzip(directory: string): Promise<void> {
  const picture = pixels(QUICK ? 4 : 12);
  const path = join(directory, "picture.bmp");
  const theirs: number[] = [];
  const packing: number[] = [];
  const whole: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    writeFileSync(path, picture);
    const child = cpuMs("children");
    spawnSync("sh", ["-c", `gzip -6 -c ${path} > ${path}.theirs`]);
    theirs.push(cpuMs("children") - child);
    const before = cpuMs("own");
    gzipSync(picture, { level: 6, chunkSize: 4 * 2 ** 20 });
    packing.push(cpuMs("own") - before);
    const all = cpuMs("own");
    const outcome = await compressPicture(dirname(path), basename(path), undefined, { level: 6, minSavingPercent: 0 });
    whole.push(cpuMs("own") - all);
    if (outcome.kind !== "compressed") throw new Error(`the picture was not compressed: ${outcome.kind}`);
    if (round === 0) {
      const { bytes, originalBytes } = outcome;
      report("gzip saving", 1 - bytes / originalBytes, `${Math.round(100 * (1 - bytes / originalBytes))} % smaller`);
    }
    rmSync(`${path}.gz`);
  }
  const rate = (ms: number) => `${((picture.length / 1e6 / ms) * 1000).toFixed(0)} MB/s`;
  const [gzip, pack, all] = [Math.min(...theirs), Math.min(...packing), Math.min(...whole)];
  report("gzip -6", gzip, `${rate(gzip)} per core`);
  report("packing against gzip -6", gzip / pack, `${(gzip / pack).toFixed(2)} times as fast, ${rate(pack)} per core`);
  report(
    "whole step against gzip -6",
    gzip / all,
    `${(gzip / all).toFixed(2)} times as fast, reading back, unpacking and both hashes included`,
  );
}

/** Makes a manifest with a history, of which the newest `local` pictures are stored locally. */
function historyOf(directory: string, entries: number, local: number, copied: boolean): Manifest {
  const file = join(mkdtempSync(join(directory, "history-")), MANIFEST_FILENAME);
  Manifest.open({ file }).close();
  const db = new Database(file);
  db.pragma("synchronous = OFF");
  db.prepare(`
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < @entries)
    INSERT INTO entry (captured_at_us, directory, filename, bytes, sha256, status, data_transmitted, local,
      compression_attempted, image_synced, remote_sha256)
    SELECT 1772600000000000 + i * 10000000, '.', printf('image_%010d_cam0.png', i), 2000000, hex(randomblob(32)),
      'processed', 1, i > @entries - @local, 1, @copied, iif(@copied, 'x', NULL) FROM n`).run({
    entries,
    local,
    copied: copied ? 1 : 0,
  });
  db.close();
  return Manifest.open({ file });
}

/** Measures one check of the ring buffer and the compressor, repeated as often as in a round, µs each. */
function decide({ storage, history }: Manifest, rounds: number): number {
  const startMs = performance.now();
  for (let i = 0; i < rounds; i += 1) {
    history.counts();
    storage.removable(64, true);
    storage.obstacle(true);
    storage.uncompressed(1);
  }
  return ((performance.now() - startMs) * 1000) / rounds;
}

function benchDecisions(directory: string): void {
  const many = QUICK ? 100_000 : 1_000_000;
  const cases = [
    { name: "ring buffer, history on the share", local: (_: number) => 300, copied: true },
    { name: "ring buffer, share gone all along", local: (entries: number) => entries, copied: false },
  ];
  for (const { name, local, copied } of cases) {
    const histories = [1000, many].map((entries) => {
      const manifest = historyOf(directory, entries, local(entries), copied);
      return { manifest, tookUs: [] as number[] };
    });
    for (let round = 0; round < 21; round += 1) {
      for (const { manifest, tookUs } of round % 2 === 0 ? histories : histories.toReversed()) {
        tookUs.push(decide(manifest, 20));
      }
    }
    const [few = 0, lots = 0] = histories.map(({ tookUs }) => median(tookUs));
    report(name, lots / few, `${few.toFixed(0)} µs at 1,000 entries, ratio at ${many}: ${(lots / few).toFixed(2)}`);
    for (const { manifest } of histories) manifest.close();
  }
}

function benchRecovery(directory: string): void {
  const manifest = historyOf(directory, RECOVERED, RECOVERED, false);
  const [place] = manifest.history.entries();
  const dataDir = place?.filepath ?? "";
  for (let i = 1; i <= RECOVERED; i += 1) {
    writeFileSync(join(dataDir, `image_${String(i).padStart(10, "0")}_cam0.png`), "");
  }
  const tookMs: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const startMs = performance.now();
    const { twofold, renamed } = recover({
      manifest,
      dataDir,
      runId: 1,
      maxAttempts: 3,
      remoteRoot: "/nowhere",
      adopt: true,
      followLinks: false,
      log: SILENT,
      nowUs: () => 1,
    });
    tookMs.push(performance.now() - startMs);
    if (twofold.length + renamed.length + manifest.history.counts().missing > 0)
      throw new Error("recovery found what is not");
  }
  const seconds = Math.min(...tookMs) / 1000;
  report("start-up recovery, 100,000 pictures", seconds, `${seconds.toFixed(2)} s (limit 2 s)`);
  manifest.close();
}

const directory = mkdtempSync(join(options.dir ?? tmpdir(), "phorest-bench-"));
try {
  const wanted = (name: string) => options.only === undefined || options.only === name;
  if (wanted("gzip")) await benchGzip(directory);
  if (wanted("decisions")) benchDecisions(directory);
  if (wanted("recovery")) benchRecovery(directory);
  process.stdout.write(`${JSON.stringify(figures)}\n`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
