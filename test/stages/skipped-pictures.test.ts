// What a source of files does not take: what the log says of it while it grows, and what `status` shows.
import { expect, test } from "vitest";
import { SkippedPictures, skippedList } from "../../src/stages/collector/skipped-pictures.ts";
import { logLines } from "../support/log-lines.ts";

const leftOut = (count: number) => `left out ${count} of ${count + 1} frames: ${count} skipped by every 2`;

test("images that are left out while a series grows are logged when their number has doubled, not at each look", () => {
  const { log, lines } = logLines();
  const skipped = new SkippedPictures(log);
  for (let count = 1; count <= 100; count++) skipped.leftOutBySource([leftOut(count)]);
  expect(lines.filter((line) => line.includes("left out"))).toHaveLength(7);
  expect(skipped.note()).toBe(leftOut(100));
});

test("status counts images in words: one more, two more", () => {
  const skipped = new SkippedPictures(logLines().log);
  skipped.foundBySource(skippedList(["a.png: skipped: it is a link", "b.png: skipped: it is a link"]));
  expect(skipped.note()).toBe("a.png: skipped: it is a link; and 1 more image skipped");
  skipped.leftOutBySource([leftOut(3)]);
  expect(skipped.note()).toBe(`a.png: skipped: it is a link; and 1 more image skipped; ${leftOut(3)}`);
});
