// What follows from the group of a stage: the order of the end of a run, and what a run with --until-idle waits for.
import { expect, test } from "vitest";
import { createLogger } from "../../src/log/logger.ts";
import type { StageName } from "../../src/log/stage-names.ts";
import type { OpenStage, StageGroup } from "../../src/stages/contract/stage-definition.ts";
import { Shutdown } from "../../src/supervisor/shutdown.ts";
import { type RunningStage, stageOf } from "../../src/supervisor/stage.ts";
import { StopCondition } from "../../src/supervisor/stop-condition.ts";

const GROUPS: readonly StageGroup[] = ["service", "output", "capture", "storage", "measure"];
const NAMES: Readonly<Record<StageGroup, StageName>> = {
  capture: "collector",
  measure: "processor",
  output: "communicator",
  storage: "syncer",
  service: "health",
};
const log = createLogger({ level: "error", console: false, rotateSeconds: 3600 }).stage("supervisor");

/** A stage of each group, started; `done` hears of what the end of the run asks of them. */
function run(done: string[], own: Partial<Record<StageGroup, Partial<OpenStage>>> = {}): RunningStage[] {
  return GROUPS.map((group) => {
    const name = NAMES[group];
    const work: OpenStage = {
      schedule: { kind: "demand", atLeastEveryMs: 3_600_000, atMostEveryMs: 0 },
      run: async () => false,
      idle: () => true,
      flush: async () => void done.push(`${group} flush`),
      close: async () => void done.push(`${group} close`),
      ...own[group],
    };
    const moved = ({ state }: { state: string }) => {
      if (state === "stopped") done.push(`${group} stopped`);
    };
    const life = stageOf(name, work, moved);
    life.start();
    return { name, group, work, life };
  });
}

const at = (stages: readonly RunningStage[], group: StageGroup) =>
  stages.find((stage) => stage.group === group) as RunningStage;

test("a run ends in the order of the groups, whatever the order of the table", async () => {
  const done: string[] = [];
  const stages = run(done);
  await expect.poll(() => stages.every(({ life }) => life.report().state === "waiting")).toBe(true);
  const shutdown = new Shutdown(60_000, log);
  await shutdown.endStages(stages);
  expect(shutdown.clean).toBe(true);
  const order = [
    ["capture stopped", "capture flush", "measure stopped", "measure flush", "output stopped", "storage stopped"],
    ["service stopped", "output flush"],
    ["output stopped", "service stopped", "output flush", "storage flush", "storage close", "capture close"],
    ["output flush", "service flush", "service close", "measure close"],
    ["storage close", "output close"],
  ];
  for (const events of order) {
    const places = events.map((event) => done.indexOf(event));
    expect(places, events.join(", ")).toEqual([...places].sort((a, b) => a - b));
    expect(places).not.toContain(-1);
  }
  expect(done).toHaveLength(3 * GROUPS.length);
});

test("a stage whose work does not end is closed, has no last act, and keeps no other from its own", async () => {
  const done: string[] = [];
  let end: () => void = () => undefined;
  const endless = new Promise<void>((resolve) => {
    end = resolve;
  });
  const stages = run(done, {
    storage: {
      run: () => endless.then(() => false),
      close: async () => {
        done.push("storage close");
        end();
      },
    },
  });
  await expect.poll(() => at(stages, "storage").life.report().state).toBe("running");
  await new Shutdown(1000, log).endStages(stages);
  expect(done).not.toContain("storage flush");
  expect(done.indexOf("storage close")).toBeLessThan(done.indexOf("output flush"));
  expect(done).toContain("service flush");
  expect(stages.map(({ life }) => life.report().state)).toEqual(GROUPS.map(() => "stopped"));
});

test("--until-idle asks capture, then measurement, then all others, and wakes only these", async () => {
  const done: string[] = [];
  const busy = new Set<StageGroup>(GROUPS);
  const passes = new Map<StageGroup, number>();
  const own = (group: StageGroup): Partial<OpenStage> => ({
    idle: () => !busy.has(group),
    run: async () => {
      passes.set(group, (passes.get(group) ?? 0) + 1);
      return false;
    },
  });
  const stages = run(done, Object.fromEntries(GROUPS.map((group) => [group, own(group)])));
  await expect.poll(() => stages.every(({ life }) => life.report().state === "waiting")).toBe(true);
  const condition = new StopCondition(
    { untilIdle: true },
    { stages, manifest: { damage: undefined }, log, captured: () => 0 },
  );
  const ask = () => condition.reason(0);
  const once = new Map(GROUPS.map((group) => [group, 1]));
  expect(ask()).toBeUndefined();
  busy.delete("capture");
  expect(ask()).toBeUndefined();
  await new Promise((resolve) => setImmediate(resolve));
  expect(passes).toEqual(once);
  busy.delete("measure");
  expect(ask()).toBeUndefined();
  await expect.poll(() => passes.get("storage")).toBe(2);
  await expect.poll(() => stages.every(({ life }) => life.report().state === "waiting")).toBe(true);
  for (const group of ["output", "storage", "service"] as const) {
    expect(ask()).toBeUndefined();
    await expect.poll(() => stages.every(({ life }) => life.report().state === "waiting")).toBe(true);
    busy.delete(group);
  }
  expect(ask()).toBe("idle");
  expect([passes.get("capture"), passes.get("measure")]).toEqual([1, 1]);
  await new Shutdown(60_000, log).endStages(stages);
});
