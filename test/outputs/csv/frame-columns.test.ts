// The last columns of CSV files of curves.
import { expect, it } from "vitest";
import { FrameRanges } from "../../../src/manifest/frame-ranges.ts";
import { FrameColumns } from "../../../src/outputs/csv/file/frame-columns.ts";

const ranges = (...has: readonly boolean[]) =>
  new FrameRanges(has.map((one, at) => ({ capturedAtUs: 1_000_000 + at * 250_125, has: one })));

it("give the seconds since the first frame to the microsecond, and a column only for what some frame has", () => {
  const none = ranges(false, false, false);
  const plain = new FrameColumns({ firstUs: 1_000_000, guessed: none, simulated: none });
  expect([plain.header, plain.cells(1_250_125)]).toEqual([["elapsed_s"], ["0.250125"]]);
  const both = new FrameColumns({
    firstUs: 1_000_000,
    guessed: ranges(false, true, true),
    simulated: ranges(true, false, false),
  });
  expect(both.header).toEqual(["elapsed_s", "time_guessed", "simulated"]);
  expect(both.cells(1_000_000)).toEqual(["0", "", "yes"]);
  expect(both.cells(1_250_125)).toEqual(["0.250125", "yes", ""]);
});
