// Series that an independent writer made with known times: the times are exact whatever the time of modification says.
import { readFileSync, statSync, utimesSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { listPages } from "../../../src/image/pages.ts";
import { CaptureTimes } from "../../../src/image/times/capture-times.ts";
import { hasPython, runPython } from "../../python.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const PROGRAM = readFileSync(fileURLToPath(new URL("other-programs.py", import.meta.url)), "utf8");
const WRONG_S = 1_000_000_000;

describe.skipIf(!hasPython("numpy", "tifffile"))("times that other programs wrote", () => {
  it("are read to the microsecond from files that were touched", async () => {
    const root = temporaryDirectory();
    const told = JSON.parse(runPython(PROGRAM, root)) as Record<string, number[]>;
    const times = new CaptureTimes();
    const sources = new Map<string, string>();
    for (const [name, expected] of Object.entries(told)) {
      const path = join(root, name);
      utimesSync(path, WRONG_S, WRONG_S + sources.size);
      const { pages } = await listPages(path);
      const file = {
        directory: dirname(path),
        name: basename(path),
        modifiedUs: statSync(path).mtimeMs * 1000,
        version: "",
      };
      const found = (await times.of(file, pages)).pages;
      const isElapsed = name.startsWith("imagej");
      const first = isElapsed ? (found[0]?.takenAtUs ?? 0) : 0;
      expect(
        found.map(({ takenAtUs }) => takenAtUs - first),
        name,
      ).toEqual(expected);
      for (const { source } of found) sources.set(dirname(name), source);
    }
    expect(Object.fromEntries(sources)).toEqual({
      "mm14/Pos0": "micro-manager",
      "mm20/Default": "micro-manager",
      mmstack: "micro-manager",
      ome: "ome",
      // ImageJ gives no date.
      imagej: "file",
    });
  });
});
