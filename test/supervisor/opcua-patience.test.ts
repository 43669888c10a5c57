// How soon the plant's server is asked again: at once when it is back, ever more seldom when it ends what it began.
import { expect, test } from "vitest";
import type { FailureData } from "../../src/failure.ts";
import { patience } from "../../src/supervisor/delivering-opcua.ts";

const failed = (code: string) => ({ code, message: "", retry: "later" }) as FailureData;

/** Delays after these failures, all in one row. */
function delays(...codes: string[]): number[] {
  const delayMs = patience();
  return codes.map((code, at) => delayMs(failed(code), at + 1));
}

const many = (code: string, times: number): string[] => Array.from({ length: times }, () => code);

test("a server that is away is looked for several times a second, however long it takes", () => {
  for (const delay of delays(...many("opcua.unreachable", 500))) expect(delay).toBeLessThan(320);
});

test("a refusal while the server starts is not paid for with the time that it was away", () => {
  expect(delays(...many("opcua.unreachable", 500), "opcua.refused").at(-1)).toBeLessThanOrEqual(1250);
  expect(delays(...many("opcua.refused", 20)).at(-1)).toBeGreaterThanOrEqual(60_000);
});

test("a server that ends every session is not flooded with them", () => {
  const lost = delays(...many("opcua.lost", 30));
  expect(Math.max(...lost.slice(0, 8))).toBeLessThan(320);
  expect(lost.at(-1)).toBeGreaterThanOrEqual(60_000);
  expect(delays(...many("opcua.lost", 30), "opcua.unreachable", "opcua.lost").at(-1)).toBeLessThan(320);
});

test("after a success the count begins anew", () => {
  const delayMs = patience();
  for (let failures = 1; failures < 20; failures += 1) delayMs(failed("opcua.refused"), failures);
  expect(delayMs(failed("opcua.refused"), 1)).toBeLessThanOrEqual(1250);
});
