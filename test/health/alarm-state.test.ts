import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import {
  type AlarmState,
  arrived,
  EMPTY_ALARM_STATE,
  note,
  readAlarmState,
  writeAlarmState,
} from "../../src/health/alarm-state.ts";
import type { Finding } from "../../src/health/finding.ts";

const faulted: Finding = { key: "stage.faulted:collector", state: "problem", text: "no camera", notifyAfterSeconds: 0 };
const unknown: Finding = { key: faulted.key, state: "unknown", text: "" };
const share: Finding = { key: "share.gone", state: "problem", text: "away", notifyAfterSeconds: 60 };

/** What is told over a number of looks, ten seconds apart. */
function look(
  looks: readonly (readonly Finding[])[],
  start: AlarmState = EMPTY_ALARM_STATE,
): { told: string[]; alarmState: AlarmState } {
  let alarmState = start;
  looks.forEach((findings, at) => {
    alarmState = note(alarmState, findings, { nowUs: at * 10e6, channels: ["command"] });
  });
  return { told: alarmState.outbox.map(({ notice }) => `${notice.event} ${notice.key}`), alarmState };
}

test("a trouble is told once, however long it lasts, and its end once", () => {
  expect(look([[], [faulted], [faulted], [{ ...faulted, text: "still no camera" }], [], [], []]).told).toEqual([
    "alarm stage.faulted:collector",
    "recovery stage.faulted:collector",
  ]);
});

test("a trouble that flickers is one trouble", () => {
  expect(look([[faulted], [], [faulted], [], [faulted]]).told).toEqual(["alarm stage.faulted:collector"]);
});

test("what cannot be told at the moment is not over", () => {
  expect(look([[faulted], [unknown], [unknown], [unknown], [faulted]]).told).toEqual(["alarm stage.faulted:collector"]);
});

test("a share that is away is told of after the time given, and one that comes back sooner not at all", () => {
  const away = Array.from({ length: 6 }, () => [share]);
  expect(look(away).told).toEqual([]);
  expect(look([...away, [share]]).told).toEqual(["alarm share.gone"]);
  expect(look([...away, [], []]).told).toEqual([]);
});

test("a look that saw only a part ends nothing", () => {
  const { alarmState } = look([[faulted]]);
  const after = note(alarmState, [], { nowUs: 9e9, channels: ["command"], partial: true });
  expect(note(after, [], { nowUs: 9e9, channels: ["command"], partial: true })).toBe(alarmState);
});

test("read back from its file, a ledger tells nobody a second time", async () => {
  const directory = mkdtempSync(join(tmpdir(), "phorest-alarmState-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, "alarms.json");
  expect(readAlarmState(path)).toEqual(EMPTY_ALARM_STATE);
  const { alarmState } = look([[faulted]]);
  const [waiting] = alarmState.outbox;
  if (waiting === undefined) throw new Error("nothing waits");
  await writeAlarmState(path, arrived(alarmState, waiting.notice, "command"));
  expect(look([[faulted], [faulted]], readAlarmState(path)).told).toEqual([]);
  writeFileSync(path, '{"version":1');
  expect(() => readAlarmState(path)).toThrow();
});
