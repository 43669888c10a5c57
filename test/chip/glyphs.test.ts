import { existsSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import type { ChipLabel } from "../../src/chip/chip.ts";
import { GLYPH_CELLS, glyph, glyphReach } from "../../src/chip/glyphs.ts";
import { loadChip } from "../../src/chip/layout.ts";
import { packageRoot } from "../../src/system/files.ts";

const reference = join(process.env.PHOREST_REFERENCE ?? join(packageRoot(), "../shared/reference"), "label_templates");

/** Whether a point (cells) is inside a character, by the even-odd rule. */
function inked(character: string, x: number, y: number): boolean {
  let inside = false;
  for (const outline of glyph(character)) {
    const n = outline.length;
    for (let i = 0; i < n; i += 2) {
      const ay = outline[i + 1] ?? 0;
      const by = outline[(i + 3) % n] ?? 0;
      if (ay > y === by > y) continue;
      const ax = outline[i] ?? 0;
      if (x < ax + ((y - ay) / (by - ay)) * ((outline[(i + 2) % n] ?? 0) - ax)) inside = !inside;
    }
  }
  return inside;
}

/** Near the middles of a pixel's edges. */
const EDGES = [
  [0.15, 0.5],
  [0.85, 0.5],
  [0.5, 0.15],
  [0.5, 0.85],
] as const;

/**
 * A label as an upright picture of `width` x `height` pixels, 1 where there is ink. The established pictures ink every
 * pixel that an outline touches, so places near a pixel's four edges decide. `shiftPx` moves the label right: the
 * established pictures were laid out on whole pixels.
 */
function drawLabel(label: ChipLabel, width: number, height: number, shiftPx: number): Float64Array {
  const picture = new Float64Array(width * height);
  const cellsPerUm = GLYPH_CELLS.width / label.characterWidth;
  [...label.text].forEach((character, i) => {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const touched = EDGES.some(([dx, dy]) => {
          const cellX = (((x + dx - shiftPx) / width) * label.width - i * label.pitch) * cellsPerUm;
          return inked(character, cellX, ((y + dy) / height) * GLYPH_CELLS.height);
        });
        if (touched) picture[y * width + x] = 1;
      }
    }
  });
  return picture;
}

function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [sa, sb, ab, aa, bb] = [0, 0, 0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [va, vb] = [a[i] ?? 0, b[i] ?? 0];
    sa += va;
    sb += vb;
    ab += va * vb;
    aa += va * va;
    bb += vb * vb;
  }
  const n = a.length;
  return (ab - (sa * sb) / n) / Math.sqrt((aa - (sa * sa) / n) * (bb - (sb * sb) / n));
}

describe("glyphs", () => {
  it("exist for 0-9 and A-I, all different, strokes on the grid", () => {
    const characters = [..."0123456789ABCDEFGHI"];
    const bitmaps = characters.map((character) => {
      let bits = "";
      for (let y = 0.25; y < 7; y += 0.5)
        for (let x = 0.25; x < 5; x += 0.5) bits += inked(character, x, y) ? "#" : ".";
      return bits;
    });
    expect(new Set(bitmaps).size).toBe(characters.length);
    for (const bits of bitmaps) expect(bits.replaceAll(".", "").length).toBeGreaterThan(30);
    expect(glyphReach("I")).toBeCloseTo(0.7);
    expect(glyphReach("A")).toBe(1);
  });

  it("look unchanged upside down for the labels people choose, and not for 2", () => {
    const same = (character: string) => {
      let equal = true;
      for (let y = 0.25; y < 3.5; y += 0.5) {
        for (let x = 0.25; x < 5; x += 0.5) equal &&= inked(character, x, y) === inked(character, x, 7 - y);
      }
      return equal;
    };
    expect([..."BCDE3"].map(same)).toEqual([true, true, true, true, true]);
    expect(same("2")).toBe(false);
  });

  it("match the established label pictures at 0.98 or better", async (context) => {
    if (!existsSync(reference)) {
      context.skip(`no label templates at ${reference}; set PHOREST_REFERENCE to compare`);
      return;
    }
    const worst: string[] = [];
    for (const type of ["IMECII_2", "IMECII_3", "IMECII_4"]) {
      for (const label of loadChip(type).labels) {
        if (label.text === "") continue;
        const file = join(reference, type, `${label.label.replace("_large", "-Large")}.png`);
        const { data, info } = await sharp(file).extractChannel(0).raw().toBuffer({ resolveWithObject: true });
        let score = 0;
        for (const shiftPx of [0, 0.25, -0.25, 0.5, -0.5]) {
          if (score >= 0.98) break;
          score = Math.max(score, correlation(drawLabel(label, info.width, info.height, shiftPx), data));
        }
        if (!(score >= 0.98)) worst.push(`${type} ${label.label} ${score.toFixed(4)}`);
      }
    }
    expect(worst).toEqual([]);
  });
});
