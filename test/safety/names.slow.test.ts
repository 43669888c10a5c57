// 10,000 hostile names and arrangements of files through everything that opens, writes or removes a file by a name it was
// given. Beside the experiment is a tree of decoys, some of them pictures that can be decoded: nothing in it is changed,
// and nothing of it turns up in the experiment, in what was decoded, or on the share.
import { rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { compressPicture } from "../../src/archive/compress.ts";
import { copyPictures } from "../../src/archive/pictures.ts";
import { RateLimit } from "../../src/archive/rate.ts";
import { initRemote } from "../../src/archive/remote.ts";
import { placePictures } from "../../src/archive/restore-pictures.ts";
import { checkPicture } from "../../src/archive/verify-pictures.ts";
import { Folder } from "../../src/cameras/folder.ts";
import { readTaken } from "../../src/cameras/picture-encoding.ts";
import { Failure } from "../../src/failure/failure.ts";
import { decodePicture } from "../../src/image/decode.ts";
import { removePicture } from "../../src/image/picture-file.ts";
import { importExperiment } from "../../src/manifest/established-import.ts";
import type { Manifest } from "../../src/manifest/manifest.ts";
import { placeOf } from "../../src/manifest/picture-place.ts";
import { recover, settleForms } from "../../src/supervisor/recovery.ts";
import { ShownPicture } from "../../src/web/shown-picture.ts";
import { memoryLog } from "../support/log-lines.ts";
import { arrange, Dice } from "./adversary.ts";
import { established, stateOf, writeMetadata } from "./experiments.ts";
import { DECOY_PIXEL, SEED, sha256, World } from "./world.ts";

const CASES = 10_000;
const PER_WORLD = 500;

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
    for (const { filepath, filename } of world.manifest.checks.pictures()) {
      const picture = await allowed(() => decodePicture(placeOf({ filepath, filename }, world.roots)));
      noDecoy(picture?.pixels, `the import of ${JSON.stringify(filename)}`);
    }
  },
  restore: async (world, count) => {
    const source = world.directory("pictures");
    world.rows(count, { remote: true });
    for (const { filename } of world.manifest.checks.pictures()) {
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
    for (const { filepath, filename, entryId } of world.manifest.checks.pictures()) {
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
    const tasks = [...world.manifest.checks.pictures()].map(({ entryId, filepath, filename }) => {
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
      ...{
        nowUs: nowUs(),
        remoteThere: () => true,
        unseen: () => undefined,
        firstContent: () => undefined,
        elsewhere: () => undefined,
      },
    };
    for (const row of [...world.manifest.checks.pictures()]) await allowed(() => checkPicture(row, context));
  },
};

const ONE_BY_ONE = (world: World) => ({ parallel: 1, limitMs: 60_000, roots: world.roots });

const filesAndLinks = (share: string): string[] =>
  Object.keys(stateOf(share)).filter((name) => name.startsWith("away") && !name.includes("/"));

const runOf = (manifest: Manifest): number =>
  manifest.runs.begin({ config: "{}", version: "0", nodeVersion: "0", host: "t", pid: 1, startedAtUs: 1 });

test(`${CASES} hostile names and arrangements leave everything outside alone (seed ${SEED})`, async () => {
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
