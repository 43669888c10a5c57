// Every line that an ROI's light can have, on light without speckle: each gives its own quantities back, tells its own shape
// from the others, and tracks a shift of it at its full size.
import { describe, expect, it } from "vitest";
import { ANCHOR_NUMBERS, type KernelTask, ROW } from "../../src/analysis/kernel-answer.ts";
import { shapeOf } from "../../src/analysis/line-shape.ts";
import { LINES, type Line, lineOfCode, QUANTITIES } from "../../src/measurement/method.ts";
import { measureWhole } from "./one-roi.ts";
import { picture16 } from "./simulated-rows.ts";

const WIDTH = 181;
const ROWS = 12;
const TRUTH = { centre: 84, width: 22, asymmetry: 3, share: 0.4 };
const SLOPE = 0.1;
/** Steps of 16 bits in one count of 8. */
const COUNT = 257;

function light(line: Line, shiftPx = 0): Uint16Array {
  const shape = shapeOf(line, TRUTH);
  const peak = Math.max(...Array.from({ length: WIDTH }, (_, x) => shape(x)));
  return picture16(WIDTH, ROWS, (x, y) => {
    const place = x - shiftPx - SLOPE * (y - (ROWS - 1) / 2);
    return COUNT * (60 + y + (100 * shape(place)) / peak);
  });
}

const ask = (pixels: Uint16Array, task: KernelTask) => measureWhole(pixels, WIDTH, task);

describe.each(LINES)("a %s line", (line) => {
  it("has its quantities given back by a joint fit of that line", () => {
    const { status, columns, lineShare, lines } = ask(light(line), { method: "joint", jointLine: line });
    const quantity = (name: string) => columns[QUANTITIES.joint.indexOf(name)] as number;
    expect(status[0]).toBe(ROW.ok);
    expect(lineOfCode(lines?.[0])).toBe(line);
    expect(quantity("position")).toBeCloseTo(TRUTH.centre, 2);
    expect(quantity("slope")).toBeCloseTo(SLOPE, 3);
    expect(quantity("width")).toBeCloseTo(TRUTH.width, 1);
    expect(quantity("asymmetry")).toBeCloseTo(line === "fano" ? TRUTH.asymmetry : 0, 2);
    if (line === "voigt") expect(lineShare?.[0]).toBeCloseTo(TRUTH.share, 2);
    else expect(lineShare?.[0]).toBeNaN();
  });

  it("is chosen by the data, and measured as if it had been asked for", () => {
    const chosen = ask(light(line), { method: "joint", jointLine: "auto" });
    expect(lineOfCode(chosen.lines?.[0])).toBe(line);
    expect(chosen.lineScores?.[LINES.indexOf(line)]).toBeLessThan(5);
    expect(chosen.columns).toEqual(ask(light(line), { method: "joint", jointLine: line }).columns);
  });

  it("is not chosen again where it is known", () => {
    const known = Uint8Array.of(1 + LINES.indexOf(line));
    const other = light(line === "gaussian" ? "fano" : "gaussian");
    const held = ask(other, { method: "joint", jointLine: "auto", lines: known });
    expect(held.lines).toEqual(known);
    expect(held.lineScores?.every(Number.isNaN)).toBe(true);
    expect(held.columns).toEqual(ask(other, { method: "joint", jointLine: line }).columns);
  });

  it.each([0.25, 3])("is tracked over %s px at its full size", (shiftPx) => {
    const anchors = new Float64Array(ANCHOR_NUMBERS);
    const reference = new Uint16Array(WIDTH * ROWS);
    const track = (shift: number, grow: boolean) =>
      ask(light(line, shift), {
        method: "tracking",
        jointLine: line,
        tracking: { anchors, pixels: reference, grow },
      });
    expect(track(0, true).joined?.[0]).toBe(1);
    const shift = track(shiftPx, false).columns[QUANTITIES.tracking.indexOf("shift")] as number;
    expect(Math.abs(shift / shiftPx - 1)).toBeLessThan(0.005);
  });
});

it("a dip is measured by every symmetric line too", () => {
  for (const line of ["gaussian", "lorentzian", "voigt"] as const) {
    const dip = light(line).map((value) => COUNT * 250 - value);
    const { status, columns } = ask(dip, { method: "joint", jointLine: line });
    expect(status[0]).toBe(ROW.ok);
    expect(columns[QUANTITIES.joint.indexOf("position")]).toBeCloseTo(TRUTH.centre, 2);
    expect(columns[QUANTITIES.joint.indexOf("amplitude")]).toBeLessThan(0);
  }
});
