import { describe, expect, test } from "vitest";
import { growthOf, keptFreeBytes, pauseBelow, secondsUntilFull } from "../../src/archive/free-space.ts";
import { parseConfig } from "../../src/config/config.ts";

const configOf = (text: string) => parseConfig(text, "/").config;
const GB = 1e9;

describe("the free space that is kept", () => {
  test.each([
    ["a large disk: 5 %", 4000, 200],
    ["a usual disk: 5 %", 256, 12.8],
    ["a small disk: 5 GB", 64, 5],
    ["a tiny disk: a fifth of it", 16, 3.2],
    ["a disk so small that capture would pause first: more than that", 1, 0.25],
  ])("of %s", (_what, diskGb, keptGb) => {
    expect(keptFreeBytes(configOf(""), diskGb * GB) / GB).toBeCloseTo(keptGb);
  });

  test("is what the configuration says", () => {
    expect(keptFreeBytes(configOf("[Buffer]\nmin_free_bytes = 0\n"), GB)).toBe(0);
    expect(keptFreeBytes(configOf("[Buffer]\nmin_free_bytes = 7\n"), GB)).toBe(7);
  });

  test("is where capture pauses, if that is wanted", () => {
    expect(pauseBelow(configOf(""), 256 * GB)).toEqual({ minFreeBytes: 2e8, minFreeKey: "Storage.min_free_bytes" });
    expect(pauseBelow(configOf('[Buffer]\nwhen_full = "pause"\n'), 256 * GB)).toEqual({
      minFreeBytes: 12.8 * GB,
      minFreeKey: "Buffer.min_free_bytes",
    });
  });
});

describe("the forecast", () => {
  const last = { framesPerSecond: 0.1, spanSeconds: 5000, pictureBytes: 2e6, rowBytes: 30_000 };
  const here = { images: 10, bytes: 20e6 };

  test("comes from the pictures and rows of the last frames", () => {
    expect(secondsUntilFull(30 * GB, 10 * GB, growthOf(configOf(""), last, here))).toBeCloseTo((20 * GB) / 203_000);
  });

  test("is none before there are frames, and now where the space is used up", () => {
    expect(secondsUntilFull(30 * GB, 10 * GB, growthOf(configOf(""), undefined, here))).toBeUndefined();
    expect(secondsUntilFull(9 * GB, 10 * GB, growthOf(configOf(""), undefined, here))).toBe(0);
  });

  test("is none where the limits on number or size come first", () => {
    const forecast = (text: string) => secondsUntilFull(30 * GB, 10 * GB, growthOf(configOf(text), last, here));
    expect(forecast("[Buffer]\nimage_buffer_size = 300\n")).toBeUndefined();
    expect(forecast(`[Buffer]\nmax_bytes = ${GB}\n`)).toBeUndefined();
    expect(forecast("[Buffer]\nimage_buffer_size = 100000\n")).toBeDefined();
  });

  test("counts only the rows where pictures are moved to the share", () => {
    const config = configOf("[Services]\nenable_remote_sync = true\n[Sync]\nkeep_local = false\n");
    expect(growthOf(config, last, here)?.bytesPerSecond).toBeCloseTo(3000);
  });
});
