import { describe, expect, it } from "vitest";
import { encodeValues } from "../../src/analysis/task.ts";
import type { Manifest } from "../../src/manifest/manifest.ts";
import type { StoredResult } from "../../src/manifest/results.ts";
import { decodeStatistics } from "../../src/manifest/statistics-codec.ts";
import { FLAGS } from "../../src/measurement/method.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { openManifest } from "./experiment.ts";
import { addFrame, ensureAnalysis, frameName, LABELS, NOON_US, resultOf } from "./frames.ts";

/** Adds frames and completes each with the result made for it. */
function measured(directory: string, frames: number, result: (i: number) => StoredResult = resultOf) {
  const manifest = openManifest(directory);
  const analysisId = ensureAnalysis(manifest);
  for (let i = 0; i < frames; i += 1) {
    addFrame(manifest, directory, i);
    completeNext(manifest, analysisId, result(i));
  }
  return { manifest, analysisId };
}

function completeNext(manifest: Manifest, analysisId: number, result: StoredResult): number | undefined {
  const [claim] = manifest.entries.claimPending(1, NOON_US);
  if (claim === undefined) throw new Error("nothing to claim");
  return manifest.complete(claim, analysisId, result, NOON_US + 5e6);
}

describe("a sensorgram", () => {
  it("holds every frame of one ROI in order of capture, with its doubt", () => {
    const { manifest, analysisId } = measured(temporaryDirectory(), 40, (i) =>
      resultOf(i, { flags: Uint8Array.of(0, i % 2 === 0 ? FLAGS.saturated : 0, 0) }),
    );
    const { capturedAtUs, entryId, position, standardError, quality, flags } = manifest.results.sensorgram({
      analysisId,
      roi: 1,
    });
    expect([...position]).toEqual(Array.from({ length: 40 }, (_, i) => i + 0.1));
    expect([...capturedAtUs]).toEqual(Array.from({ length: 40 }, (_, i) => NOON_US + i * 1e6));
    expect([...entryId]).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    expect(standardError.every((px) => px === 0.01) && quality.every((good) => good === 0.9)).toBe(true);
    expect([...flags.subarray(0, 4)]).toEqual([1, 0, 1, 0]);
  });

  it("keeps to a time range, its end excluded", () => {
    const { manifest, analysisId } = measured(temporaryDirectory(), 40);
    const { position } = manifest.results.sensorgram({
      analysisId,
      roi: 0,
      fromUs: NOON_US + 7e6,
      toUs: NOON_US + 22e6,
    });
    expect([...position]).toEqual(Array.from({ length: 15 }, (_, i) => i + 7));
  });

  it("goes by the time of capture, not of completion, when frames come out of order", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    const analysisId = ensureAnalysis(manifest);
    for (const number of [5, 3, 4]) {
      addFrame(manifest, directory, number);
      completeNext(manifest, analysisId, resultOf(number));
    }
    expect([...manifest.results.sensorgram({ analysisId, roi: 0 }).position]).toEqual([3, 4, 5]);
  });

  it("gives NaN where a frame had no position, and nothing for an ROI there is not", () => {
    const unknown = new Float64Array(LABELS.length).fill(Number.NaN);
    const { manifest, analysisId } = measured(temporaryDirectory(), 1, () =>
      resultOf(1, { position: unknown, standardError: unknown, quality: unknown }),
    );
    const { position, standardError, quality } = manifest.results.sensorgram({ analysisId, roi: 0 });
    expect([position[0], standardError[0], quality[0]]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
    expect(manifest.results.sensorgram({ analysisId, roi: 99 }).position).toHaveLength(0);
  });
});

describe("outcomes", () => {
  it("carry everything known of a frame, page by page in order of completion", () => {
    const directory = temporaryDirectory();
    const values = LABELS.map((_, roi) => Array.from({ length: 5 }, (_, q) => Float64Array.of(roi, q, 1 / 3)));
    const { manifest } = measured(directory, 5, (i) => resultOf(i, { values: encodeValues(values) }));
    const readings = [{ sensor: "Lid", unit: "°C", takenAtUs: NOON_US, value: 21.5, error: undefined }];
    manifest.entries.add({ capturedAtUs: NOON_US, filename: "later.png", readings });
    const first = manifest.outcomes.after(0, 3);
    const rest = manifest.outcomes.after(first.at(-1)?.outcomeId ?? 0, 3);
    expect([...first, ...rest].map((outcome) => outcome.filename)).toEqual([0, 1, 2, 3, 4].map(frameName));
    const outcome = first[2];
    expect(outcome).toMatchObject({ ok: true, method: "gaussian", labels: LABELS, capturedAtUs: NOON_US + 2e6 });
    expect(outcome).toMatchObject({ processedAtUs: NOON_US + 5e6, filepath: directory, readings: [] });
    const expected = resultOf(2);
    expect(outcome?.measured).toEqual({
      position: expected.position,
      standardError: expected.standardError,
      quality: expected.quality,
      flags: expected.flags,
      statistics: decodeStatistics(expected.statistics),
      brightness: 100.25,
      contrast: 50.5,
      values,
    });
  });

  it("come with the readings of their frame", () => {
    const manifest = openManifest(temporaryDirectory());
    const readings = [
      { sensor: "Base", unit: "°C", takenAtUs: NOON_US + 1, value: undefined, error: "no answer" },
      { sensor: "Lid", unit: "°C", takenAtUs: NOON_US + 2, value: 21.5, error: undefined },
    ];
    manifest.entries.add({ capturedAtUs: NOON_US, filename: "a.png", readings });
    completeNext(manifest, ensureAnalysis(manifest), resultOf(1));
    expect(manifest.outcomes.after(0, 1)[0]?.readings).toEqual(readings);
    expect(manifest.readings.after(0, 10)).toEqual(readings.map((reading) => ({ ...reading, entryId: 1 })));
    expect(manifest.readings.after(1, 10)).toEqual([]);
    expect(manifest.readings.sensors()).toEqual([
      { sensor: "Base", unit: "°C" },
      { sensor: "Lid", unit: "°C" },
    ]);
  });

  it("can be had as curves of all ROIs, to single precision", () => {
    const { manifest, analysisId } = measured(temporaryDirectory(), 600);
    const curves = [...manifest.curves.after(analysisId, 10)];
    expect(curves).toHaveLength(590);
    expect(curves[0]).toEqual({
      outcomeId: 11,
      entryId: 11,
      capturedAtUs: NOON_US + 10e6,
      position: Float32Array.from(resultOf(10).position),
      flags: new Uint8Array(LABELS.length),
    });
  });

  it("tell where each ROI last stood without doubt", () => {
    const jumped = FLAGS.jumped;
    const { manifest, analysisId } = measured(temporaryDirectory(), 3, (i) =>
      resultOf(i, {
        position: Float64Array.of(i, i, Number.NaN),
        flags: Uint8Array.of(0, i === 2 ? jumped : 0, 0),
      }),
    );
    expect(manifest.curves.lastPositions(analysisId, LABELS.length)).toEqual(Float64Array.of(2, 1, Number.NaN));
  });
});

describe("outputs", () => {
  it("mark a frame as transmitted once every output in force has passed it", () => {
    const { manifest } = measured(temporaryDirectory(), 4);
    manifest.outputs.configure(["csv", "opcua"]);
    expect(manifest.outputs.backlog()).toBe(4);
    manifest.outputs.advance("csv", 3, '{"bytes": 10}');
    expect(manifest.outputs.state("csv")).toEqual({ cursor: 3, state: '{"bytes": 10}' });
    expect(manifest.history.counts().transmitted).toBe(0);
    manifest.outputs.advance("opcua", 2);
    expect(manifest.history.counts().transmitted).toBe(2);
    expect([...manifest.history.entries()].map((entry) => entry.dataTransmitted)).toEqual([true, true, false, false]);
    expect(manifest.outputs.backlog()).toBe(2);
    manifest.outputs.configure(["csv"]);
    expect(manifest.history.counts().transmitted).toBe(3);
    manifest.outputs.advance("csv", 4);
    expect(manifest.outputs.backlog()).toBe(0);
  });

  it("never go back", () => {
    const { manifest } = measured(temporaryDirectory(), 2);
    manifest.outputs.configure(["csv"]);
    manifest.outputs.advance("csv", 2, "kept");
    expect(() => manifest.outputs.advance("csv", 1, "lost")).toThrow(/already past/);
    expect(() => manifest.outputs.advance("unheard of", 1)).toThrow(/unknown/);
    expect(manifest.outputs.state("csv")).toEqual({ cursor: 2, state: "kept" });
  });
});

describe("runs", () => {
  const run = { startedAtUs: NOON_US, config: "a = 1", version: "1.0.0", nodeVersion: "20", host: "lab", pid: 7 };

  it("keep how they ended, and tell those that died", () => {
    const manifest = openManifest(temporaryDirectory());
    expect(manifest.runs.last()).toBeUndefined();
    const first = manifest.runs.begin(run);
    expect(manifest.runs.last()).toMatchObject({ runId: first, endReason: undefined, config: "a = 1" });
    const second = manifest.runs.begin(run);
    manifest.runs.end(second, NOON_US + 1, "asked to");
    expect(manifest.runs.last()).toMatchObject({ runId: second, endedAtUs: NOON_US + 1, endReason: "asked to" });
  });

  it("count what failed since they began", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    const runId = manifest.runs.begin(run);
    for (const [number, at] of [
      [1, NOON_US - 1],
      [2, NOON_US + 1],
    ] as const) {
      addFrame(manifest, directory, number);
      const [claim] = manifest.entries.claimPending(1, at);
      if (claim !== undefined) manifest.fail(claim, { code: "frame.unreadable", message: "no", retry: "never" }, at);
    }
    expect(manifest.runs.failedEntries(runId)).toBe(1);
    expect(manifest.history.failuresWithoutOutcome()).toHaveLength(2);
  });

  it("keep the last heartbeat of each stage", () => {
    const manifest = openManifest(temporaryDirectory());
    const beat = (stage: string, state: string, atUs: number) => ({ stage, state, atUs, detail: "" });
    manifest.heartbeats.store([beat("collector", "running", 1), beat("processor", "waiting", 1)]);
    manifest.heartbeats.store([beat("collector", "waiting", 2)]);
    expect(manifest.heartbeats.all()).toEqual([beat("collector", "waiting", 2), beat("processor", "waiting", 1)]);
  });
});
