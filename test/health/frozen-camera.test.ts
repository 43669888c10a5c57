import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { loadConfig } from "../../src/config/config.ts";
import { frozenCamera, frozenLine } from "../../src/health/frozen-camera.ts";
import type { Analysis } from "../../src/manifest/analyses.ts";
import type { Curve } from "../../src/manifest/frame-curve.ts";
import type { CapturedPicture } from "../../src/manifest/history.ts";
import { FLAGS } from "../../src/measurement/method.ts";

const { config } = loadConfig(undefined, tmpdir());
const FRAMES = config.Alarm.frozen_frames;

interface Frame extends Partial<CapturedPicture> {
  readonly position?: readonly number[];
  readonly flags?: readonly number[];
}

/** What is found of frames, the oldest first. */
function found(frames: readonly Frame[], method: Analysis["method"] = "gaussian") {
  const pictures = frames.map((frame, at) => ({
    entryId: at + 1,
    filename: `frame_${at + 1}`,
    capturedAtUs: at,
    cameraType: "v4l2",
    sha256: undefined,
    pixels: undefined,
    ...frame,
  }));
  const curves: Curve[] = frames.flatMap(({ position, flags }, at) =>
    position === undefined
      ? []
      : [
          {
            outcomeId: at + 1,
            entryId: at + 1,
            capturedAtUs: at,
            position: Float32Array.from(position),
            flags: Uint8Array.from(flags ?? position.map(() => 0)),
          },
        ],
  );
  const analysis = { analysisId: 1, method, labels: ["a", "b"] } as unknown as Analysis;
  const manifest = {
    history: { capturedPictures: () => pictures.toReversed() },
    analyses: { all: () => [] },
    outcomes: { analysisBeside: () => undefined },
    curves: { latest: () => [] },
  };
  return frozenCamera(manifest, config, { analysis, labels: analysis.labels, curves });
}

const repeated = (frame: Frame, times = FRAMES): Frame[] => Array.from({ length: times }, () => frame);

test("equal files or equal pixels, as many as are configured and the newest among them", () => {
  expect(found([])).toBeUndefined();
  expect(found(repeated({ sha256: "a" }, FRAMES - 1))).toBeUndefined();
  expect(found([{ sha256: "b" }, ...repeated({ sha256: "a" })])).toEqual({
    what: "pictures",
    frames: FRAMES,
    different: 1,
    since: "frame_2",
  });
  expect(found([...repeated({ sha256: "a" }), { sha256: "b" }])).toBeUndefined();
  const stamped = Array.from({ length: FRAMES }, (_, at) => ({ sha256: `${at}`, pixels: 7 }));
  expect(found(stamped)).toMatchObject({ what: "pictures", frames: FRAMES });
  expect(found(stamped.map((frame, at) => ({ ...frame, sha256: "a", pixels: at })))).toBeUndefined();
});

test("a folder is watched, since another program's camera feeds it; replayed and imported pictures are not", () => {
  expect(found(repeated({ sha256: "a", cameraType: "folder" }))).toBeDefined();
  for (const cameraType of ["dummy", "simulated", "file_importer", undefined]) {
    expect(found(repeated({ sha256: "a", position: [1, 2], cameraType }))).toBeUndefined();
  }
});

test("positions that are equal to the last bit, whatever the files say", () => {
  const stamped = (position: (at: number) => readonly number[], flags?: readonly number[]) =>
    Array.from({ length: FRAMES }, (_, at) => ({ sha256: `${at}`, position: position(at), ...(flags && { flags }) }));
  expect(found(stamped(() => [10.5, Number.NaN]))).toMatchObject({ what: "positions", frames: FRAMES });
  expect(found(stamped((at) => [10.5, at === 3 ? 20.25 : 20.5]))).toBeUndefined();
  // Flagged ones stand at the border of their ROI, or are not measured at all.
  expect(found(stamped(() => [10.5, 20.5], [FLAGS.at_edge, FLAGS.at_edge]))).toBeUndefined();
  expect(found(stamped((at) => [10.5, at], [0, FLAGS.at_edge]))).toBeDefined();
  expect(
    found(
      stamped(() => [10, 20]),
      "max_intensity",
    ),
  ).toBeUndefined();
});

test("a camera that replays a few old pictures, in turn or in any order, is frozen too", () => {
  const fresh = ["w", "x", "y", "z"].map((sha256) => ({ sha256 }));
  for (const order of ["abababab", "abcabcabc", "abcdefghabcdefgh", "aabbaabb", "abacbcab"]) {
    const frames = [...fresh, ...[...order].map((sha256) => ({ sha256 }))];
    expect(found(frames), order).toEqual({
      what: "pictures",
      frames: order.length,
      different: new Set(order).size,
      since: "frame_5",
    });
    // One new picture ends it; one old picture among new ones is none.
    expect(found([...frames, { sha256: "new" }]), order).toBeUndefined();
  }
  expect(found([..."abcdefgabc"].map((sha256) => ({ sha256 })))).toBeUndefined();
  const alternating = found([..."abababab"].map((sha256) => ({ sha256 })));
  expect(alternating && frozenLine(alternating)).toContain("the last 8 frames repeat exactly the same 2 images");
});

test("positions that alternate between old ones", () => {
  const frames = Array.from({ length: 2 * FRAMES }, (_, at) => ({
    sha256: `${at}`,
    position: [10.5 + (at % 3), 20.25],
  }));
  expect(found(frames)).toMatchObject({ what: "positions", frames: 2 * FRAMES, different: 3 });
  expect(found([...frames, { sha256: "new", position: [11.75, 20.25] }])).toBeUndefined();
});

test("the noise of a single ROI in single precision raises no alarm in 20,000 frames", () => {
  let state = 1;
  const uniform = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  const noisy = Array.from({ length: 20_000 }, (_, at) => ({ sha256: `${at}`, position: [200 + 0.003 * uniform()] }));
  for (let end = 100; end <= noisy.length; end += FRAMES) {
    expect(found(noisy.slice(end - 100, end))).toBeUndefined();
  }
});
