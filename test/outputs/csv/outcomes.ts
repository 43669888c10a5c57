// Outcomes as the manifest would give them, for tests of what is made of them.

import type { Outcome } from "../../../src/manifest/outcomes.ts";
import { FLAGS, type Method, QUANTITIES, STATISTICS } from "../../../src/measurement/method.ts";

const START_US = Date.UTC(2026, 2, 4, 15, 20) * 1000 + 123_456;

interface Wanted {
  readonly method?: Method;
  readonly labels?: readonly string[];
  readonly failed?: boolean;
  readonly celsius?: Readonly<Record<string, number>>;
}

/** Outcome number `outcomeId`; every quantity's median is 100 · (roi + 1) + the quantity's index. */
export function outcome(outcomeId: number, wanted: Wanted = {}): Outcome {
  const { method = "gaussian", labels = ["A_N", "A_S"], failed = false, celsius = {} } = wanted;
  const statistics = new Float64Array(labels.length * QUANTITIES[method].length * STATISTICS.length).map((_v, i) => {
    const quantity = Math.floor(i / STATISTICS.length);
    const roi = Math.floor(quantity / QUANTITIES[method].length);
    const isMedian = STATISTICS[i % STATISTICS.length] === "Median";
    return isMedian ? 100 * (roi + 1) + (quantity % QUANTITIES[method].length) : -1;
  });
  const capturedAtUs = START_US + outcomeId * 10_000_000;
  return {
    outcomeId,
    entryId: outcomeId,
    analysisId: 1,
    method,
    labels,
    ok: !failed,
    errorCode: failed ? "frame.unreadable" : undefined,
    error: failed ? "not a picture" : undefined,
    capturedAtUs,
    processedAtUs: capturedAtUs + 1_000_000,
    filename: `image_${outcomeId}.png`,
    filepath: "/data",
    readings: Object.entries(celsius).map(([sensor, value]) => ({
      sensor,
      value,
      unit: "°C",
      takenAtUs: capturedAtUs,
      error: undefined,
    })),
    measured: failed
      ? undefined
      : {
          position: Float64Array.from(labels, (_label, roi) => 50 + roi + outcomeId / 1000),
          standardError: Float64Array.from(labels, () => 0.0123),
          quality: Float64Array.from(labels, () => 0.987),
          flags: Uint8Array.from(labels, (_label, roi) => (roi === 1 ? FLAGS.saturated | FLAGS.jumped : 0)),
          statistics,
          brightness: 100,
          contrast: 50,
          values: undefined,
        },
  };
}

/** The manifest's verb over a list. */
export function reader(outcomes: readonly Outcome[]): (cursor: number, limit: number) => Outcome[] {
  return (cursor, limit) => outcomes.filter(({ outcomeId }) => outcomeId > cursor).slice(0, limit);
}
