import { expect, test } from "vitest";
import { LiveBlock } from "../../src/terminal/live-block.ts";

/** The lines on a terminal after all that was written. Knows only the moves and erasures that LiveBlock uses. */
function shownAfter(act: (block: LiveBlock) => void): string[] {
  let written = "";
  const write = (text: string) => {
    written += text;
  };
  act(new LiveBlock({ isTTY: true, columns: 40, write }));
  const rows: string[] = [""];
  let row = 0;
  for (const [part, up] of written.replaceAll("\u001b[", "§").matchAll(/§(?:(\d+)A|0J|2K)|\n|[^§\n]+/g)) {
    if (up !== undefined) row -= Number(up);
    else if (part === "§0J") rows.splice(row, rows.length, "");
    else if (part === "§2K") rows[row] = "";
    else if (part === "\n") row += 1;
    else rows[row] = (rows[row] ?? "") + part;
  }
  return rows.filter((text) => text !== "");
}

test("a line that stays is whole, and the block goes on below it", () => {
  const link = `open http://127.0.0.1:8080/#token=${"x".repeat(43)}`;
  const rows = shownAfter((block) => {
    block.show(["one", "two"]);
    block.say(link);
    block.show(["three", "four"]);
    block.show(["five", "six"]);
  });
  expect(rows).toEqual([link, "five", "six"]);
});
