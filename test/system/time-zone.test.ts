// Times for people in a zone: shown, typed, and on days when the clock is put forward or back.
import { expect, test } from "vitest";
import { timeTicks } from "../../src/figures/time-ticks.ts";
import { usFromOption } from "../../src/manifest/timestamps.ts";
import { TimeZone, timeZoneProblem, UTC } from "../../src/system/time-zone.ts";

const us = (iso: string) => Date.parse(iso) * 1000;
const BERLIN = new TimeZone("Europe/Berlin");

test.each([
  ["UTC", "2026-03-04T10:00:00Z", "2026-03-04 10:00:00 UTC"],
  ["Europe/Berlin", "2026-03-04T10:00:00Z", "2026-03-04 11:00:00 Europe/Berlin"],
  ["Europe/Berlin", "2026-07-04T23:30:00Z", "2026-07-05 01:30:00 Europe/Berlin"],
  ["Asia/Kolkata", "2026-03-04T18:29:59Z", "2026-03-04 23:59:59 Asia/Kolkata"],
  ["Pacific/Kiritimati", "2026-03-04T10:00:00Z", "2026-03-05 00:00:00 Pacific/Kiritimati"],
])("in %s %s is %s", (zone, iso, shown) => {
  expect(new TimeZone(zone).moment(us(iso))).toBe(shown);
});

test.each([0, 1.5e15 + 999_999, -1e6, -6e15, 2e17])(
  "UTC, which needs no zone data, is the zone of that time: %d µs",
  (at) => {
    const zone = new TimeZone("Etc/UTC");
    expect([UTC.day(at), UTC.clock(at), UTC.offsetMs(at)]).toEqual([zone.day(at), zone.clock(at), zone.offsetMs(at)]);
  },
);

test("a span names its zone once, and its second day where it is another one", () => {
  expect(UTC.span(us("2026-03-04T10:00:00Z"), us("2026-03-04T10:14:30Z"))).toBe("2026-03-04 10:00:00 to 10:14:30 UTC");
  expect(BERLIN.span(us("2026-03-04T22:00:00Z"), us("2026-03-04T23:14:30Z"))).toBe(
    "2026-03-04 23:00:00 to 2026-03-05 00:14:30 Europe/Berlin",
  );
});

test("an hour that the clock shows twice is told apart, one that it jumps over is refused", () => {
  const first = us("2026-10-25T00:30:00Z");
  const second = us("2026-10-25T01:30:00Z");
  expect([first, second].map((at) => BERLIN.clock(at))).toEqual(["02:30:00+02:00", "02:30:00+01:00"]);
  expect(usFromOption("--at", "2026-10-25 02:30", BERLIN)).toBe(first);
  expect(usFromOption("--at", "2026-10-25T02:30+01:00", BERLIN)).toBe(second);
  expect(() => usFromOption("--at", "2026-03-29 02:30", BERLIN)).toThrow(
    "--at: the clocks in Europe/Berlin never showed 2026-03-29 02:30",
  );
});

test.each([
  ["2026-03-04 11:00", "2026-03-04T10:00:00Z"],
  ["2026-03-04T11:00:00.25", "2026-03-04T10:00:00.25Z"],
  ["2026-07-04", "2026-07-03T22:00:00Z"],
  ["2026-03-04T11:00Z", "2026-03-04T11:00:00Z"],
  ["2026-03-04T11:00-0500", "2026-03-04T16:00:00Z"],
])("%s as typed in Berlin is %s", (typed, iso) => {
  expect(usFromOption("--at", typed, BERLIN)).toBe(us(iso));
});

test("what is typed without a zone is UTC where no zone is set", () => {
  expect(usFromOption("--at", "2026-07-04 11:00")).toBe(us("2026-07-04T11:00:00Z"));
});

test("every moment of the two days of change comes back from what is shown of it", () => {
  for (const day of ["2026-03-29", "2026-10-25"]) {
    for (let minute = 0; minute < 1440; minute += 7) {
      const at = us(`${day}T00:00:00Z`) + minute * 60e6;
      const shown = BERLIN.moment(at).replace(" Europe/Berlin", "");
      expect(usFromOption("--at", shown, BERLIN)).toBe(at);
    }
  }
});

test("messages are shown with their times in the zone", () => {
  const text = "running since 2026-03-04T10:00:00.123456Z; space until 2026-07-04 10:00 UTC; results_2026.csv";
  expect(UTC.shown(text)).toBe(text);
  expect(BERLIN.shown(text)).toBe(
    "running since 2026-03-04 11:00:00 Europe/Berlin; space until 2026-07-04 12:00:00 Europe/Berlin; results_2026.csv",
  );
});

test("an unknown zone is refused with the nearest name", () => {
  expect(timeZoneProblem("Europe/Berln")).toBe('there is no time zone "Europe/Berln"; did you mean Europe/Berlin?');
  for (const name of ["UTC", "local", "Europe/Berlin"]) expect(timeZoneProblem(name)).toBeUndefined();
  expect(timeZoneProblem("")).toContain("there is no time zone");
});

test("ticks stand at round times of the zone, also after the clock was put back", () => {
  const span = [Date.parse("2026-10-24T21:30:00Z"), Date.parse("2026-10-25T05:00:00Z")] as const;
  const ticks = timeTicks([span[0], span[1]], BERLIN, 9);
  expect(ticks.map(({ label }) => label)).toEqual(["25 Oct", "01:00", "02:00", "03:00", "04:00", "05:00", "06:00"]);
  expect(ticks.map(({ at }) => new Date(at).toISOString().slice(11, 16))).toEqual([
    "22:00",
    "23:00",
    "00:00",
    "02:00",
    "03:00",
    "04:00",
    "05:00",
  ]);
});
