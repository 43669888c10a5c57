import { expect, test } from "vitest";
import { adviceFor } from "../../src/health/status-advice.ts";

test("a trouble's cure goes by its key, that of a stage by the stage where it has its own", () => {
  expect(adviceFor("stage.faulted:collector")).toContain("camera");
  expect(adviceFor("stage.failing:syncer")).toContain("share");
  expect(adviceFor("stage.faulted:compressor")).toContain("log");
  expect(adviceFor("opcua.refused:ns=2;s=A: BadNotWritable")).toContain("opcua check");
  expect(adviceFor("chip.astray")).toContain("calibrate");
  // Says itself what to do.
  expect(adviceFor("surroundings")).toBe("");
});
