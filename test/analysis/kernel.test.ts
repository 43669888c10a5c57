import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { measure } from "../../src/analysis/kernel.ts";
import { type KernelAnswer, type KernelRequest, ROW } from "../../src/analysis/kernel-answer.ts";
import { kernelVersion, vectorUnit } from "../../src/analysis/native-kernel.ts";
import { type Method, POSITION_COLUMN, QUANTITIES } from "../../src/measurement/method.ts";
import { packageRoot } from "../../src/system/files.ts";
import { correlated, fano, gaussian, normals, picture16 } from "./simulated-rows.ts";

const BASE = {
  angleDegrees: 0,
  method: "gaussian",
  subRois: 0,
  sampling: "precise",
  bitDepthScaling: "fixed",
} as const;

/** Measures one ROI that covers the picture, unless told otherwise. */
function whole(
  pixels: Uint8Array | Uint16Array,
  width: number,
  options: Partial<Omit<KernelRequest, "pixels" | "width" | "height">> = {},
): KernelAnswer {
  const height = pixels.length / width;
  return measure({ ...BASE, pixels, width, height, rois: Float64Array.of(0, 0, height, width, 0), ...options });
}

function column(answer: KernelAnswer, method: "gaussian" | "fano", quantity: string): number[] {
  const count = QUANTITIES[method].length;
  const index = QUANTITIES[method].indexOf(quantity);
  return Array.from(answer.status, (_, row) => answer.columns[row * count + index] as number);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviation(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
}

describe("lines without noise", () => {
  it("finds the parameters of Gaussian peaks and dips", () => {
    const rows: [number, number, number, number][] = [
      [20_000, 90.25, 14, 9_000],
      [-20_000, 60.5, 30, 60_000],
      [30_000, 3.5, 8, 5_000],
      [15_000, 100, 1.7, 20_000],
    ];
    const pixels = picture16(181, rows.length, (x, y) => gaussian(x, ...(rows[y] ?? [0, 0, 1, 0])));
    const answer = whole(pixels, 181);
    expect([...answer.status]).toEqual(rows.map(() => ROW.ok));
    rows.forEach(([amplitude, mu, sigma, offset], row) => {
      expect(column(answer, "gaussian", "mu")[row]).toBeCloseTo(mu, 3);
      expect(column(answer, "gaussian", "sigma")[row]).toBeCloseTo(sigma, 3);
      expect(((column(answer, "gaussian", "amplitude")[row] as number) * 257) / amplitude).toBeCloseTo(1, 4);
      expect(((column(answer, "gaussian", "offset")[row] as number) * 257) / offset).toBeCloseTo(1, 3);
    });
  });

  it("gives Fano lines with amplitude and gamma above zero, whatever their shape", () => {
    const rows: [number, number, number, number, number][] = [
      [900, 5, 90, 22, 9_000],
      [9_000, -1.2, 60, 15, 9_000],
      [20_000, 0.1, 110, 25, 20_000],
      [0.002, -3000, 80, 30, 10_000],
    ];
    const pixels = picture16(181, rows.length, (x, y) => fano(x, ...(rows[y] ?? [0, 0, 0, 1, 0])));
    const answer = whole(pixels, 181, { method: "fano" });
    expect([...answer.status]).toEqual(rows.map(() => ROW.ok));
    rows.forEach((parameters, row) => {
      const [amplitude, q, resonance, gamma, offset, error] = answer.columns.subarray(row * 6, row * 6 + 6);
      expect(resonance).toBeCloseTo(parameters[2], 2);
      expect(gamma).toBeCloseTo(parameters[3], 2);
      expect(amplitude).toBeGreaterThanOrEqual(0);
      expect(error).toBeLessThan(2 / 257);
      for (const x of [0, 45, 90, 135, 180]) {
        const drawn = fano(x, amplitude ?? 0, q ?? 0, resonance ?? 0, gamma ?? 0, offset ?? 0);
        expect(Math.abs(drawn * 257 - fano(x, ...parameters))).toBeLessThan(3);
      }
    });
  });
});

describe("doubt", () => {
  const [width, height] = [181, 600];

  it.each(["gaussian", "fano"] as const)("gives a standard error that is the scatter of the position: %s", (method) => {
    const next = normals(11);
    const line = (x: number) =>
      method === "gaussian" ? gaussian(x, 20_000, 90, 20, 20_000) : fano(x, 500, 6, 90, 22, 20_000);
    const answer = whole(
      picture16(width, height, (x) => line(x) + 2_000 * next()),
      width,
      { method },
    );
    const scatter = deviation(column(answer, method, method === "gaussian" ? "mu" : "resonance"));
    expect(scatter / mean([...answer.standardError])).toBeGreaterThan(0.9);
    expect(scatter / mean([...answer.standardError])).toBeLessThan(1.1);
    expect(answer.residualDistancePx[0]).toBeLessThan(1.1);
  });

  it.each([0.8, 1.2, 2])("widens the standard error for speckle with a grain of %f px", (grainPx) => {
    const next = normals(12);
    const rows = Array.from({ length: height }, () => correlated(next, width, grainPx));
    const pixels = picture16(
      width,
      height,
      (x, y) => gaussian(x, 20_000, 90, 20, 20_000) + 2_000 * (rows[y]?.[x] ?? 0),
    );
    const answer = whole(pixels, width);
    const ratio = deviation(column(answer, "gaussian", "mu")) / mean([...answer.standardError]);
    expect(ratio).toBeGreaterThan(0.9);
    expect(ratio).toBeLessThan(1.1);
  });

  it.each(["gaussian", "fano"] as const)("takes rows of noise for no line: %s", (method) => {
    const next = normals(13);
    const white = whole(
      picture16(width, 4000, () => 25_000 + 2_000 * next()),
      width,
      { method },
    );
    const rows = Array.from({ length: 1000 }, () => correlated(next, width, 1.2));
    const speckle = whole(
      picture16(width, 1000, (x, y) => 25_000 + 2_000 * (rows[y]?.[x] ?? 0)),
      width,
      { method },
    );
    const accepted = (answer: KernelAnswer) => answer.status.filter((status) => status === ROW.ok).length;
    expect(accepted(white)).toBeLessThanOrEqual(4);
    expect(accepted(speckle)).toBeLessThanOrEqual(10);
    expect(white.columns.filter((value) => !Number.isNaN(value)).length / QUANTITIES[method].length).toBe(
      accepted(white),
    );
  });

  it("explains nearly all of a clean row and little of a noisy one", () => {
    const next = normals(14);
    const pixels = picture16(width, 2, (x, y) => gaussian(x, 20_000, 90, 20, 20_000) + (y === 0 ? 10 : 8_000) * next());
    const { explained, peakToNoise } = whole(pixels, width);
    expect(explained[0]).toBeGreaterThan(0.999);
    expect(explained[1]).toBeLessThan(0.6);
    expect(explained[1]).toBeGreaterThan(0.2);
    expect(peakToNoise[0]).toBeGreaterThan(50);
    expect(peakToNoise[1]).toBeGreaterThan(2);
    expect(peakToNoise[1]).toBeLessThan(3.2);
  });

  it("says which share of an ROI is saturated", () => {
    const bytes = new Uint8Array(100 * 20).map((_, i) => (i % 100 < 25 ? 255 : i % 7));
    expect(whole(bytes, 100).saturated[0]).toBeCloseTo(0.25, 12);
    const deep = picture16(100, 20, (x) => (x < 10 ? 65_520 : x));
    expect(whole(deep, 100).saturated[0]).toBeCloseTo(0.1, 12);
  });
});

describe("sampling", () => {
  it("measures the same position through any rotation", () => {
    const [width, height, angle] = [500, 400, 1.7];
    const radians = (angle * Math.PI) / 180;
    // A vertical line at x = 260 of the rotated picture, drawn where the rotation takes it from.
    const value = (x: number, y: number) =>
      gaussian(250 + (x - 250) * Math.cos(radians) - (y - 200) * Math.sin(radians), 30_000, 260, 12, 10_000);
    const rois = Float64Array.of(150, 200, 100, 120, 0);
    for (const sampling of ["precise", "established"] as const) {
      const answer = whole(picture16(width, height, value), width, { angleDegrees: angle, rois, sampling });
      // The established sampling rounds positions to 1/32 px.
      const tolerancePx = sampling === "precise" ? 0.001 : 0.06;
      for (const mu of column(answer, "gaussian", "mu")) expect(Math.abs(mu - 60)).toBeLessThan(tolerancePx);
    }
  });

  it("mirrors a flipped ROI", () => {
    const pixels = picture16(150, 20, (x) => gaussian(x, 20_000, 40, 12, 9_000));
    const mirrored = column(whole(pixels, 150, { rois: Float64Array.of(0, 0, 20, 150, 1) }), "gaussian", "mu");
    for (const mu of mirrored) expect(mu).toBeCloseTo(149 - 40, 3);
  });

  it("takes corners between pixels in precise sampling", () => {
    const pixels = picture16(150, 20, (x) => gaussian(x, 20_000, 40, 12, 9_000));
    const shifted = whole(pixels, 150, { rois: Float64Array.of(2.25, 10.5, 10, 100, 0) });
    for (const mu of column(shifted, "gaussian", "mu")) expect(mu).toBeCloseTo(29.5, 2);
  });

  it("interpolates sub-ROI rows between the two nearest rows, aligned at pixel centres", () => {
    const [height, subRois] = [74, 10];
    const pixels = picture16(150, height, (x, y) => gaussian(x, 10_000 + 500 * y, 70, 12, 9_000));
    const amplitudes = column(whole(pixels, 150, { subRois }), "gaussian", "amplitude");
    amplitudes.forEach((amplitude, row) => {
      expect(amplitude * 257).toBeCloseTo(10_000 + 500 * (((row + 0.5) * height) / subRois - 0.5), -1);
    });
    expect(amplitudes).toHaveLength(subRois);
  });

  it("sees black outside the picture", () => {
    const pixels = new Uint8Array(60 * 40).fill(200);
    for (const sampling of ["precise", "established"] as const) {
      for (const angleDegrees of [0, 30]) {
        const rois = Float64Array.of(-30, -20, 100, 100, 0, 1000, 1000, 5, 50, 0);
        const answer = whole(pixels, 60, { rois, sampling, angleDegrees, method: "max_intensity" });
        expect(answer.status[0]).toBe(ROW.flat);
        if (angleDegrees === 0) expect(answer.columns[50]).toBe(20);
        expect([...answer.status.subarray(100)]).toEqual([1, 1, 1, 1, 1]);
      }
    }
  });

  it("stretches 16 bits from the darkest to the brightest pixel, or divides by the full range", () => {
    const pixels = picture16(150, 20, (x) => gaussian(x, 20_000, 70, 12, 9_000));
    const range = Math.max(...pixels) - Math.min(...pixels);
    const amplitude = (options: Partial<KernelRequest>) =>
      mean(column(whole(pixels, 150, options), "gaussian", "amplitude"));
    expect(amplitude({ bitDepthScaling: "stretch" })).toBeCloseTo((20_000 * 255) / range, 1);
    expect(amplitude({ bitDepthScaling: "stretch", sampling: "established" })).toBeCloseTo((20_000 * 255) / range, 0);
    expect(amplitude({ bitDepthScaling: "fixed" })).toBeCloseTo(20_000 / 257, 2);
    expect(amplitude({ bitDepthScaling: "fixed", sampling: "established" })).toBeCloseTo(20_000 / 257, 0);
  });

  it("finds nothing in a picture of a single value", () => {
    for (const bitDepthScaling of ["stretch", "fixed"] as const) {
      const answer = whole(new Uint16Array(80 * 10).fill(4321), 80, { bitDepthScaling });
      expect([...new Set(answer.status)]).toEqual([ROW.flat]);
      expect([answer.brightness, answer.contrast]).toEqual([4321, 0]);
    }
  });

  it("takes brightness and contrast from the raw pixels, quantiles interpolated between ranks", () => {
    const pixels = Uint8Array.from({ length: 21 * 3 }, (_, i) => (i * 37) % 251);
    const sorted = [...pixels].sort((a, b) => a - b);
    const quantile = (share: number) => {
      const position = share * (sorted.length - 1);
      const low = Math.floor(position);
      return (sorted[low] ?? 0) + (position - low) * ((sorted[low + 1] ?? 0) - (sorted[low] ?? 0));
    };
    const answer = whole(pixels, 21);
    expect(answer.brightness).toBeCloseTo(mean(sorted), 2);
    expect(answer.contrast).toBeCloseTo(quantile(0.95) - quantile(0.05), 2);
  });
});

describe("many ROIs", () => {
  const [width, height] = [400, 300];
  const next = normals(15);
  const pixels = picture16(width, height, (x, y) => fano(x % 100, 700, 5, 48 + y / 50, 12, 9_000) + 900 * next());
  const corners = [
    [0, 0, 40, 100],
    [50, 100, 3, 90],
    [60, 5, 200, 90],
    [0, 200, 300, 130],
    [200, 300, 9, 100],
  ] as const;

  it.each(["max_intensity", "centre", "gaussian", "fano"] as const)(
    "gives each ROI what it would get alone: %s",
    (method) => {
      const together = whole(pixels, width, { method, rois: Float64Array.from(corners.flatMap((c) => [...c, 0])) });
      const count = QUANTITIES[method].length;
      corners.forEach((corner, index) => {
        const alone = whole(pixels, width, { method, rois: Float64Array.of(...corner, 0) });
        const [from, to] = [together.rowStart[index] ?? 0, together.rowStart[index + 1] ?? 0];
        expect(to - from).toBe(corner[2]);
        expect(together.status.subarray(from, to)).toEqual(alone.status);
        expect(together.columns.subarray(from * count, to * count)).toEqual(alone.columns);
        expect(together.standardError.subarray(from, to)).toEqual(alone.standardError);
      });
    },
  );

  it("answers a manifest without ROIs with the picture's brightness alone", () => {
    const answer = whole(pixels, width, { rois: new Float64Array(0) });
    expect([answer.columns.length, answer.rowStart.length]).toEqual([0, 1]);
    expect(answer.brightness).toBeGreaterThan(9_000);
  });

  it("flags rows with too few samples for a line instead of failing", () => {
    for (const w of [1, 2, 4, 6]) {
      for (const method of ["gaussian", "fano", "centre", "max_intensity"] as const) {
        const answer = whole(pixels, width, { method, rois: Float64Array.of(0, 0, 5, w, 0) });
        const isFit = method === "gaussian" || method === "fano";
        if (isFit && w <= 4) expect([...answer.status]).not.toContain(ROW.ok);
        else expect(answer.status).toHaveLength(5);
      }
    }
  });
});

/** The order of the answers of vector-unit.ts. */
const UNIT_METHODS: readonly Method[] = ["gaussian", "fano", "joint", ...Array<Method>(4).fill("tracking")];

it("gives the same answers on every vector unit, positions to a millionth of a pixel", () => {
  const child = join(packageRoot(), "test", "analysis", "children", "vector-unit.ts");
  const [best, ...others] = ["avx512", "avx2", "baseline"].map((unit) => {
    const env = { ...process.env, PHOREST_VECTOR_UNIT: unit };
    const text = execFileSync(process.execPath, ["--import", "tsx", child], { encoding: "utf8", env });
    return JSON.parse(text) as { version: string; answers: { status: number[]; columns: (number | null)[] }[] };
  });
  // A unit that is only wished for would be compared with itself.
  const flags = new Set(/^flags\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1]?.split(" "));
  const has = (...names: string[]) => names.every((name) => flags.has(name));
  const avx2 = has("avx2", "fma") ? "avx2" : "baseline";
  const avx512 = has("avx512f", "avx512dq", "avx512vl", "avx512bw") ? "avx512" : avx2;
  expect([best, ...others].map((unit) => unit?.version.split("/").at(-1))).toEqual([avx512, avx2, "baseline"]);
  for (const other of others) {
    other.answers.forEach((answer, method) => {
      expect(answer.status).toEqual(best?.answers[method]?.status);
      answer.columns.forEach((value, i) => {
        const reference = best?.answers[method]?.columns[i] ?? null;
        if (value === null || reference === null) {
          expect(value).toBe(reference);
          return;
        }
        const name = UNIT_METHODS[method] as Method;
        const isPosition = i % QUANTITIES[name].length === POSITION_COLUMN[name];
        // px for positions; the rest in parts of itself.
        expect(Math.abs(value - reference)).toBeLessThanOrEqual(
          isPosition ? 1e-6 : 1e-5 * Math.max(1, Math.abs(reference)),
        );
      });
    });
  }
});

describe("arguments that contradict each other", () => {
  const pixels = new Uint8Array(100);
  const request: KernelRequest = { ...BASE, pixels, width: 10, height: 10, rois: Float64Array.of(0, 0, 5, 10, 0) };

  it.each([
    ["too few pixels", { width: 11 }],
    ["an ROI without height", { rois: Float64Array.of(0, 0, 0, 10, 0) }],
    ["half a pixel of width", { rois: Float64Array.of(0, 0, 5, 9.5, 0) }],
    ["a coordinate that is not a number", { rois: Float64Array.of(Number.NaN, 0, 5, 10, 0) }],
    ["a coordinate far away", { rois: Float64Array.of(1e9, 0, 5, 10, 0) }],
    [
      "corners between pixels in established sampling",
      { rois: Float64Array.of(0.5, 0, 5, 9, 0), sampling: "established" },
    ],
    ["an incomplete ROI", { rois: Float64Array.of(0, 0, 5) }],
    ["a flip that is neither", { rois: Float64Array.of(0, 0, 5, 10, 2) }],
    ["an infinite angle", { angleDegrees: Number.POSITIVE_INFINITY }],
    ["a negative number of sub-ROIs", { subRois: -1 }],
    ["more rows than memory could hold", { subRois: 60_000, rois: new Float64Array(5_000).fill(1) }],
    ["a method nobody knows", { method: "median" as "centre" }],
  ] as [string, Partial<KernelRequest>][])("are refused: %s", (_, change) => {
    expect(() => measure({ ...request, ...change })).toThrow(RangeError);
  });

  it.each([
    ["pixels of another type", { pixels: new Float64Array(100) as unknown as Uint8Array }],
    ["ROIs of another type", { rois: [0, 0, 5, 10, 0] as unknown as Float64Array }],
    ["an angle in words", { angleDegrees: "1" as unknown as number }],
  ] as [string, Partial<KernelRequest>][])("are refused: %s", (_, change) => {
    expect(() => measure({ ...request, ...change })).toThrow(TypeError);
  });

  it("leave the kernel usable", () => {
    expect(() => measure({ ...request, width: 11 })).toThrow("expected 110 pixels for 11 x 10, received 100");
    expect(measure(request).status).toHaveLength(5);
    expect(kernelVersion()).toMatch(/^\d+$/);
    expect(vectorUnit()).toMatch(/^(avx512|avx2|baseline)$/);
  });
});
