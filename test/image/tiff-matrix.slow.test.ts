// Every kind of TIFF that is read, written by a program of its own, by tifffile and by libtiff, against what was written,
// what tifffile reads and what OpenCV reads: bit for bit.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeBytes, decodePicture } from "../../src/image/decode.ts";
import type { Picture } from "../../src/image/picture.ts";
import { hasPython, runPythonFile } from "../python.ts";

interface Stored {
  readonly file: string;
  readonly type: string;
  /** Rows and columns. */
  readonly shape: readonly [number, number];
}

interface Said {
  readonly name: string;
  /** What the standard says that is in the file; null where it does not say it. */
  readonly precise: Stored | null;
  readonly opencv: Stored | null;
  /** Whether tifffile reads what was written; null where it cannot read it. */
  readonly tifffile: boolean | null;
}

const ARRAYS = {
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
};

const isKnown = (type: string): type is keyof typeof ARRAYS => type in ARRAYS;

/** OpenCV 4.6 mirrors each tile of such a file in itself, and takes planes of 16 bits for pixels: neither is followed. */
const SCRAMBLED = /^turned[2367]-u8-\w+-tiles|^rgb16-planar2/;

describe.skipIf(!hasPython("tifffile", "cv2", "numpy"))("the matrix", () => {
  const directory = mkdtempSync(join(tmpdir(), "phorest-matrix-"));
  let all: Said[] = [];
  beforeAll(() => {
    const lines = runPythonFile(join(import.meta.dirname, "tiff_matrix.py"), directory)
      .trim()
      .split("\n");
    all = lines.map((line): Said => JSON.parse(line));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function valuesOf({ file, type }: Stored): ArrayLike<number> {
    if (!isKnown(type)) throw new Error(`no array of ${type}`);
    const bytes = Uint8Array.from(readFileSync(join(directory, file)));
    return new ARRAYS[type](bytes.buffer);
  }

  /** Undefined where a picture is what is stored, else what differs. */
  function difference({ pixels, width, height }: Picture, stored: Stored): string | undefined {
    const [rows, columns] = stored.shape;
    if (height !== rows || width !== columns) return `${width} x ${height} instead of ${columns} x ${rows}`;
    const values = valuesOf(stored);
    const at = pixels.findIndex((value, index) => value !== values[index]);
    return at < 0 ? undefined : `${pixels[at]} instead of ${values[at]} at pixel ${at}`;
  }

  const read = (name: string, reading: "precise" | "established") =>
    decodePicture(join(directory, name), name, { reading }).catch((error: unknown) => String(error));

  it("has many files, most of which others read as they were written", () => {
    expect(all.length).toBeGreaterThan(1300);
    expect(all.filter(({ tifffile }) => tifffile === false)).toEqual([]);
    expect(all.filter(({ tifffile }) => tifffile).length).toBeGreaterThan(800);
    expect(all.filter(({ opencv }) => opencv !== null).length).toBeGreaterThan(1100);
  });

  it("is read as the standard says", async () => {
    const wrong: string[] = [];
    for (const { name, precise } of all) {
      const picture = await read(name, "precise");
      if (typeof picture === "string") {
        if (precise !== null || !/that count from white/.test(picture)) wrong.push(`${name}: ${picture}`);
      } else if (precise === null) wrong.push(`${name} is not refused`);
      else {
        const differs = difference(picture, precise);
        if (differs !== undefined) wrong.push(`${name}: ${differs}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it("is read as OpenCV reads it where that is asked for", async () => {
    const wrong: string[] = [];
    for (const { name, opencv, precise } of all) {
      const expected = SCRAMBLED.test(name) ? precise : opencv;
      if (expected === null) continue;
      const picture = await read(name, "established");
      const differs = typeof picture === "string" ? picture : difference(picture, expected);
      if (differs !== undefined) wrong.push(`${name}: ${differs}`);
    }
    expect(wrong).toEqual([]);
  });

  it("is refused wherever it is cut off", async () => {
    const wrong: string[] = [];
    for (const { name } of all.filter((_, index) => index % 10 === 0)) {
      const bytes = readFileSync(join(directory, name));
      for (const share of [0.3, 0.6, 0.9]) {
        const cut = bytes.subarray(0, Math.floor(share * bytes.length));
        const outcome = await decodeBytes(cut, name).then(
          () => "read",
          (error: { code?: string }) => error.code ?? String(error),
        );
        if (outcome !== "frame.unreadable") wrong.push(`${name}: ${share}: ${outcome}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});
