// How the page writes numbers and times.
import { afterEach, expect, test } from "vitest";
import { TWO_ERRORS as SAID_ELSEWHERE } from "../../src/assay/precision.ts";
import { curveColour, curveDash } from "../../src/web/app/colours.ts";
import { fixed, TWO_ERRORS, typedNumber, withError } from "../../src/web/app/format.ts";
import { clock, day, fromTyped, moment, period, setTimeZone, typed, zoneName } from "../../src/web/app/time.ts";
import { MOST_CURVES } from "../../src/web/curves.ts";

afterEach(() => setTimeZone("UTC"));

test("numbers have minus signs and no digits beyond their error", () => {
  expect([fixed(-0.25, 2), fixed(-0.001, 2), fixed(0.5, 1)]).toEqual(["\u22120.25", "0.00", "0.5"]);
  expect(withError(-0.61834, 0.0719)).toBe("\u22120.618 ± 0.072");
  expect(withError(1.2e-6, 3.4e-7)).toBe("0.00000120 ± 0.00000034");
  expect(withError(12.3, undefined, 1)).toBe("12.3");
  expect(withError(null, 0.1)).toBe("–");
  expect([typedNumber(" \u22121,5 "), typedNumber("2e-3"), typedNumber("x"), typedNumber("")]).toEqual([
    -1.5,
    0.002,
    undefined,
    undefined,
  ]);
});

test("times are in the zone of the page, which is named; what is typed is read back in it", () => {
  const at = Date.UTC(2026, 10, 28, 23, 30, 5);
  expect([moment(at), day(at), clock(at, false)]).toEqual(["28 Nov 2026, 23:30:05 UTC", "28 Nov", "23:30"]);
  expect(period(at - 7_200_000, at)).toBe("28 Nov, 21:30 to 23:30 UTC");
  expect(period(at, at + 7_200_000)).toBe("28 Nov, 23:30 to 29 Nov, 01:30 UTC");
  setTimeZone("Europe/Berlin");
  expect([moment(at), zoneName()]).toEqual(["29 Nov 2026, 00:30:05 Europe/Berlin", "Europe/Berlin"]);
  for (const ms of [at, Date.UTC(2026, 2, 29, 0, 59), Date.UTC(2026, 2, 29, 1, 1), Date.UTC(2026, 6, 1)])
    expect(fromTyped(typed(ms)), typed(ms)).toBe(ms);
  expect(fromTyped("yesterday")).toBeNaN();
  expect(fromTyped("2026-03-29 02:30"), "the clock jumps over it").toBeNaN();
  setTimeZone("Mars/Olympus");
  expect(zoneName(), "an unknown zone changes nothing").toBe("Europe/Berlin");
});

test("no two curves of a drawing have the same colour and dashes", () => {
  const looks = Array.from({ length: MOST_CURVES }, (_v, at) => `${curveColour(at)} ${curveDash(at).join(" ")}`);
  expect(new Set(looks).size).toBe(MOST_CURVES);
  expect(curveDash(0)).toEqual([]);
});

test("the page explains standard error and noise as the command line and the report do", () => {
  expect(TWO_ERRORS).toBe(SAID_ELSEWHERE);
});
