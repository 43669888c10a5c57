// Which pages of a file are taken without a choice, and with one.
import { expect, it } from "vitest";
import { choosePages } from "../../src/image/chosen-pages.ts";

const page = (index: number, channel: number, position: number) => {
  return { index, width: 8, height: 8, bits: 16, channel, z: 0, position, time: index };
};
const indices = (found: ReturnType<typeof choosePages>) => [
  found.pages.map(({ index }) => index),
  found.leftOut.length,
];

it("takes the first of what the file has, also where that is not number 0", () => {
  // As in a file that Micro-Manager wrote for its fourth position.
  expect(indices(choosePages([page(0, 0, 3), page(1, 0, 3)], {}, "a.tif"))).toEqual([[0, 1], 0]);
  expect(indices(choosePages([page(0, 2, 3), page(1, 1, 3), page(2, 1, 4)], {}, "a.tif"))).toEqual([[1], 2]);
});

it("refuses what was asked for and is not there", () => {
  expect(() => choosePages([page(0, 0, 3)], { position: 0 }, "a.tif")).toThrow("no position 0, only position 3");
});
