// Every view of the page for several analyses: chosen by name, and joined across a change of the ROI manifest.
import { expect, test } from "vitest";
import type { ChipView, CurvesView, PanelsView, StateView } from "../../src/web/views.ts";
import { serving } from "./server.ts";

const FOUND_AGAIN = "the chip was found again (new ROI manifest)";

async function answer(address: string, path: string): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(new URL(path, address));
  return { status: response.status, text: await response.text() };
}
const get = async <T>(address: string, path: string): Promise<T> => JSON.parse((await answer(address, path)).text) as T;

/** Values of a column of a CSV, for one label. */
function column(csv: string, label: string, name: string): string[] {
  const [head = "", ...lines] = csv.trim().split("\n");
  const at = head.split(",").indexOf(name);
  return lines.filter((line) => line.split(",")[1] === label).map((line) => line.split(",")[at] ?? "");
}

test("every view shows the analysis that a request names, also one that measured the frames again", async () => {
  const { address, recorded } = await serving({ frames: 20 });
  recorded.remeasure("second look", 5);
  const state = await get<StateView>(address, "/api/state");
  expect(state.analyses).toEqual([
    { name: "gaussian", method: "gaussian", frames: 20, current: false },
    { name: "second look", method: "gaussian", frames: 20, current: true },
  ]);
  for (const [name, more] of [
    ["gaussian", 0],
    ["second look", 5],
  ] as const) {
    const of = `analysis=${encodeURIComponent(name)}`;
    const chip = await get<ChipView>(address, `/api/chip?${of}`);
    expect([chip.name, chip.rois[1]?.position]).toEqual([name, 61.19 + more]);
    const { text: csv } = await answer(address, `/api/curves.csv?roi=000A_S&${of}`);
    expect(column(csv, "000A_S", "position_px").map(Number)).toEqual(
      Array.from({ length: 20 }, (_, frame) => Number((61 + frame / 100 + more).toFixed(5))),
    );
    const curves = await get<CurvesView>(address, `/api/curves?roi=000A_S&roi=group:A&${of}`);
    expect(curves).toMatchObject({ frames: 20, joined: false, changes: [] });
    expect(curves.curves.map(({ values }) => values.length)).toEqual([20, 20]);
    const panels = await get<PanelsView>(address, `/api/panels?columns=32&${of}`);
    expect(panels.columns.length, name).toBeGreaterThan(5);
    const [first, last] = [panels.columns[0], panels.columns.at(-1)];
    expect((last?.values[3] ?? Number.NaN) - (first?.values[2] ?? Number.NaN), name).toBeCloseTo(0.19, 4);
  }
  // Without a name, the one that the state calls the current one.
  expect((await get<ChipView>(address, "/api/chip")).name).toBe("second look");
  for (const path of [
    "chip?",
    "curves?roi=*&",
    "curves.csv?roi=*&",
    "panels?",
    "profile?roi=000A_N&",
    "profiles?roi=000A_N&entry=1&",
  ]) {
    const { status, text } = await answer(address, `/api/${path}analysis=gausian`);
    expect([path, status]).toEqual([path, 400]);
    expect(JSON.parse(text)).toMatchObject({
      error: 'no analysis gausian (did you mean "gaussian"? there are "gaussian", "second look")',
    });
  }
  const { status, text } = await answer(address, "/api/curves.csv?roi=000A_N&from=1000&to=2000");
  expect([status, text]).toEqual([400, expect.stringContaining("no frame was captured in this window")]);
});

test("a tracking that a run measures along with its method is listed, and every view of it has its own curve", async () => {
  const { address, recorded } = await serving({ frames: 4 });
  recorded.track(7);
  recorded.add(20);
  const state = await get<StateView>(address, "/api/state");
  expect(state.analyses).toEqual([
    { name: "gaussian", method: "gaussian", frames: 24, current: true },
    { name: "tracking", method: "tracking", frames: 20, current: false },
  ]);
  const of = "analysis=tracking";
  const chip = await get<ChipView>(address, `/api/chip?${of}`);
  // From the baseline of the method, in which two frames are tracked.
  const { baseline } = await get<ChipView>(address, "/api/chip");
  expect(chip).toMatchObject({ name: "tracking", baseline });
  expect(chip.rois[1]?.position).toBeCloseTo(68.23, 6);
  expect(chip.rois[1]?.shift).toBeCloseTo(0.185, 6);
  const { text: csv } = await answer(address, `/api/curves.csv?roi=000A_S&${of}`);
  const positions = Array.from({ length: 20 }, (_, frame) => Number((68 + (frame + 4) / 100).toFixed(5)));
  expect(column(csv, "000A_S", "position_px").map(Number)).toEqual(positions);
  const curves = await get<CurvesView>(address, `/api/curves?roi=000A_S&roi=group:A&${of}`);
  expect([curves.frames, ...curves.curves.map(({ values }) => values.length)]).toEqual([20, 20, 20]);
  const panels = await get<PanelsView>(address, `/api/panels?columns=32&${of}`);
  const unit = panels.units.findIndex(({ label }) => label === "000A_S");
  const last = curves.curves[0]?.values.at(-1) ?? Number.NaN;
  expect(panels.columns.at(-1)?.values[2 * unit + 1]).toBeCloseTo(last, 3);
  // The frames that come next, also in what is open.
  recorded.add(3);
  const more = await get<CurvesView>(address, `/api/curves?roi=000A_S&${of}&key=${curves.key}&after=${curves.outcome}`);
  expect(more.frames).toBe(23);
  expect((await get<StateView>(address, "/api/state")).analyses[1]?.frames).toBe(23);
  // The method itself is drawn and watched by default.
  expect((await get<ChipView>(address, "/api/chip")).name).toBe("gaussian");
});

test("frames that are measured again appear in the panels and curves that are open", async () => {
  const { address, recorded } = await serving({ frames: 6 });
  recorded.remeasure("second look", 5);
  recorded.add(2);
  const of = "analysis=second+look";
  const before = await get<PanelsView>(address, `/api/panels?columns=32&${of}`);
  const curves = await get<CurvesView>(address, `/api/curves?roi=000A_S&${of}`);
  expect([curves.frames, curves.curves[0]?.values.length]).toEqual([6, 6]);
  const { manifest } = recorded;
  const analysisId = manifest.analyses.all().at(-1)?.analysisId ?? 0;
  const result = {
    ...{ position: new Float64Array(8).fill(70), standardError: new Float64Array(8).fill(0.01) },
    ...{ quality: new Float64Array(8).fill(1), flags: new Uint8Array(8), statistics: Buffer.alloc(0) },
    ...{ brightness: 1, contrast: 1 },
  };
  manifest.results.add(7, analysisId, result, 0);
  const after = await get<PanelsView>(
    address,
    `/api/panels?columns=32&${of}&key=${before.key}&after=${before.outcome}`,
  );
  expect(after.columns.length).toBeGreaterThan(0);
  const known = `&key=${curves.key}&after=${curves.outcome}`;
  const more = await get<CurvesView>(address, `/api/curves?roi=000A_S&${of}${known}`);
  expect(more.frames).toBe(7);
});

test("curves are shown apart or joined across a new ROI manifest, which is said with its time and step", async () => {
  const { address, recorded } = await serving({ frames: 20 });
  recorded.findAgain(1);
  recorded.add(20);
  const apart = await get<CurvesView>(address, "/api/curves?roi=000A_S&roi=group:A");
  const at = Date.UTC(2026, 2, 4, 15, 23, 20);
  expect(apart).toMatchObject({
    frames: 20,
    joined: false,
    changes: [
      {
        ...{ at, text: FOUND_AGAIN, isStart: true },
        detail: 'analysis "gaussian" before, "gaussian 2" after; positions step by 1.000 px (median of 8 ROIs)',
      },
    ],
  });
  expect(apart.span[0]).toBe(at);
  const joined = await get<CurvesView>(address, "/api/curves?roi=000A_S&roi=group:A&joined=1");
  expect(joined).toMatchObject({ frames: 40, joined: true, changes: apart.changes });
  expect(joined.span[0]).toBe(Date.UTC(2026, 2, 4, 15, 20));
  expect(joined.curves.map(({ values }) => values.length)).toEqual([40, 40]);
  const chip = await get<ChipView>(address, "/api/chip?joined=1");
  const shiftOf = (label: string) => chip.rois.find((roi) => roi.label === label)?.shift;
  // From the baseline of the first analysis, in its ROIs; a half that is flipped steps the other way.
  expect(joined.baseline).toMatchObject({ from: joined.span[0] });
  expect(shiftOf("000A_S")).toBeCloseTo(joined.curves[0]?.values.at(-1) ?? Number.NaN, 4);
  expect((shiftOf("000A_N") ?? 0) - (shiftOf("000A_S") ?? 0)).toBeCloseTo(2, 6);
  const { text: csv } = await answer(address, "/api/curves.csv?roi=000A_S&joined=1");
  expect(column(csv, "000A_S", "position_px").map(Number)).toEqual(
    Array.from({ length: 40 }, (_, frame) => Number((61 + frame / 100 - (frame < 20 ? 0 : 1)).toFixed(5))),
  );
  expect(column(csv, "000A_S", "marker").flatMap((text, frame) => (text === "" ? [] : [[frame, text]]))).toEqual([
    [20, FOUND_AGAIN],
  ]);
  // In whole gratings the step of both halves cancels.
  const pairs = await get<CurvesView>(address, "/api/curves?roi=000A&pairs=1&joined=1");
  const values = pairs.curves[0]?.values as number[];
  expect((values[20] ?? 0) - (values[19] ?? 0)).toBeCloseTo(0.01, 4);
  const panels = await get<PanelsView>(address, "/api/panels?columns=64&joined=1");
  expect(panels.joined).toBe(true);
  const unit = panels.units.findIndex(({ label }) => label === "000A_S");
  expect(panels.columns.at(-1)?.values[2 * unit + 1]).toBeCloseTo(joined.curves[0]?.values.at(-1) ?? Number.NaN, 3);
});

test("a frame of the baseline that is measured late moves every view alike", async () => {
  const { address, recorded } = await serving({ frames: 0 });
  recorded.add(30, [2]);
  await get<ChipView>(address, "/api/chip");
  await get<PanelsView>(address, "/api/panels?columns=64");
  const { manifest } = recorded;
  const position = Float64Array.from({ length: 8 }, (_x, roi) => 61 + roi);
  const result = {
    ...{ position, standardError: new Float64Array(8).fill(0.01), quality: new Float64Array(8).fill(1) },
    ...{ flags: new Uint8Array(8), statistics: Buffer.alloc(0), brightness: 1, contrast: 1 },
  };
  manifest.results.add(3, 1, result, 0);
  const curves = await get<CurvesView>(address, "/api/curves?roi=000A_S");
  const last = curves.curves[0]?.values.at(-1) ?? Number.NaN;
  const chip = await get<ChipView>(address, "/api/chip");
  expect(chip.rois[1]?.shift).toBeCloseTo(last, 4);
  const panels = await get<PanelsView>(address, "/api/panels?columns=64");
  expect(panels.columns.at(-1)?.values[3]).toBeCloseTo(last, 4);
});
