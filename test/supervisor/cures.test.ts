import { expect, test } from "vitest";
import { cureOf } from "../../src/supervisor/cures.ts";

test("a trouble's cure goes by its key, that of a stage by the stage where it has its own", () => {
  expect(cureOf("stage.faulted:collector")).toContain("camera");
  expect(cureOf("stage.failing:syncer")).toContain("share");
  expect(cureOf("stage.faulted:compressor")).toContain("log");
  expect(cureOf("opcua.refused:ns=2;s=A: BadNotWritable")).toContain("opcua check");
  expect(cureOf("chip.astray")).toContain("calibrate");
  // Says itself what to do.
  expect(cureOf("surroundings")).toBe("");
});
