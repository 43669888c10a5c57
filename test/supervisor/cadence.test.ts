import { beforeEach, describe, expect, test } from "vitest";
import { Failure } from "../../src/failure/failure.ts";
import type { StageLog } from "../../src/log/logger.ts";
import { type StageReport, stageDetail } from "../../src/stages/contract/stage-report.ts";
import { FailureLog } from "../../src/supervisor/failure-log.ts";
import { Stage } from "../../src/supervisor/stage.ts";
import { type Clock, fakeClock } from "../support/clock.ts";
import { memoryLog } from "../support/log-lines.ts";

let clock: Clock;
beforeEach(() => {
  clock = fakeClock();
});

/** A collector whose works take the given times; a negative one fails. */
function collector(worksMs: number[], options: { everyMs: number; delayMs: number; limit: number; recover?: boolean }) {
  const dues: number[] = [];
  const works = [...worksMs];
  const stage: Stage<"collector"> = new Stage({
    name: "collector",
    schedule: { kind: "cadence", everyMs: options.everyMs },
    work: async (_signal, dueMs) => {
      dues.push(dueMs);
      const takesMs = works.shift();
      if (takesMs === undefined) void stage.stop();
      else if (takesMs < 0) throw new Failure("camera.failed", "no picture", { retry: "later" });
      else await clock.wait(takesMs);
      return false;
    },
    firstDelayMs: options.delayMs,
    maxDelayMs: options.delayMs,
    failureLimit: options.limit,
    recover: options.recover ?? true,
    moved: () => undefined,
    now: () => clock.now(),
  });
  return { stage, dues };
}

async function untilStopped(stage: Stage<"collector">): Promise<StageReport> {
  while (stage.report().state !== "stopped") await clock.advance(10);
  return stage.report();
}

describe("ticks of a cadence", () => {
  test("that pass while a capture takes too long are counted as missed, and the grid keeps its phase", async () => {
    const { stage, dues } = collector([0, 450, 0], { everyMs: 200, delayMs: 10, limit: 3 });
    stage.start();
    const report = await untilStopped(stage);
    const ticks = dues.map((due) => Math.round((due - (dues[0] ?? 0)) / 200));
    expect(dues.every((due, at) => Math.abs(due - (dues[0] ?? 0) - 200 * (ticks[at] ?? 0)) < 1e-6)).toBe(true);
    // The capture of 200 ms lasts until 650 ms.
    expect(ticks).toEqual([0, 1, 4, 5]);
    expect(report.missedRuns).toBe(2);
    expect(stageDetail(report)).toBe("2 scheduled runs missed since the start");
  });

  test("all of whose tries failed are missed; a tick served by a retry in time is not", async () => {
    const inTime = collector([-1, 0], { everyMs: 2000, delayMs: 10, limit: 3 });
    inTime.stage.start();
    await clock.advance(500);
    await inTime.stage.stop();
    expect(inTime.stage.report()).toMatchObject({ passes: 1, missedRuns: 0 });
    const late = collector([-1, 0], { everyMs: 200, delayMs: 500, limit: 3 });
    late.stage.start();
    // Of 0, 200 and 400 ms; the retry comes at 500 ms.
    expect((await untilStopped(late.stage)).missedRuns).toBeGreaterThanOrEqual(2);
  });
});

test("a faulted collector rests for good where recovery is switched off, and stops all the same", async () => {
  const { stage, dues } = collector([-1, -1, 0], { everyMs: 50, delayMs: 10, limit: 2, recover: false });
  stage.start();
  await clock.advance(3_600_000);
  expect(stage.report()).toMatchObject({ state: "faulted", failures: 2, nextRunMs: undefined });
  expect(dues).toHaveLength(2);
  await stage.stop();
  expect(stage.report().state).toBe("stopped");
});

describe("the log of failures", () => {
  let log: StageLog;
  let lines: () => string[];
  let nowMs: number;
  let failures: FailureLog;
  const gone = { code: "camera.unavailable", message: "no such camera", retry: "later" } as const;
  const report = (state: StageReport["state"], failed: number): StageReport => ({
    name: "collector",
    state,
    failures: failed,
    lastFailure: failed === 0 ? undefined : gone,
    passes: 3,
    missedRuns: 0,
    nextRunMs: undefined,
  });
  beforeEach(() => {
    const memory = memoryLog();
    log = memory.log;
    lines = () =>
      memory.lines.filter(({ level }) => level !== "debug").map(({ level, message }) => `${level} ${message}`);
    nowMs = 0;
    failures = new FailureLog(() => nowMs);
  });

  test("a camera away for a week costs one alarm, and one line when it is back", () => {
    failures.note(report("backing_off", 1), log, true);
    for (let minute = 0; minute < 7 * 24 * 60; minute++) {
      nowMs += 60_000;
      failures.note(report("running", minute + 1), log, true);
      failures.note(report("faulted", minute + 2), log, true);
    }
    failures.note(report("waiting", 0), log, true);
    failures.note(report("waiting", 0), log, true);
    expect(lines()).toEqual([
      "warn failed (1): no such camera; retrying",
      "error faulted after 2 failures: no such camera; retrying every minute",
      "info recovered after 7 days",
    ]);
  });

  test("what fails while the run ends is not said to be retried", () => {
    failures.end();
    failures.note(report("backing_off", 1), log, true);
    expect(lines()).toEqual(["warn failed while the run ended: no such camera; the next run continues the work"]);
  });

  test("a stage that never counts as faulted says the same ever more seldom, and that it works again", () => {
    for (let minute = 1; minute <= 7 * 24 * 60; minute++) {
      failures.note(report("backing_off", minute), log, true);
      nowMs += 60_000;
    }
    failures.note(report("waiting", 0), log, true);
    expect(lines()).toHaveLength(15);
    expect(
      lines()
        .slice(0, 4)
        .map((text) => /\d+/.exec(text)?.[0]),
    ).toEqual(["1", "2", "4", "8"]);
    expect(lines().at(-1)).toBe("info recovered after 7 days");
  });
});
