import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { CurveStore } from "../../src/figures/curve.ts";
import { drawPlot, drawPng } from "../../src/figures/drawing.ts";
import { renderPlot, writePlot } from "../../src/figures/plot.ts";
import type { PlotInput } from "../../src/figures/plot-input.ts";
import { rasterise } from "../../src/figures/rasterise.ts";

const START_US = Date.UTC(2026, 2, 4, 15, 20) * 1000;

interface Wanted {
  readonly flag?: (frame: number) => number;
  readonly value?: (frame: number) => number;
  readonly skip?: (frame: number) => boolean;
}

function input(
  rois: number,
  frames: number,
  { flag = () => 0, value = (i) => 60 + i / 100, skip = () => false }: Wanted = {},
): PlotInput {
  const labels = Array.from(
    { length: rois },
    (_x, i) => `${String(i >> 1).padStart(3, "0")}A_${i % 2 === 0 ? "N" : "S"}`,
  );
  const store = new CurveStore(labels);
  const air = new CurveStore(["Room air"]);
  for (let i = 0; i < frames; i += 1) {
    if (skip(i)) continue;
    const timeUs = START_US + i * 10_000_000;
    store.add(
      timeUs,
      labels.map((_l, roi) => value(i) + roi),
      labels.map(() => flag(i)),
    );
    air.add(timeUs, [21 + Math.sin(i / 10)], [0]);
  }
  const span = store.spanUs;
  return {
    title: "Resonance positions, chip <7> & friends",
    method: "fano",
    frames: store.frames,
    spanMs: span && [span[0] / 1000, span[1] / 1000],
    series: labels.map((label, roi) => ({ label, baselinePx: store.curve(roi).values[0], ...store.curve(roi) })),
    temperatures: [{ sensor: "Room air", ...air.curve(0) }],
  };
}

const count = (svg: string, part: string | RegExp) => svg.split(part).length - 1;

test("a plot names what it shows: title, method, ROIs, frames, last time, units and UTC", async () => {
  const { svg, png } = await renderPlot(input(12, 1234));
  for (const words of [
    "Resonance positions, chip &lt;7&gt; &amp; friends",
    "Fano fit",
    "12 ROIs",
    "1,234 frames",
    "last 2026-03-04 18:45:30 UTC",
    "Shift from baseline (px)",
    "Temperature (°C)",
    "Time (UTC), 4 Mar 2026",
    "Room air",
    "003A_N",
  ]) {
    expect(svg).toContain(words);
  }
  const { width = 0, height = 0 } = await sharp(png).metadata();
  expect(Math.min(width, height)).toBeGreaterThan(1000);
});

test.each([2, 24])("markers are drawn into the plot of %i ROIs, those outside its time are not", async (rois) => {
  const at = (seconds: number) => START_US / 1000 + seconds * 1000;
  const markers = [
    { timeMs: at(-5), text: "before" },
    { timeMs: at(100), text: "antibody <1>" },
    { timeMs: at(130), text: "buffer" },
    { timeMs: at(9e5), text: "after" },
  ];
  const { svg } = await renderPlot({ ...input(rois, 60), markers });
  for (const words of ["antibody &lt;1&gt;", "buffer"]) expect(svg).toContain(`>${words}<`);
  for (const words of ["before", "after"]) expect(svg).not.toContain(`>${words}<`);
  // In the curves and in the temperatures below.
  expect(count(svg, 'stroke-dasharray="4,3"')).toBe(4);
});

test.each([3, 24])("of %i ROIs, temperatures off the time axis are left out, however far they are", async (rois) => {
  const plot = input(rois, 2);
  const day = 86_400_000;
  const [near] = plot.temperatures;
  if (near === undefined) throw new Error("no temperatures");
  const at = (sensor: string, timesMs: number[], values = timesMs.map(() => 20)) => ({
    sensor,
    timesMs: Float64Array.from(timesMs),
    values: Float64Array.from(values),
  });
  const start = START_US / 1000;
  const svgWith = async (temperatures: PlotInput["temperatures"]) => (await renderPlot({ ...plot, temperatures })).svg;
  expect(await svgWith([at("Inlet", [start - 400 * day, start - 399 * day])])).toBe(await svgWith([]));
  const drawn = await svgWith(plot.temperatures);
  const both = at("Room air", [start - 400 * day, ...near.timesMs, start + 400 * day], [20, ...near.values, 20]);
  expect(await svgWith([both])).toBe(drawn);
  const endless = at("Room air", [...near.timesMs, start], [...near.values, Number.POSITIVE_INFINITY]);
  expect(await svgWith([endless])).toBe(drawn);
});

test("one ROI is drawn at its position", async () => {
  expect((await renderPlot(input(1, 20))).svg).toContain("Resonance position (px)");
});

test("text is drawn from the bundled font: letters leave ink where there is no system font", async () => {
  const page = (body: string) => `<svg xmlns="http://www.w3.org/2000/svg" width="100" height="30">${body}</svg>`;
  const ink = async (body: string) =>
    (
      await sharp(await rasterise(page(body)))
        .greyscale()
        .stats()
    ).channels[0]?.mean ?? 255;
  const blank = await ink("");
  for (const family of ["DejaVu Sans, Verdana, sans-serif", "No Such Font"]) {
    expect(await ink(`<text x="5" y="20" font-family="${family}">Shift × ▲ °C</text>`)).toBeLessThan(blank - 5);
  }
});

test("a plot and a PNG are drawn alike in a thread of their own, which leaves nothing behind", async () => {
  const plot = input(3, 60);
  const { svg, png } = await renderPlot(plot);
  expect(await drawPlot(plot)).toEqual({ svg, png: new Uint8Array(png) });
  const residentMegabytes = () => process.memoryUsage.rss() / 1e6;
  const before = residentMegabytes();
  for (let n = 0; n < 12; n += 1) expect(await drawPng(svg)).toHaveLength(png.length);
  // In the thread that calls, or in those of Node's pool, each keeps some 10 MB until garbage is collected, or for good.
  expect(residentMegabytes() - before).toBeLessThan(80);
});

test("a picture that cannot be drawn is an error with its reason, and no end of the program", async () => {
  await expect(drawPng("<svg")).rejects.toThrow(/^the drawing thread crashed: .*/);
});

test("every text names the bundled font first and ends in one that every reader has", async () => {
  for (const rois of [3, 30]) {
    const { svg } = await renderPlot(input(rois, 20));
    const families = new Set([...svg.matchAll(/font-family="([^"]*)"/g)].map(([, family]) => family));
    expect([...families]).toEqual(["DejaVu Sans, Verdana, Helvetica, Arial, sans-serif"]);
  }
});

test("colours are written as hexadecimal numbers or rgb, which every reader of an SVG understands", async () => {
  expect((await renderPlot(input(30, 20))).svg).not.toMatch(/hsl\(|"lab\(|hcl\(/);
});

test("doubtful points are marked and explained, and only when there are some", async () => {
  const clean = await renderPlot(input(3, 50));
  expect(clean.svg).not.toContain("× flagged");
  const doubtful = await renderPlot(input(3, 50, { flag: (i) => (i === 25 ? 8 : 0) }));
  expect(doubtful.svg).toContain("× flagged");
  expect(count(doubtful.svg, 'aria-roledescription="point"')).toBeGreaterThan(
    count(clean.svg, 'aria-roledescription="point"'),
  );
});

test("a pause is left open: the line falls into two", async () => {
  const lines = async (wanted: Wanted) => {
    const { svg } = await renderPlot(input(1, 300, wanted));
    return count(svg, 'aria-roledescription="line mark"');
  };
  const [whole, broken] = [await lines({}), await lines({ skip: (i) => i > 100 && i < 200 })];
  // Resonance and temperature each gain one.
  expect(broken).toBe(whole + 2);
});

test("a spike beyond the axis is marked there", async () => {
  const { svg } = await renderPlot(input(2, 200, { value: (i) => (i === 100 ? 900 : 60 + Math.sin(i) / 50) }));
  expect(svg).toContain("beyond the axis");
});

test("many ROIs become an overview and a panel per grating", async () => {
  const { svg } = await renderPlot(input(120, 30));
  expect(svg).toContain("data:image/png;base64,");
  for (const grating of ["000A", "042A", "059A"]) expect(svg).toContain(`>${grating}</text>`);
  expect(svg).toContain("Each grating");
});

test.each([
  ["no frame", 12, 0, {}, "No frame has been measured yet."],
  ["no frame of many ROIs", 60, 0, {}, "No frame has been measured yet."],
  ["no ROI", 0, 0, {}, "There are no ROIs to measure."],
  ["nothing but NaN", 12, 20, { value: () => Number.NaN }, "No resonance could be measured in any frame."],
  ["nothing but NaN of many ROIs", 60, 20, { value: () => Number.NaN }, "No resonance could be measured in any frame."],
  ["a single frame", 12, 1, {}, "1 frame"],
  ["a single frame of many ROIs", 60, 1, {}, "1 frame"],
  ["doubtful points only", 12, 20, { flag: () => 4 }, "× flagged"],
  ["equal values", 1, 20, { value: () => 60 }, "Resonance position (px)"],
])("%s is drawn too and says so", async (_what, rois, frames, wanted, words) => {
  const { svg, png } = await renderPlot(input(rois, frames, wanted));
  expect(svg).toContain(words);
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  expect(png.length).toBeGreaterThan(1000);
});

test("the same input gives the same bytes", async () => {
  const [first, second] = [await renderPlot(input(25, 40)), await renderPlot(input(25, 40))];
  expect(second.svg === first.svg).toBe(true);
  expect(Buffer.compare(second.png, first.png)).toBe(0);
});

test("both files are written and no other is left", async () => {
  const directory = mkdtempSync(join(tmpdir(), "phorest plot "));
  try {
    await writePlot(directory, { svg: "<svg/>", png: new Uint8Array([1]) });
    expect(readdirSync(directory).sort()).toEqual(["processed_data_plot.png", "processed_data_plot.svg"]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
