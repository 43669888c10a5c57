import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { ReferenceSequencer } from "../../src/analysis/reference-sequencer.ts";
import type { AnalysisSettings } from "../../src/analysis/settings.ts";
import {
  decodeReference,
  emptyReference,
  isComplete,
  referenceFrames,
  type TrackingReference,
  trackPicture,
} from "../../src/analysis/tracking.ts";
import { encodePicture } from "../../src/image/encode.ts";
import type { Picture } from "../../src/image/picture.ts";
import { MANIFEST_FILENAME, Manifest } from "../../src/manifest/manifest.ts";
import { FLAGS, type FrameResult, QUANTITIES, STATISTICS } from "../../src/measurement/method.ts";
import { formatRoiManifest, parseRoiManifest } from "../../src/measurement/roi.ts";
import { createSimulator } from "../../src/simulator/simulator.ts";
import { command as phorest } from "../run/commands.ts";
import { experiment, phorest as program } from "../run/program.ts";
import { dying } from "../support/dying.ts";
import { TIME_TO_STOP } from "../support/time-to-stop.ts";

const SETTINGS: AnalysisSettings = {
  method: "tracking",
  jointLine: "fano",
  referenceFrames: 3,
  subRois: 0,
  sampling: "precise",
  bitDepthScaling: "stretch",
  debug: false,
};

function simulated() {
  const simulator = createSimulator({ width: 640, height: 480, binding: { shiftPx: 0, bulkPx: 0, driftPxPerHour: 0 } });
  return { simulator, rois: parseRoiManifest(formatRoiManifest(simulator.roiManifest()), "the simulator") };
}

const { simulator, rois } = simulated();
const frameOf = (nth: number): Picture => simulator.render(0, nth);
const filled = (picture: Picture, value: (old: number) => number): Picture => ({
  ...picture,
  pixels: Uint8Array.from(picture.pixels, value),
});

/** Bytes, and not as an expectation: that takes seconds for a reference. */
const same = (a: ArrayBufferView, b: ArrayBufferView): boolean => bytesOf(a).equals(bytesOf(b));
const bytesOf = (view: ArrayBufferView) => Buffer.from(view.buffer, view.byteOffset, view.byteLength);

/** Offers pictures one after the other. */
function offer(pictures: readonly Picture[], from: TrackingReference = emptyReference(rois)) {
  let reference = from;
  const results = pictures.map((picture) => {
    const tracked = trackPicture(picture, rois, SETTINGS, reference);
    reference = tracked.reference ?? reference;
    return tracked.result;
  });
  return { reference, results };
}

const quantityOf = ({ statistics }: FrameResult, roi: number, name: string) =>
  statistics[(roi * QUANTITIES.tracking.length + QUANTITIES.tracking.indexOf(name)) * STATISTICS.length];

/** Every measured ROI says that a joint fit had to do, and has neither a shift nor a light relative to a reference. */
function expectFallback(result: FrameResult): void {
  rois.rois.forEach((_, roi) => {
    if (Number.isNaN(result.position[roi])) return;
    expect((result.flags[roi] as number) & FLAGS.fallback).toBe(FLAGS.fallback);
    for (const name of ["shift", "light"]) expect(quantityOf(result, roi, name)).toBeNaN();
  });
}

describe("the reference of tracking", () => {
  it("is the first sound frames, and no more of them", () => {
    const { reference, results } = offer([0, 1, 2, 3, 4].map(frameOf));
    expect([...reference.counts]).toEqual([3, 3]);
    expect(isComplete(reference, 3)).toBe(true);
    expect(rois.rois.map((_, roi) => referenceFrames(reference, roi))).toEqual(rois.rois.map(() => 3));
    for (const { flags, standardError } of results.slice(1)) {
      expect([...flags].filter((bits) => bits !== 0)).toEqual([]);
      expect(Math.max(...standardError)).toBeLessThan(0.1);
    }
  });

  it.each([
    ["without light", filled(frameOf(9), () => 2)],
    ["cut off by the camera", filled(frameOf(9), (old) => Math.min(255, 3 * old))],
  ])("does not take in a frame %s, and is as if it had not been", (_, absurd) => {
    const clean = offer([0, 1, 2].map(frameOf)).reference;
    for (const at of [0, 1]) {
      const pictures = [0, 1, 2].map(frameOf);
      pictures.splice(at, 0, absurd);
      const { reference, results } = offer(pictures);
      expect([...reference.counts]).toEqual([4, 3]);
      expect(same(reference.anchors, clean.anchors) && same(reference.pixels, clean.pixels)).toBe(true);
      expect([...(results[at]?.flags ?? [])].filter((bits) => bits === 0).length).toBeLessThan(rois.rois.length / 2);
    }
  });

  it("is given up on after four times as many frames, and joint fits measure what has none", () => {
    const dark = filled(frameOf(0), () => 2);
    const { reference } = offer(Array.from({ length: 12 }, () => dark));
    expect(isComplete(reference, 3)).toBe(true);
    const { results } = offer([frameOf(0)], reference);
    expect(Number.isFinite(results[0]?.position[0])).toBe(true);
    expect(results[0]?.standardError[0]).toBeGreaterThan(0.05);
    expectFallback(results[0] as FrameResult);
  });

  it("does not begin with a picture that is flagged, and gives no shift from it", () => {
    // A third of the pixels at the top of the scale: joint fits measure the picture, with a flag.
    const cutOff = filled(frameOf(0), (old) => Math.min(255, 1.35 * old));
    const { reference, results } = offer([cutOff]);
    const measured = results[0] as FrameResult;
    const flagged = rois.rois.map((_, roi) => (measured.flags[roi] as number) & FLAGS.saturated);
    expect(flagged.some((bits) => bits !== 0)).toBe(true);
    rois.rois.forEach((_, roi) => {
      const has = referenceFrames(reference, roi) > 0;
      expect(((measured.flags[roi] as number) & FLAGS.fallback) === 0).toBe(
        has || Number.isNaN(measured.position[roi]),
      );
      expect(Number.isNaN(quantityOf(measured, roi, "shift"))).toBe(!has);
    });
  });

  it("is contradicted by a joint fit beside that finds the band elsewhere", () => {
    const { reference } = offer([0, 1, 2].map(frameOf));
    const carriedBy: AnalysisSettings = { ...SETTINGS, method: "joint" };
    const flagsOf = () => trackPicture(frameOf(3), rois, SETTINGS, reference, { carriedBy }).result.flags;
    expect([...flagsOf()].filter((bits) => bits !== 0)).toEqual([]);
    // Where the curve of the first ROI begins.
    const POSITION = 1;
    reference.anchors[POSITION] = (reference.anchors[POSITION] as number) + 12;
    expect(flagsOf()[0]).toBe(FLAGS.shape_changed);
    expect(flagsOf()[1]).toBe(0);
  });

  it("of another form is refused", () => {
    const { reference } = offer([frameOf(0)]);
    const older = Buffer.from(reference.bytes);
    older.writeDoubleLE(1, 0);
    expect(() => decodeReference(older)).toThrow(/form 1, expected/);
  });

  it("leaves a frame without light unmeasured and says so", () => {
    const { reference } = offer([0, 1, 2].map(frameOf));
    const { results } = offer([filled(frameOf(5), () => 2), frameOf(6)], reference);
    expect(Number.isNaN(results[0]?.position[0])).toBe(true);
    expect((results[0]?.flags[0] ?? 0) & FLAGS.not_converged).toBe(FLAGS.not_converged);
    expect(results[1]?.flags[0]).toBe(0);
  });

  it("is the same after it was stored, and is never written into", () => {
    const { reference } = offer([0, 1].map(frameOf));
    const stored = Buffer.from(reference.bytes);
    const again = decodeReference(stored);
    expect(same(again.bytes, reference.bytes)).toBe(true);
    const [one, two] = [offer([frameOf(2)], again), offer([frameOf(2)], reference)];
    expect(one.results).toEqual(two.results);
    expect(same(one.reference.bytes, two.reference.bytes)).toBe(true);
    expect(same(again.bytes, stored)).toBe(true);
  });
});

describe("the sequencer of a reference", () => {
  it("lets frames in one at a time and in order until the reference is complete, a failed one between them", async () => {
    const sequencer = new ReferenceSequencer({ settings: SETTINGS, measuresDrift: false });
    const seen: string[] = [];
    let reference = emptyReference(rois);
    const task = (nth: number, ms: number, ok = true) =>
      sequencer.run(async (turn) => {
        const answer = await turn.measure(async ({ reference: known }) => {
          seen.push(`${nth} has ${known === undefined ? 0 : decodeReference(known).counts[1]}`);
          await sleep(ms);
          if (!ok) throw new Error("a thread died");
          const tracked = trackPicture(frameOf(nth), rois, SETTINGS, reference);
          reference = tracked.reference ?? reference;
          const grown = tracked.reference === undefined ? {} : { reference: tracked.reference.bytes };
          return { ok: true, answer: {} as never, decodeMs: 0, measureMs: 0, ...grown };
        });
        sequencer.kept(undefined, answer);
      });
    const ends = await Promise.allSettled([
      task(0, 20),
      task(1, 1, false),
      task(2, 10),
      task(3, 1),
      task(4, 5),
      task(5, 1),
    ]);
    expect(ends.map(({ status }) => status === "fulfilled")).toEqual([true, false, true, true, true, true]);
    expect(seen).toEqual(["0 has 0", "1 has 1", "2 has 1", "3 has 2", "4 has 3", "5 has 3"]);
  });
});

const FRAMES = 9;

async function pictureDirectory(config: string): Promise<string> {
  const directory = experiment(config);
  mkdirSync(join(directory, "data"));
  mkdirSync(join(directory, "generated_files"));
  writeFileSync(join(directory, "generated_files/ROI_manifest.json"), formatRoiManifest(rois));
  for (let frame = 0; frame < FRAMES; frame++) {
    const name = `image_20260304_1500${String(frame).padStart(2, "0")}_000000_cam0.png`;
    writeFileSync(join(directory, "data", name), await encodePicture(frameOf(frame), "png"));
  }
  return directory;
}

function curvesOf(directory: string, method: string) {
  const manifest = Manifest.open({ file: join(directory, "data", MANIFEST_FILENAME), readonly: true });
  try {
    const analysisId = manifest.analyses.all().find((one) => one.method === method)?.analysisId ?? -1;
    return rois.rois.map((_, roi) => {
      const { position, standardError, flags } = manifest.results.sensorgram({ analysisId, roi });
      return { position, standardError, flags };
    });
  } finally {
    manifest.close();
  }
}

const config = (analysis: string) =>
  `[Web]\nenabled = false\n[Report]\nplot = false\n[Services]\nenable_camera = true\n[Camera]\ncamera_type = "file_importer"\n[Data_Analysis]\nreference_frames = 4\n${analysis}\n${TIME_TO_STOP}`;

/** Runs the program until all pictures are measured. */
async function measureAll(directory: string): Promise<void> {
  const { code, stderr } = await phorest(["run", "--until-idle"], directory);
  expect(code, stderr).toBe(0);
}

describe("a run that tracks", () => {
  it.each([
    ["tracking", "fano"],
    ["tracking", "auto"],
    ["joint", "auto"],
  ])(
    "by %s with the line %s gives the same curves with one thread and with three, killed at any frame and started again or not",
    async (method, line) => {
      const analysis = `method = "${method}"\njoint_line = "${line}"`;
      const whole = await pictureDirectory(config(`${analysis}\nworkers = 1`));
      await measureAll(whole);
      // Killed while the reference grows, and when it is complete, while other pictures are in the hands of the threads.
      const torn = await pictureDirectory(config(`${analysis}\nworkers = 3`));
      for (const after of [2, 3]) {
        const killed = await program(["run"], torn, dying({ text: "measured in", times: after }));
        expect(killed.signal, killed.stderr).toBe("SIGKILL");
      }
      await measureAll(torn);
      const curves = curvesOf(whole, method);
      expect(curves[0]?.position).toHaveLength(FRAMES);
      expect(curvesOf(torn, method)).toEqual(curves);
    },
  );

  it("beside a method leaves that one's columns as they are and adds its own at the end", async () => {
    const [alone, both, tracked] = await Promise.all(
      ['method = "gaussian"', 'method = "gaussian"\nalso = ["tracking"]', 'method = "tracking"'].map((analysis) =>
        pictureDirectory(config(analysis)),
      ),
    );
    if (alone === undefined || both === undefined || tracked === undefined) throw new Error("three runs");
    for (const directory of [alone, both, tracked]) await measureAll(directory);
    expect(curvesOf(both, "gaussian")).toEqual(curvesOf(alone, "gaussian"));
    expect(curvesOf(both, "tracking")).toEqual(curvesOf(tracked, "tracking"));
    const lines = (directory: string) =>
      readFileSync(join(directory, "results/communicating_results.csv"), "utf8").trim().split("\n");
    const [plain, wide] = [lines(alone), lines(both)];
    expect(wide[0]).toBe(`${plain[0]},tracking_position_px,tracking_standard_error_px,tracking_flags`);
    expect(wide.map((line) => line.split(",").slice(0, -3).join(",")).sort()).toEqual(plain.sort());
    const csv = (directory: string) =>
      phorest(["sensorgram", "--baseline", "0..5", "--roi", rois.rois[0]?.label ?? "", "--summary"], directory);
    expect((await csv(both)).stdout).toBe((await csv(alone)).stdout);
    const beside = await phorest(["sensorgram", "--tracking", "--roi", rois.rois[0]?.label ?? ""], both);
    const own = await phorest(["sensorgram", "--roi", rois.rois[0]?.label ?? ""], tracked);
    expect(beside.stdout).toBe(own.stdout);
    // The file also has the rows of its group.
    expect(beside.stdout.split("\n").filter((line) => line.includes(rois.rois[0]?.label ?? "?"))).toHaveLength(FRAMES);
    const none = await phorest(["sensorgram", "--tracking"], alone);
    expect(none.code).toBe(2);
    expect(none.stderr).toContain('analysis "gaussian" has no tracking results');
  });
});
