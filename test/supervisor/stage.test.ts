import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { nextOnGrid, type Schedule, Stage } from "../../src/supervisor/stage.ts";
import { move, STAGE_STATES, type StageEvent } from "../../src/supervisor/stage-state.ts";

function stage(work: () => Promise<boolean>, schedule: Schedule, failureLimit = 3) {
  const states: string[] = [];
  const made = new Stage({
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
    const startsMs: number[] = [];
    const { stage: made } = stage(
      async () => {
        startsMs.push(performance.now());
        await sleep(15);
        return false;
      },
      { kind: "cadence", everyMs: 50 },
    );
    made.start();
    await sleep(620);
    await made.stop();
    const first = startsMs[0] ?? 0;
    const last = startsMs.at(-1) ?? 0;
    const steps = Math.round((last - first) / 50);
    expect(Math.abs(last - first - 50 * steps)).toBeLessThan(20);
    expect(steps).toBeGreaterThanOrEqual(9);
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
