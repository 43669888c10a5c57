import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { listPictures, measureInOrder } from "../../src/analysis/batch.ts";
import type { TaskAnswer } from "../../src/analysis/task.ts";
import { progressLine } from "../../src/terminal/progress.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const FAILED: TaskAnswer = { ok: false, failure: { code: "frame.unreadable", message: "x", retry: "never" } };

describe("measuring many pictures", () => {
  it("yields answers in the order given, whichever is done first, with a bounded number under way", async () => {
    let othersAreDone: () => void = () => undefined;
    const others = new Promise<void>((resolve) => {
      othersAreDone = resolve;
    });
    let underWay = 0;
    let most = 0;
    const measureOne = async (path: string): Promise<TaskAnswer> => {
      most = Math.max(most, ++underWay);
      // The first one is done when those are that may be under way beside it.
      await (path === "0" ? others : nextTurn());
      if (path === "2") othersAreDone();
      underWay--;
      return FAILED;
    };
    const paths = Array.from({ length: 12 }, (_, index) => String(index));
    const seen: string[] = [];
    for await (const { frame } of measureInOrder(paths, measureOne, 3)) seen.push(frame);
    expect(seen).toEqual(paths);
    expect(most).toBe(3);
  });

  it("turns a thread that died into the failure of its picture and goes on", async () => {
    const measureOne = async (path: string): Promise<TaskAnswer> => {
      if (path === "b") throw new Error("the thread ended");
      return FAILED;
    };
    const codes: string[] = [];
    for await (const { answer } of measureInOrder(["a", "b", "c"], measureOne, 2))
      codes.push(answer.ok ? "ok" : answer.failure.code);
    expect(codes).toEqual(["frame.unreadable", "internal", "frame.unreadable"]);
  });

  it("takes a directory's pictures by name and nothing else in it, and a named file whatever its name", async () => {
    const directory = temporaryDirectory("phorest-batch-");
    for (const name of ["b.png", "a.tif.gz", ".c.png.part", "notes.txt", "ROI_manifest.json"])
      writeFileSync(join(directory, name), "");
    mkdirSync(join(directory, "inner"));
    const listed = await listPictures([directory, join(directory, "notes.txt")]);
    expect(listed).toEqual(["a.tif.gz", "b.png", "notes.txt"].map((name) => join(directory, name)));
  });
});

describe("the progress line", () => {
  it("tells how many, how fast and how long", () => {
    expect(progressLine(50, 100, "pictures", 4000)).toBe(
      "[############------------] 50/100 pictures, 12.5/s, 4 s left",
    );
    expect(progressLine(1, 1000, "pictures", 2000)).toBe(
      "[------------------------] 1/1000 pictures, 2.0 s each, 33 min left",
    );
    expect(progressLine(0, 10, "pictures", 0)).toBe("[------------------------] 0/10 pictures");
  });
});
