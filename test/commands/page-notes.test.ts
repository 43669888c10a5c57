// The same message about many pages of a stack is one line, and one with the count.
import { expect, test } from "vitest";
import { PageNotes } from "../../src/commands/page-notes.ts";

test("a message about many pages of a file is printed once, with the number of the others at the end", () => {
  const lines: string[] = [];
  const notes = new PageNotes((line) => lines.push(line));
  for (const path of ["a.raw", "b.raw"])
    for (const page of [0, 1, 2])
      notes.note({ path, page }, page === 1 && path === "b.raw" ? "another" : "an ROI is outside");
  // Each of these is a file of its own.
  for (const path of ["1.png", "2.png"]) notes.note({ path }, "an ROI is outside");
  notes.note({ path: "c.tif", page: 1 }, "c.tif, page 2: cannot be read");
  const said = [
    "a.raw, page 1: an ROI is outside",
    "b.raw, page 1: an ROI is outside",
    "b.raw, page 2: another",
    "1.png: an ROI is outside",
    "2.png: an ROI is outside",
    "c.tif, page 2: cannot be read",
  ];
  expect(lines).toEqual(said);
  notes.end();
  expect(lines.slice(said.length)).toEqual([
    "a.raw: the same for 2 more pages: an ROI is outside",
    "b.raw: the same for 1 more page: an ROI is outside",
  ]);
});
