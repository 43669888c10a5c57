import { beforeEach, describe, expect, test } from "vitest";
import { STAGE_STATES, type StageState } from "../../src/health/stage-states.ts";
import type { Schedule } from "../../src/stages/contract/stage-definition.ts";
import { nextOnGrid, Stage } from "../../src/supervisor/stage.ts";
import { move, type StageEvent } from "../../src/supervisor/stage-state.ts";
import { type Clock, fakeClock } from "../support/clock.ts";

let clock: Clock;
beforeEach(() => {
  clock = fakeClock();
});

function stage(
  work: (signal: AbortSignal, dueMs: number) => Promise<boolean>,
  schedule: Schedule,
  failureLimit = 3,
  more: { prepare?: () => Promise<void> } = {},
) {
  const states: string[] = [];
  const made = new Stage({
    ...more,
    name: "test",
    schedule,
    work,
    firstDelayMs: 10,
    maxDelayMs: 40,
    failureLimit,
    moved: (report) => states.push(report.state),
    now: () => clock.now(),
  });
  return { stage: made, states };
}

const ON_DEMAND: Schedule = { kind: "demand", atLeastEveryMs: 60_000, atMostEveryMs: 0 };

describe("stage states", () => {
  test("a stopped stage does nothing any more", () => {
    const events: StageEvent[] = ["start", "wake", "settle", "fail", "exhaust", "stop"];
    for (const event of events) expect(() => move("stopped", event)).toThrow(event);
  });

  test("a stage at work is never stopped in mid-work", () => {
    expect(() => move("running", "stop")).toThrow("running");
  });

  test("a stage waits, works, fails, is faulted, works again and is stopped", () => {
    const events: StageEvent[] = [
      "start",
      "wake",
      "settle",
      "wake",
      "fail",
      "wake",
      "exhaust",
      "wake",
      "settle",
      "stop",
    ];
    const states: StageState[] = [];
    for (const event of events) states.push(move(states.at(-1) ?? "idle", event));
    expect(states).toEqual([
      ...["waiting", "running", "waiting", "running", "backing_off"],
      ...["running", "faulted", "running", "waiting", "stopped"],
    ]);
  });

  test("whatever is not at work can be stopped, and only a wake-up begins work", () => {
    for (const state of STAGE_STATES.filter((name) => name !== "running" && name !== "stopped")) {
      expect(move(state, "stop")).toBe("stopped");
      for (const event of ["start", "settle", "fail", "exhaust"] as const) {
        if (state === "idle" && event === "start") expect(move(state, event)).toBe("waiting");
        else expect(() => move(state, event), `${state} ${event}`).toThrow(event);
      }
    }
    expect(() => move("idle", "wake")).toThrow("wake");
  });
});

describe("stage schedule", () => {
  test("a grid point that was missed is skipped and the grid keeps its phase", () => {
    expect(nextOnGrid(1000, 100, 1005)).toBe(1100);
    expect(nextOnGrid(1000, 100, 1350)).toBe(1400);
    expect(nextOnGrid(1000, 100, 1000)).toBe(1100);
  });

  test("a cadence does not drift by the time the work takes", async () => {
    const dueMs: number[] = [];
    const { stage: made } = stage(
      async (_signal, due) => {
        dueMs.push(due);
        await clock.wait(15);
        return false;
      },
      { kind: "cadence", everyMs: 50 },
    );
    const startMs = clock.now();
    made.start();
    await clock.advance(400);
    await clock.advance(40);
    await made.stop();
    expect(dueMs.map((due) => due - startMs)).toEqual([0, 50, 100, 150, 200, 250, 300, 350, 400]);
  });

  test("work that waits for its tick by itself is begun ahead of it, and its ticks are on the grid", async () => {
    const begun: { dueMs: number; aheadMs: number }[] = [];
    const { stage: made } = stage(
      async (_signal, dueMs) => {
        begun.push({ dueMs, aheadMs: dueMs - clock.now() });
        await clock.wait(Math.max(0, dueMs - clock.now()));
        return false;
      },
      { kind: "cadence", everyMs: 60, aheadMs: 30 },
      3,
      { prepare: async () => undefined },
    );
    const startMs = clock.now();
    made.start();
    await clock.advance(350);
    await made.stop();
    expect(begun.map(({ aheadMs }) => aheadMs)).toEqual([30, 30, 30, 30, 30, 30]);
    expect(begun.map(({ dueMs }) => dueMs - startMs)).toEqual([30, 90, 150, 210, 270, 330]);
  });

  test("work begun ahead of its tick that has nothing to do is done once for each tick", async () => {
    const duesMs: number[] = [];
    const { stage: made } = stage(
      async (_signal, dueMs) => {
        duesMs.push(dueMs);
        if (duesMs.length > 100) throw new Error("the same tick again and again");
        return false;
      },
      { kind: "cadence", everyMs: 60, aheadMs: 30 },
      3,
      { prepare: async () => undefined },
    );
    const startMs = clock.now();
    made.start();
    await clock.advance(350);
    await made.stop();
    expect(duesMs.map((dueMs) => dueMs - startMs)).toEqual([30, 90, 150, 210, 270, 330]);
    expect(made.report().missedRuns).toBe(0);
  });

  test("the grid begins after the preparation, which is repeated until it succeeds; no tick counts as missed for it", async () => {
    let preparations = 0;
    let preparedMs = Number.POSITIVE_INFINITY;
    const duesMs: number[] = [];
    const { stage: made } = stage(
      async (_signal, dueMs) => {
        duesMs.push(dueMs);
        return false;
      },
      { kind: "cadence", everyMs: 5000 },
      3,
      {
        prepare: async () => {
          preparations += 1;
          await clock.wait(60);
          if (preparations === 1) throw new Error("the camera is still starting");
          preparedMs = clock.now();
        },
      },
    );
    made.start();
    await clock.advance(1000);
    const { missedRuns, failures } = made.report();
    await made.stop();
    expect(preparations).toBe(2);
    expect(duesMs[0]).toBeGreaterThanOrEqual(preparedMs);
    expect({ missedRuns, failures }).toEqual({ missedRuns: 0, failures: 0 });
  });

  test("a wake-up during the work is not lost", async () => {
    let passes = 0;
    const { stage: made } = stage(async () => {
      passes += 1;
      if (passes === 1) made.wake();
      await clock.wait(5);
      return false;
    }, ON_DEMAND);
    made.start();
    await clock.advance(50_000);
    await made.stop();
    expect(passes).toBe(2);
  });

  test("wake-ups in quick succession are held to the shortest time between runs", async () => {
    let passes = 0;
    const { stage: made } = stage(
      async () => {
        passes += 1;
        return false;
      },
      { kind: "demand", atLeastEveryMs: 60_000, atMostEveryMs: 100 },
    );
    made.start();
    for (let i = 0; i < 22; i++) {
      await clock.advance(10);
      made.wake();
    }
    await made.stop();
    // At 0, 100 and 200 ms.
    expect(passes).toBe(3);
  });
});

describe("stage failures", () => {
  test("a stage that throws backs off, is faulted after the limit, and comes back when the cause is gone", async () => {
    let tries = 0;
    const { stage: made, states } = stage(async () => {
      tries += 1;
      if (tries <= 4) throw new Error("unplugged");
      return false;
    }, ON_DEMAND);
    made.start();
    await clock.advance(400);
    const { state, failures, passes } = made.report();
    await made.stop();
    expect(states).toContain("backing_off");
    expect(states).toContain("faulted");
    expect({ state, failures, passes }).toEqual({ state: "waiting", failures: 0, passes: 1 });
  });

  test("stop waits for the unit of work in hand", async () => {
    let done = false;
    const { stage: made } = stage(async () => {
      await clock.wait(50);
      done = true;
      return false;
    }, ON_DEMAND);
    made.start();
    await clock.advance(10);
    const stopped = made.stop();
    expect(made.report().state).toBe("running");
    await clock.advance(40);
    await stopped;
    expect(done).toBe(true);
    expect(made.report().state).toBe("stopped");
  });
});
