// Separate images of Micro-Manager without their metadata.txt: each has only its own time.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CaptureTimes } from "../../../src/image/times/capture-times.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { grayPicture } from "../picture-writers.ts";
import { textValues, writeStack } from "../stack-writer.ts";

test.each([
  ["a whole second: that is said once", "10:00:00 +0000", 1],
  ["a fraction of a second: nothing is said", "10:00:00.250 +0000", 0],
])("with %s", async (_name, time, lines) => {
  const directory = temporaryDirectory();
  const files = ["a.tif", "b.tif"].map((name, frame) => {
    const record = { "ElapsedTime-ms": 250 * frame, Time: `2026-03-04 ${time}` };
    const fields = () => [
      [51123, 2, textValues(JSON.stringify(record))] as [number, number, ReturnType<typeof textValues>],
    ];
    writeFileSync(join(directory, name), writeStack([grayPicture(8, 4, 8, 1)], { fields }));
    return { directory, name, modifiedUs: 0, version: "" };
  });
  const said: string[] = [];
  await new CaptureTimes().ofFirstPages(files, [], (line) => said.push(line));
  expect(said.filter((line) => line.includes("a whole second"))).toHaveLength(lines);
});
