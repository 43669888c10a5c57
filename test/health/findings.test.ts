import { tmpdir } from "node:os";
import { describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config/config.ts";
import { type Facts, findingsOf } from "../../src/health/findings.ts";
import type { StageHealth } from "../../src/health/stage-health.ts";
import { storedSetAside, storedSetAsideText } from "../../src/health/stored-set-aside.ts";

const { config } = loadConfig(undefined, tmpdir());
const NOW_US = 1e15;
const nothing: Facts["counts"] = {
  total: 0,
  pending: 0,
  processing: 0,
  processed: 0,
  failed: 0,
  transmitted: 0,
  synced: 0,
  compressed: 0,
  missing: 0,
  damaged: 0,
  collectionErrors: 0,
  imageBytes: 0,
  furtherPages: 0,
  localImages: 0,
  localBytes: 0,
  archived: 0,
};

/** A run of ten thousand seconds without a picture, its stages as given. */
function withoutPictures(stages: readonly StageHealth[]): Facts {
  return {
    config,
    nowUs: NOW_US,
    running: true,
    ended: false,
    ranBefore: true,
    upSeconds: 10_000,
    lastFrameAgeSeconds: 9_000,
    stages,
    opcUa: undefined,
    counts: nothing,
    damaged: [],
    displacement: undefined,
    disk: undefined,
    recent: undefined,
  };
}

function told(facts: Facts): string[] {
  return findingsOf(facts).flatMap(({ key, state }) => (state === "problem" ? [key] : []));
}

test("missing pictures are told of by themselves, or as a collector that is faulted, not as both", () => {
  const collector = { stage: "collector", ageSeconds: 1, detail: "no such camera" };
  expect(told(withoutPictures([{ ...collector, state: "running" }]))).toEqual(["frames.none"]);
  const faulted = withoutPictures([{ ...collector, state: "faulted" }]);
  expect(told(faulted)).toEqual(["stage.faulted:collector"]);
  // Nobody who was told of missing pictures before hears that they are there again.
  expect(findingsOf(faulted)).toContainEqual({ key: "frames.none", state: "unknown", text: "" });
  const ofAnEarlierRun = withoutPictures([{ ...collector, state: "faulted", ageSeconds: 20_000 }]);
  expect(told(ofAnEarlierRun)).toContain("frames.none");
});

test("files that a stage has set aside are named with the reason and the next try; somebody is told if that lasts", () => {
  const now = storedSetAside(
    [
      { name: "a:b.png", reason: "no colons", failures: 1, nextTryInMs: 240_000 },
      { name: "c.png", reason: "too large", failures: 7, nextTryInMs: 3_000_000 },
    ],
    NOW_US,
  );
  const syncer: StageHealth = { stage: "syncer", state: "waiting", ageSeconds: 1, detail: "", setAside: now };
  const [found] = findingsOf(withoutPictures([syncer])).filter(({ key }) => key === "files.set_aside:syncer");
  expect(found).toEqual({
    key: "files.set_aside:syncer",
    state: "problem",
    text: "syncer: set aside: 2 files: a:b.png: no colons; c.png: too large; next try in 4 min",
    notifyAfterSeconds: 3600,
    minor: true,
  });
  expect(storedSetAsideText(now)).toBe("set aside: 2 files: a:b.png: no colons; c.png: too large");
  const many = Array.from({ length: 1000 }, (_, n) => ({ name: `${n}`, reason: "r", failures: 1, nextTryInMs: n }));
  expect(storedSetAsideText(storedSetAside(many, NOW_US), NOW_US)).toMatch(
    /^set aside: 1000 files: 0: r; 1: r; 2: r; and 997 more; next/,
  );
});

describe("the forecast of a full disk", () => {
  const disk = {
    freeBytes: 50e9,
    totalBytes: 500e9,
    fullInSeconds: 3600,
    fullIsKnown: true,
    whenFull: "capture pauses",
  };
  const told = (changes: Partial<typeof disk>) =>
    findingsOf({ ...withoutPictures([]), disk: { ...disk, ...changes } }).filter(({ key }) => key === "disk.filling");

  test("is told a day ahead, with what happens then", () => {
    expect(told({})).toMatchObject([
      { state: "problem", text: "the disk will be nearly full in 60 min; then capture pauses" },
    ]);
    expect(told({ fullInSeconds: 86_000 })).toMatchObject([{ state: "problem", minor: true, notifyAfterSeconds: 0 }]);
    expect(told({ fullInSeconds: 200_000 })).toEqual([]);
  });

  test("is neither told nor taken back near its limit and by the first frames of a run", () => {
    expect(told({ fullInSeconds: 90_000 })).toMatchObject([{ state: "unknown" }]);
    expect(told({ fullIsKnown: false })).toMatchObject([{ state: "unknown" }]);
  });
});
