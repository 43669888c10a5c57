// Wherever a shift is shown beside a standard error, it is the shift's own, the same everywhere: on the page, in its CSV, for
// groups, and on the plant's server.
import { expect, test } from "vitest";
import { Sensorgrams } from "../../src/assay/sensorgrams.ts";
import type { Analysis } from "../../src/manifest/analyses.ts";
import type { Manifest } from "../../src/manifest/manifest.ts";
import { Baselines } from "../../src/outputs/opcua/baseline.ts";
import type { ChipView, CurvesView } from "../../src/web/views.ts";
import { serving } from "./server.ts";

const FRAMES = 12;
/** As `serving` configures it, from the first frame on. */
const BASELINE_US = 60e6;

function analysisOf(manifest: Manifest): Analysis {
  const analysis = manifest.analyses.all()[0];
  if (analysis === undefined) throw new Error("there is no analysis");
  return analysis;
}

/** What analysis/propagation.ts says of the shifts and of those minus the references. */
function expected(manifest: Manifest, reference: string) {
  const sensorgrams = new Sensorgrams(manifest, analysisOf(manifest), {
    isWanted: () => true,
    isReference: (label) => label.startsWith(reference),
    baseline: (timesUs) => ({ fromUs: timesUs[0] as number, toUs: (timesUs[0] as number) + BASELINE_US }),
    pairs: false,
    groups: undefined,
  });
  return [...sensorgrams.curves()];
}

async function asked<T>(address: string): Promise<T> {
  return (await (await fetch(address)).json()) as T;
}

test("curves carry the error of what is drawn, groups that of their mean with the references' own", async () => {
  const { address, recorded } = await serving({ frames: FRAMES });
  const query = "roi=000A_N&roi=group:A&own=1&reference=003A*";
  const { curves } = await asked<CurvesView>(`${address}api/curves?${query}`);
  const all = expected(recorded.manifest, "003A");
  const [single, group] = curves;
  expect(single?.sensitivity).toBeUndefined();
  expect(single?.errors).toHaveLength(single?.values.length ?? 0);
  const last = all[0]?.errors.result.at(-1) ?? Number.NaN;
  expect(single?.errors.at(-1)).toBeCloseTo(last, 4);
  // More than the position's 0.01: the level and two references are in it.
  expect(last).toBeGreaterThan(0.01 * Math.sqrt(1.5));
  const own = (at: number) => (all[at]?.errors.shift.at(-1) ?? Number.NaN) ** 2;
  const members = [0, 1, 2, 3, 4, 5].reduce((sum, at) => sum + own(at), 0) / 36;
  const references = (own(6) + own(7)) / 4;
  expect(group?.members).toBe(6);
  expect(group?.errors.at(-1)).toBeCloseTo(Math.sqrt(members + references), 4);
  const early = [0, 1, 2, 3, 4, 5].reduce((sum, at) => sum + (all[at]?.errors.shift[2] ?? Number.NaN) ** 2, 0) / 36;
  const earlyReferences = ((all[6]?.errors.shift[2] ?? 0) ** 2 + (all[7]?.errors.shift[2] ?? 0) ** 2) / 4;
  expect(group?.errors[2]).toBeCloseTo(Math.sqrt(early + earlyReferences), 4);
});

test("noise, drift and limit of detection come with their errors, and a rising baseline is said to be none", async () => {
  const { address, recorded } = await serving({ frames: FRAMES });
  const start = recorded.manifest.history.entries().next().value?.capturedAtUs ?? 0;
  recorded.manifest.markers.add(start + 25e6, "injection", 1);
  // Without a choice the baseline ends at the marker.
  recorded.manifest.markers.setBaseline({ fromUs: start, toUs: start + BASELINE_US }, 1);
  const { curves, baselineWords } = await asked<CurvesView>(`${address}api/curves?roi=000A_N&roi=group:A`);
  for (const curve of curves) {
    expect(curve.doubts).toContain("injection");
    expect(curve).toHaveProperty("noiseError");
    expect(curve).toHaveProperty("detectionLimitError");
    expect(typeof curve.driftError).toBe("number");
  }
  expect(baselineWords.join(" ")).toContain("The baseline of every curve contains a marker or an injection");
});

test("the chip's shifts carry their own error, also while the baseline lasts", async () => {
  for (const frames of [4, FRAMES]) {
    const { address, recorded } = await serving({ frames });
    const { rois } = await asked<ChipView>(`${address}api/chip`);
    expected(recorded.manifest, "none").forEach(({ label, errors }, at) => {
      expect(rois[at]?.label).toBe(label);
      expect(rois[at]?.shiftError).toBeCloseTo(errors.shift.at(-1) ?? Number.NaN, 6);
    });
  }
});

test("the page's CSV has columns for the errors of shift and result behind the others", async () => {
  const { address, recorded } = await serving({ frames: FRAMES });
  const text = await (await fetch(`${address}api/curves.csv?roi=000A_N&roi=group:A&own=1&reference=003A*`)).text();
  const [head = "", ...lines] = text.trim().split("\n");
  const names = head.split(",");
  expect(names.slice(-3)).toEqual(["result_px", "result_standard_error_px", "elapsed_s"]);
  const cell = (line: string | undefined, name: string) => Number(line?.split(",")[names.indexOf(name)]);
  const [curve] = expected(recorded.manifest, "003A");
  expect(cell(lines[FRAMES - 1], "standard_error_px")).toBe(0.01);
  expect(cell(lines[FRAMES - 1], "shift_standard_error_px")).toBeCloseTo(curve?.errors.shift.at(-1) ?? 0, 5);
  expect(cell(lines[FRAMES - 1], "result_standard_error_px")).toBeCloseTo(curve?.errors.referenced?.at(-1) ?? 0, 5);
  const group = lines.at(-1);
  expect(cell(group, "result_standard_error_px")).toBeGreaterThan(cell(group, "shift_standard_error_px"));
});

test("the plant's shift has its error: while the baseline lasts, and of frames behind it", async () => {
  const { recorded } = await serving({ frames: FRAMES });
  const { manifest } = recorded;
  const baselines = new Baselines(manifest, BASELINE_US / 1e6);
  // Positions of single precision may differ in the eighth digit.
  const settled = expected(manifest, "none");
  const outcomes = manifest.outcomes.after(0, FRAMES);
  for (const outcome of outcomes) {
    const shift = baselines.shiftOf(outcome);
    if (shift?.settled !== true) continue;
    settled.forEach(({ errors, entryId }, roi) => {
      expect(shift.errors[roi]).toBeCloseTo(errors.shift[entryId.indexOf(outcome.entryId)] ?? 0, 6);
    });
  }
  const [first, second] = outcomes;
  if (first === undefined || second === undefined) throw new Error("there are no outcomes");
  const fresh = new Baselines(manifest, BASELINE_US / 1e6);
  // The first frame is its own level; of two, the level is their mean.
  expect(fresh.shiftOf(first)?.errors[0]).toBeCloseTo(0, 9);
  expect(fresh.shiftOf(second)?.errors[0]).toBeCloseTo(0.01 / Math.SQRT2, 4);
});
