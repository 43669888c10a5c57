// A live series of Micro-Manager: metadata.txt is behind the images, which wait for it, but not for ever.
import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { Folder } from "../../src/cameras/folder.ts";
import type { CapturedFrame } from "../../src/cameras/frame.ts";
import { CaptureTimes } from "../../src/image/times/capture-times.ts";
import { writeStack } from "../image/stack-writer.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const signal = new AbortController().signal;
const START = Date.UTC(2024, 4, 6, 7, 8, 9);
const MS = [0, 137, 500, 1211];

let directory: string;
let nowMs: number;
let source: Folder;
beforeEach(() => {
  directory = temporaryDirectory("phorest-late-");
  nowMs = 0;
  // How old files are does not depend on how long the test takes.
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  // It goes on at each look: no capture waits.
  const clock = () => {
    nowMs += 400;
    return nowMs;
  };
  source = new Folder({
    watchDir: directory,
    stableSeconds: 0.02,
    takenBefore: () => undefined,
    times: new CaptureTimes({ nowMs: () => nowMs }),
    nowMs: clock,
  });
});

const nameOf = (at: number) => `img_${String(at).padStart(9, "0")}_Default_000.tif`;

function image(at: number, isOld = false): void {
  const path = join(directory, nameOf(at));
  writeFileSync(path, writeStack([{ width: 8, height: 8, pixels: new Uint8Array(64).fill(at) }]));
  const seconds = isOld ? 1e9 + at : Date.now() / 1000 + at / 1000;
  utimesSync(path, seconds, seconds);
}

/** Micro-Manager 1.4's file about the first images; `age`: seconds since it was written. */
function metadata(images: number, age = 0): void {
  const members = [`"Summary": {"StartTime": "2024-05-06 07:08:09.000 +0000"}`];
  for (let at = 0; at < images; at++) {
    members.push(`"FrameKey-${at}-0-0": {"FileName": "${nameOf(at)}", "ElapsedTime-ms": ${MS[at]}}`);
  }
  const path = join(directory, "metadata.txt");
  writeFileSync(path, `{\n${members.join(",\n")}`);
  const at = Date.now() / 1000 - age;
  utimesSync(path, at, at);
}

const timeOf = (frame: CapturedFrame | null) => [frame?.timeSource, (frame?.capturedAtUs ?? Number.NaN) / 1000 - START];

test("images wait for metadata that grow, and have their exact times then", async () => {
  metadata(1);
  image(0);
  await source.open();
  expect(timeOf(await source.capture(signal))).toEqual(["micro-manager", MS[0]]);
  image(1);
  image(2);
  expect(await source.capture(signal)).toBeNull();
  expect(source.isWaiting()).toBe(true);
  metadata(3);
  for (const at of [1, 2]) {
    const frame = await source.capture(signal);
    expect(timeOf(frame)).toEqual(["micro-manager", MS[at]]);
    expect(frame?.warnings.join()).not.toMatch(/guess/);
  }
  expect([await source.capture(signal), source.isWaiting()]).toEqual([null, false]);
});

test("an image is taken with a guessed time, and that is said, when its metadata do not come", async () => {
  metadata(2);
  for (const at of [0, 1, 2]) image(at);
  await source.open();
  const frames: CapturedFrame[] = [];
  while (frames.length < 3 && nowMs < 100_000) {
    const frame = await source.capture(signal);
    if (frame !== null) frames.push(frame);
  }
  expect(frames.map(({ timeSource }) => timeSource)).toEqual(["micro-manager", "micro-manager", "file"]);
  expect(frames.flatMap(({ warnings }) => warnings).join("\n")).toMatch(/guesses it from/);
});

test("images wait for the beginning of the metadata, too", async () => {
  image(0);
  await source.open();
  expect([await source.capture(signal), source.isWaiting()]).toEqual([null, true]);
  metadata(1);
  expect(timeOf(await source.capture(signal))).toEqual(["micro-manager", MS[0]]);
});

test.each([
  ["metadata of long ago", () => metadata(1, 3600)],
  ["no metadata", () => undefined],
])("images of a finished series with %s do not wait", async (_, write) => {
  write();
  for (const at of [0, 1]) image(at, true);
  await source.open();
  const frames = [await source.capture(signal), await source.capture(signal)];
  expect(frames.map((frame) => frame?.file?.name).sort()).toEqual([nameOf(0), nameOf(1)]);
});
