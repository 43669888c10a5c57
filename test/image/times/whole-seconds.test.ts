// Separate images of Micro-Manager without their metadata.txt: each has only its own time.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CaptureTimes } from "../../../src/image/times/capture-times.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { grayPicture } from "../picture-writers.ts";
import { textValues, writeStack } from "../stack-writer.ts";

const START_MS = Date.UTC(2026, 2, 4, 10, 0, 0, 640);

/** An image that says what a series of that start says `elapsedMs` after it, as the page's tag. */
function image(directory: string, name: string, elapsedMs: number | undefined, startMs = START_MS, digits = 19) {
  const received = new Date(startMs + (elapsedMs ?? 0) + 12).toISOString().replace("T", " ");
  const record = { "ElapsedTime-ms": elapsedMs, Time: `${received.slice(0, digits)} +0000` };
  const fields = () => [
    [51123, 2, textValues(JSON.stringify(record))] as [number, number, ReturnType<typeof textValues>],
  ];
  writeFileSync(join(directory, name), writeStack([grayPicture(8, 4, 8, 1)], { fields }));
  return { directory, name, modifiedUs: 0, version: "" };
}

async function timesOf(files: readonly ReturnType<typeof image>[], times = new CaptureTimes()) {
  const said: string[] = [];
  const found = await times.ofFirstPages(files, [], (line) => said.push(line));
  const ms = files.map((file) => (found.get(file)?.takenAtUs ?? Number.NaN) / 1000);
  return { ms, elapsed: ms.map((time) => time - (ms[0] ?? 0)), said };
}

const ELAPSED = [3.25, 251, 640.5, 900, 3_600_001];
const name = (frame: number) => `img_${String(frame).padStart(9, "0")}_Default_000.tif`;

test("whole seconds with elapsed times: one start for all, exact to each other, and said once", async () => {
  const directory = temporaryDirectory();
  const files = ELAPSED.map((ms, frame) => image(directory, name(frame), ms));
  writeFileSync(join(directory, "a-note.tif"), "no image at all");
  const { ms, elapsed, said } = await timesOf(files);
  expect(elapsed).toEqual(ELAPSED.map((time) => time - 3.25));
  expect(Math.abs((ms[0] ?? 0) - START_MS)).toBeLessThan(1000);
  expect(said.filter((line) => line.includes("a whole second"))).toHaveLength(1);
  // Image by image, and after a restart in the middle, the start is the same.
  const live = new CaptureTimes();
  for (const [frame, file] of files.entries()) expect((await timesOf([file], live)).ms).toEqual([ms[frame]]);
  expect((await timesOf(files.slice(2))).ms).toEqual(ms.slice(2));
});

test("two series in one directory: the second one keeps its whole seconds, and that is said", async () => {
  const directory = temporaryDirectory();
  const later = START_MS + 60_000;
  const files = [0, 400, 900].flatMap((ms, frame) => [
    image(directory, `a_${name(frame)}`, ms),
    image(directory, `b_${name(frame)}`, ms, later),
  ]);
  const { ms, said } = await timesOf(files);
  const [a0 = 0, b0 = 0, a1 = 0, b1 = 0, a2 = 0, b2 = 0] = ms;
  expect([a1 - a0, a2 - a0]).toEqual([400, 900]);
  expect([b0, b1, b2].map((time) => time - Math.floor(later / 1000) * 1000)).toEqual([0, 1000, 1000]);
  expect(said.filter((line) => line.includes("does not count from the same start"))).toHaveLength(1);
});

test("nothing is said of fractions of a second; whole seconds without elapsed time stay", async () => {
  const directory = temporaryDirectory();
  const fractions = await timesOf([
    image(directory, name(0), 0, START_MS, 23),
    image(directory, name(1), 250, START_MS, 23),
  ]);
  expect(fractions.elapsed).toEqual([0, 250]);
  expect(fractions.said).toEqual([]);
  for (const frame of [0, 1]) rmSync(join(directory, name(frame)));
  const whole = await timesOf([image(directory, name(2), undefined)]);
  expect(whole.ms).toEqual([Math.floor(START_MS / 1000) * 1000]);
  expect(whole.said.filter((line) => line.includes("a whole second"))).toHaveLength(1);
});
