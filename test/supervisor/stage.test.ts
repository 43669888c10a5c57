import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { STAGE_STATES } from "../../src/health/stage-states.ts";
import type { Schedule } from "../../src/stages/contract/stage-definition.ts";
import { nextOnGrid, Stage } from "../../src/supervisor/stage.ts";
import { move, type StageEvent } from "../../src/supervisor/stage-state.ts";

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
    now: () => performance.now(),
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

  test("every state but stopped leads somewhere", () => {
    for (const state of STAGE_STATES.filter((name) => name !== "stopped")) {
      const ways = (["start", "wake", "settle", "stop"] as const).filter((event) => {
        try {
          return move(state, event) !== undefined;
        } catch {
          return false;
        }
      });
      expect(ways.length).toBeGreaterThan(0);
    }
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
        await sleep(15);
        return false;
      },
      { kind: "cadence", everyMs: 50 },
    );
    made.start();
    while (dueMs.length < 9) await sleep(20);
    await made.stop();
    const steps = dueMs.map((due) => (due - (dueMs[0] ?? 0)) / 50);
    for (const step of steps) expect(step).toBeCloseTo(Math.round(step), 6);
    expect(new Set(steps.map(Math.round)).size).toBe(steps.length);
  });

  test("work that waits for its tick by itself is begun ahead of it, and its ticks are on the grid", async () => {
    const begun: { dueMs: number; aheadMs: number }[] = [];
    const { stage: made } = stage(
      async (_signal, dueMs) => {
        begun.push({ dueMs, aheadMs: dueMs - performance.now() });
        await sleep(Math.max(0, dueMs - performance.now()));
        return false;
      },
      { kind: "cadence", everyMs: 60, aheadMs: 30 },
      3,
      { prepare: async () => undefined },
    );
    made.start();
    while (begun.length < 6) await sleep(20);
    await made.stop();
    expect(begun[0]?.aheadMs).toBeGreaterThan(0);
    for (const { dueMs } of begun) {
      const ticks = (dueMs - (begun[0]?.dueMs ?? 0)) / 60;
      expect(Math.abs(ticks - Math.round(ticks))).toBeLessThan(1e-6);
    }
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
          await sleep(60);
          if (preparations === 1) throw new Error("the camera is still starting");
          preparedMs = performance.now();
        },
      },
    );
    made.start();
    while (duesMs.length === 0) await sleep(10);
    const { missedTicks, failures } = made.report();
    await made.stop();
    expect(preparations).toBe(2);
    expect(duesMs[0]).toBeGreaterThanOrEqual(preparedMs);
    expect({ missedTicks, failures }).toEqual({ missedTicks: 0, failures: 0 });
  });

  test("a wake-up during the work is not lost", async () => {
    let passes = 0;
    const { stage: made } = stage(async () => {
      passes += 1;
      if (passes === 1) made.wake();
      await sleep(5);
      return false;
    }, ON_DEMAND);
    made.start();
    await sleep(60);
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
      await sleep(10);
      made.wake();
    }
    await made.stop();
    expect(passes).toBeGreaterThanOrEqual(2);
    expect(passes).toBeLessThanOrEqual(4);
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
    await sleep(400);
    const { state, failures, passes } = made.report();
    await made.stop();
    expect(states).toContain("backing_off");
    expect(states).toContain("faulted");
    expect({ state, failures, passes }).toEqual({ state: "waiting", failures: 0, passes: 1 });
  });

  test("stop waits for the unit of work in hand", async () => {
    let done = false;
    const { stage: made } = stage(async () => {
      await sleep(50);
      done = true;
      return false;
    }, ON_DEMAND);
    made.start();
    await sleep(10);
    await made.stop();
    expect(done).toBe(true);
    expect(made.report().state).toBe("stopped");
  });
});
