// Elapsed times of separate images that cannot be right.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { CaptureTimes } from "../../../src/image/times/capture-times.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const START_US = Date.UTC(2024, 4, 3, 10, 0, 0) * 1000;
const received = (seconds: number) => new Date(START_US / 1000 + seconds * 1000).toISOString().replace("T", " ");
const nameOf = (frame: number) => `img_${String(frame).padStart(9, "0")}_Default_000.tif`;

async function timesOf(elapsed: readonly (number | undefined)[], seconds: readonly number[] | undefined) {
  const directory = temporaryDirectory();
  const entries = elapsed.map((s, frame): [string, object] => {
    const time = seconds?.[frame];
    return [
      `Metadata-Default/${nameOf(frame)}`,
      {
        ...(s === undefined ? {} : { "ElapsedTime-ms": s * 1000 }),
        ...(time === undefined ? {} : { ReceivedTime: received(time) }),
      },
    ];
  });
  const text = { Summary: { StartTime: received(0) }, ...Object.fromEntries(entries) };
  writeFileSync(join(directory, "metadata.txt"), JSON.stringify(text));
  const files = elapsed.map((_, frame) => ({ directory, name: nameOf(frame), modifiedUs: 0, version: "" }));
  for (const { name } of files) writeFileSync(join(directory, name), "x");
  const lines: string[] = [];
  const found = await new CaptureTimes().ofFirstPages(files, [], (line) => lines.push(line));
  return { seconds: files.map((file) => ((found.get(file)?.takenAtUs ?? 0) - START_US) / 1e6), lines };
}

it.each([
  ["repeat", [0, 0, 0, 0], [0, 1, 2, 3], nameOf(1)],
  ["are negative", [-1, -1, -1, -1], [0, 1, 2, 3], nameOf(0)],
  ["restart", [0, 1, 0, 1], [0, 1, 103, 104], nameOf(2)],
])("that %s: the received times count, and one line says so", async (_, elapsed, seconds, first) => {
  const found = await timesOf(elapsed, seconds);
  expect(found.seconds).toEqual(seconds);
  expect(found.lines).toEqual([expect.stringContaining(`first at ${first}; phorest uses the received times`)]);
});

it("that contradict the received times count, and one line says so", async () => {
  const found = await timesOf([0, 1, 2, 3], [0, 1, 3602, 3603]);
  expect(found.seconds).toEqual([0, 1, 2, 3]);
  expect(found.lines).toEqual([expect.stringContaining(`by 3600.0 s at ${nameOf(2)}; phorest uses the elapsed times`)]);
});

it("that are late by some frames, or without received times, stay", async () => {
  expect(await timesOf([0, 1, 2], [0.5, 1.2, 3.1])).toEqual({ seconds: [0, 1, 2], lines: [] });
  const found = await timesOf([0, 1, 0.5], undefined);
  expect(found.seconds).toEqual([0, 1, 0.5]);
  expect(found.lines).toEqual([expect.stringContaining(`first at ${nameOf(2)}; phorest orders`)]);
});

it("of all images but one: that one is guessed from the others, not from the received time, and one line says so", async () => {
  const found = await timesOf([0, 1, undefined, 3, 4], [0.4, 1.4, 2.0, 3.4, 4.4]);
  expect(found.seconds).toEqual([0, 1, 2, 3, 4]);
  expect(found.lines).toEqual([
    expect.stringContaining("has no time for 1 image, for example img_000000002_Default_000.tif"),
  ]);
});

it("of no image: the received times count", async () => {
  const none = [undefined, undefined, undefined];
  expect(await timesOf(none, [0.5, 1.2, 3.1])).toEqual({ seconds: [0.5, 1.2, 3.1], lines: [] });
});
