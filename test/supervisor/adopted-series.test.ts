// Images that somebody put into the data directory become frames only if they are of the series of the experiment: two series in
// one analysis would become one curve.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadConfig } from "../../src/config/config.ts";
import type { Manifest } from "../../src/manifest/manifest.ts";
import { adoptForeign } from "../../src/supervisor/unknown-files.ts";
import { grayPicture } from "../image/picture-writers.ts";
import { type StackField, textValues, writeStack } from "../image/stack-writer.ts";
import { openManifest } from "../manifest/experiment.ts";
import { logLines } from "../support/log-lines.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** A stack of six pages; with `channels`, its pages are of these in turn. */
function stack(channels?: readonly number[]): Buffer {
  const fields = (page: number): StackField[] => {
    const json = { ChannelIndex: channels?.[page % channels.length], SliceIndex: 0, FrameIndex: page };
    return [[51123, 2, textValues(JSON.stringify(json))]];
  };
  const pictures = Array.from({ length: 6 }, () => grayPicture(4, 4, 8, 1));
  return Buffer.from(writeStack(pictures, channels === undefined ? {} : { fields }));
}

/** Adopts files one after the other; returns the pages that became frames, and what the log says of the others. */
async function adopted(
  files: Readonly<Record<string, Buffer>>,
  prepare: (manifest: Manifest, directory: string) => void,
) {
  const directory = temporaryDirectory("phorest-adopted-");
  const manifest = openManifest(directory);
  const runId = manifest.runs.begin({
    config: "{}",
    version: "0",
    nodeVersion: "0",
    host: "h",
    pid: 1,
    startedAtUs: 1,
  });
  prepare(manifest, directory);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(directory, name), bytes);
  const unknown = Object.entries(files).map(([name, { length }]) => {
    return { name, bytes: length, modifiedUs: 1e15, capturedAtUs: undefined };
  });
  const { config } = loadConfig(undefined);
  const { log, lines } = logLines();
  await adoptForeign(unknown, {
    config: { ...config, Paths: { ...config.Paths, data_dir: directory } },
    manifest,
    log,
    runId,
  });
  const frames = [...manifest.history.entries()].map(({ filename, page, status }) => [filename, page, status]).sort();
  return { frames, skipped: lines.filter((line) => line.includes("skipped")) };
}

const image = () => Buffer.from(writeStack([grayPicture(4, 4, 8, 1)]));
const single = (channel: string) => `img_000000000_${channel}_000.tif`;
const pageOf = (name: string, ...pages: number[]) => pages.map((page) => [name, page, "pending"]);

test("the first series that is found counts; nothing of another is a frame, also not a failed one", async () => {
  const files = { "a.tif": stack([1, 2]), "b.tif": stack([0]), "c.tif": stack([0, 1]), "plain.tif": stack() };
  const { frames, skipped } = await adopted(files, () => undefined);
  expect(frames).toEqual([
    ...pageOf("a.tif", 0, 2, 4),
    ...pageOf("c.tif", 1, 3, 5),
    ...pageOf("plain.tif", 0, 1, 2, 3, 4, 5),
  ]);
  expect(skipped).toEqual(["b.tif: skipped: it is of another series than the frames of this experiment"]);
});

test("the series of an experiment continues, also with separate images and plain stacks", async () => {
  const files = { [single("BF")]: image(), [single("GFP")]: image(), "plain.tif": stack(), "c.tif": stack([0, 1]) };
  const { frames, skipped } = await adopted(files, (manifest, directory) => {
    const settings = JSON.stringify({ source_series: JSON.stringify({ channel: 1, channelName: "GFP", z: 0 }) });
    manifest.entries.add({ filename: "x.tif", filepath: directory, capturedAtUs: 5, settings });
  });
  expect(frames.filter(([name]) => name === "c.tif")).toEqual(pageOf("c.tif", 1, 3, 5));
  expect(new Set(frames.map(([name]) => name))).toEqual(new Set(["x.tif", single("GFP"), "c.tif"]));
  expect(skipped).toEqual([
    `${single("BF")}: skipped: it is of another series than the frames of this experiment`,
    "plain.tif: skipped: it has no channel 1, only channel 0 (a run that chooses another one takes it)",
  ]);
});
