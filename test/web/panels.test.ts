// The small panels of all gratings: the same shifts as Sensorgrams, reduced without losing an extreme, brought up to date by their end.
import { expect, test } from "vitest";
import { withChangedColumns } from "../../src/web/app/panel-data.ts";
import { gridOf, neighbour, type Panel, panelAt, panelsOf } from "../../src/web/app/panel-layout.ts";
import { PanelColumns } from "../../src/web/panel-columns.ts";
import type { ChipView, CurvesView, PanelsView } from "../../src/web/views.ts";
import { serving } from "./server.ts";

const get = async <T>(address: string, path: string): Promise<T> =>
  (await (await fetch(new URL(path, address))).json()) as T;

test("columns keep the extremes of every curve, in order of time, however often they are merged", () => {
  const columns = new PanelColumns(2);
  const frames = Array.from({ length: 5000 }, (_v, at) => ({
    timeUs: at * 700_000,
    // Sound in one of three frames; a wave with a spike.
    values: [at === 3210 ? 99 : Math.sin(at / 50), at % 3 === 0 ? at : Number.NaN],
  }));
  for (const [at, { timeUs, values }] of frames.entries()) columns.add(timeUs, Float64Array.from(values), at + 1);
  const columnUs = columns.widthFor(5000 * 700_000, 40);
  const drawn = columns.drawn(columnUs, 0);
  expect(drawn.length).toBeLessThanOrEqual(41);
  for (const { at, values } of drawn) {
    const inside = frames.filter(({ timeUs }) => timeUs >= at * 1000 && timeUs < at * 1000 + columnUs);
    const first = inside.map((frame) => frame.values[0] as number);
    expect(Math.max(...(values.slice(0, 2) as number[]))).toBeCloseTo(Math.max(...first), 3);
    expect(Math.min(...(values.slice(0, 2) as number[]))).toBeCloseTo(Math.min(...first), 3);
    expect(values[2], "a rising curve rises within its column").toBeLessThanOrEqual(values[3] as number);
  }
  expect(Math.max(...drawn.map(({ values }) => values[1] as number))).toBe(99);
  expect(columns.drawn(columnUs, 5000)).toEqual([]);
  expect(columns.drawn(columnUs, 4999)).toEqual(drawn.slice(-1));
});

test("panels show the shifts of Sensorgrams, and only what changed is sent again", async () => {
  const { address, recorded } = await serving({ frames: 20 });
  const path = "/api/panels?pairs=1&columns=32";
  const before = await get<PanelsView>(address, path);
  expect(before.units.map(({ label }) => label)).toEqual(["000A", "001A", "002A", "003A"]);
  const { curves } = await get<CurvesView>(address, "/api/curves?roi=*&pairs=1");
  for (const [unit, { label, values }] of curves.entries()) {
    const own = before.columns.flatMap((column) => column.values.slice(2 * unit, 2 * unit + 2)) as number[];
    const all = values as number[];
    expect(Math.max(...own), label).toBeCloseTo(Math.max(...all), 4);
    expect(Math.min(...own), label).toBeCloseTo(Math.min(...all), 4);
    expect(own.at(-1), label).toBeCloseTo(all.at(-1) as number, 4);
  }
  recorded.add(1);
  const answer = await get<PanelsView>(address, `${path}&key=${before.key}&after=${before.outcome}`);
  const whole = await get<PanelsView>(address, path);
  expect(answer.partial).toBe(true);
  expect(answer.columns.length).toBeLessThan(before.columns.length);
  expect(withChangedColumns(before, answer).columns).toEqual(whole.columns);
  const halves = await get<PanelsView>(address, "/api/panels?columns=32");
  expect(halves.units).toHaveLength(8);
  expect((await fetch(new URL("/api/panels?from=2000&to=1000", address))).status).toBe(400);
});

test("every panel is at its place on the chip, and the arrow keys reach all of them", async () => {
  const { address } = await serving({ frames: 2, rois: 60 });
  const [chip, view] = await Promise.all([
    get<ChipView>(address, "/api/chip"),
    get<PanelsView>(address, "/api/panels?pairs=1"),
  ]);
  const panels = panelsOf(chip, view);
  const place = (label: string) => panels.find((panel) => panel.label === label) as Panel;
  expect([place("000A"), place("007A")]).toMatchObject([
    { row: 0, column: 0, units: [0] },
    { row: 1, column: 1, units: [7] },
  ]);
  const reached = new Set<string>();
  const next = [panels[0] as Panel];
  for (const panel of next) {
    if (reached.has(panel.label)) continue;
    reached.add(panel.label);
    for (const direction of ["left", "right", "up", "down"] as const) next.push(neighbour(panels, panel, direction));
  }
  expect(reached.size).toBe(30);
  const grid = gridOf(panels, 600);
  expect(panelAt(panels, grid, 110, grid.cellHeight + 5)?.label).toBe("007A");
  expect(panelAt(panels, grid, 700, 5)).toBeUndefined();
});

test("what is rolled is rolled from every sound frame, not from what is drawn, and does not end with the window", async () => {
  const { address, recorded } = await serving({ frames: 60 });
  const path = "/api/curves?roi=000A_N&columns=16&show=median&frames=10";
  const [curve] = (await get<CurvesView>(address, path)).curves;
  const [plain] = (await get<CurvesView>(address, "/api/curves?roi=000A_N&columns=4000")).curves;
  const known = (curve?.values ?? []).flatMap((value, at) => (value === null ? [] : [[curve?.times[at], value]]));
  expect(known.length).toBeGreaterThan(5);
  for (const [time, value] of known) {
    const at = plain?.times.indexOf(time as number) ?? -1;
    const window = [...(plain?.values.slice(at - 5, at + 5) ?? [])].map(Number).sort((a, b) => a - b);
    expect(value).toBeCloseTo(((window[4] as number) + (window[5] as number)) / 2, 6);
  }
  const middle = plain?.times[30] as number;
  const [part] = (await get<CurvesView>(address, `${path}&from=${middle}&to=${middle + 60_000}`)).curves;
  expect(part?.values[0], "frames before the window count").not.toBeNull();
  expect((await fetch(new URL("/api/curves?roi=000A_N&show=median&frames=1", address))).status).toBe(400);
  recorded.add(1);
  const before = await get<CurvesView>(address, path);
  expect((await get<CurvesView>(address, `${path}&key=${before.key}&after=0`)).tailFrom).toBeUndefined();
});
