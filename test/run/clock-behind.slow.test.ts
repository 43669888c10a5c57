// A machine without a battery-backed clock starts in the past until the network tells it the time.
import { describe, expect, test } from "vitest";
import { type ClockFacts, clockBehindLine } from "../../src/health/clock-behind.ts";
import { clockOffBy, hasFaketime } from "../faketime.ts";
import { experiment, phorest, QUICK_CONFIG } from "./program.ts";

const HOUR_US = 3.6e9;
const now: ClockFacts = { nowUs: 100 * HOUR_US, newestUs: 100 * HOUR_US, lastUs: 100 * HOUR_US };

test("more than a minute behind the newest frame, or a last frame dated before an earlier one", () => {
  expect(clockBehindLine(now)).toBeUndefined();
  expect(clockBehindLine({ ...now, nowUs: now.nowUs - 59e6 })).toBeUndefined();
  expect(clockBehindLine({ ...now, nowUs: now.nowUs - 48 * HOUR_US })).toContain("2 days behind the newest frame");
  expect(clockBehindLine({ ...now, nowUs: now.nowUs - 61e6 })).toContain("61 s behind");
  expect(clockBehindLine({ ...now, lastUs: now.newestUs - 3 * HOUR_US })).toContain("3 h before an earlier one");
  // Dated by another clock, in any order.
  expect(clockBehindLine({ ...now, lastUs: undefined })).toBeUndefined();
});

describe("the program", () => {
  const behind = clockOffBy("-2d");
  const linesWith = (text: string, part: string): string[] => text.split("\n").filter((line) => line.includes(part));

  test("a start two days behind the newest frame: log, status and health", async ({ skip }) => {
    if (!hasFaketime()) return skip();
    const directory = experiment(QUICK_CONFIG);
    const first = await phorest(["run", "--frames", "3", "--until-idle"], directory);
    expect(first.stderr).not.toContain("clock");
    expect((await phorest(["health"], directory)).code).toBe(0);

    const during = (await phorest(["status"], directory, behind)).stdout;
    expect(linesWith(during, "ALARM"), during).toEqual([expect.stringContaining("48 h behind the newest frame")]);
    const second = await phorest(["run", "--frames", "2", "--until-idle"], directory, behind);
    expect(second.code, second.stderr).toBe(0);
    expect(linesWith(second.stderr, "48 h behind the newest frame"), second.stderr).toHaveLength(1);

    const after = (await phorest(["status"], directory)).stdout;
    expect(linesWith(after, "ALARM"), after).toEqual([expect.stringContaining("before an earlier one")]);
    expect((await phorest(["health"], directory)).code).toBe(1);

    const third = await phorest(["run", "--frames", "1", "--until-idle"], directory);
    expect(third.code, third.stderr).toBe(0);
    expect((await phorest(["status"], directory)).stdout).not.toContain("ALARM");
    expect((await phorest(["health"], directory)).code).toBe(0);
  });
});
