// The size of a picture from its header: of real files of every format, and of files that claim to be far larger than they are,
// so that whatever decodes first, or unpacks first, says something else than "too large".
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import sharp from "sharp";
import { describe, expect, onTestFinished, test } from "vitest";
import { decodeBytes, decodePicture } from "../../src/image/decode.ts";
import { headerSize } from "../../src/image/header-size.ts";
import { decodeReduced } from "../../src/image/reduce.ts";
import { ShownPicture } from "../../src/web/shown-picture.ts";

const [WIDTH, HEIGHT] = [60, 40];

function raw(channels: 1 | 3, depth: 8 | 16 = 8) {
  const samples = WIDTH * HEIGHT * channels;
  const data = depth === 8 ? new Uint8Array(samples).fill(7) : new Uint16Array(samples).fill(700);
  return sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels } }).toColourspace(
    channels === 3 ? "srgb" : depth === 16 ? "grey16" : "b-w",
  );
}

function bmp(bits: 8 | 24): Buffer {
  const colours = bits === 8 ? 256 * 4 : 0;
  const stride = Math.ceil((WIDTH * bits) / 32) * 4;
  const file = Buffer.alloc(54 + colours + stride * HEIGHT);
  file.write("BM");
  file.writeUInt32LE(54 + colours, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(WIDTH, 18);
  file.writeInt32LE(HEIGHT, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(bits, 28);
  return file;
}

const FILES: Readonly<Record<string, () => Promise<Buffer> | Buffer>> = {
  PNG: () => raw(1).png().toBuffer(),
  "PNG of 16 bits": () => raw(1, 16).png().toBuffer(),
  "interlaced PNG": () => raw(3).png({ progressive: true }).toBuffer(),
  "deflated TIFF": () => raw(1).tiff({ compression: "deflate" }).toBuffer(),
  "LZW TIFF of 16 bits": () => raw(1, 16).tiff({ compression: "lzw" }).toBuffer(),
  "tiled TIFF in colour": () => raw(3).tiff({ compression: "deflate", tile: true }).toBuffer(),
  BigTIFF: () => raw(1).tiff({ compression: "deflate", bigtiff: true }).toBuffer(),
  "plain TIFF": () => raw(1).tiff({ compression: "none" }).toBuffer(),
  "TIFF of JPEGs": () => raw(1).tiff({ compression: "jpeg" }).toBuffer(),
  JPEG: () => raw(1).jpeg().toBuffer(),
  "progressive JPEG in colour": () => raw(3).jpeg({ progressive: true }).toBuffer(),
  "gray BMP": () => bmp(8),
  "BMP in colour": () => bmp(24),
};

/** The same file with another size in its header, without any more pixels. */
function claiming(file: Buffer, side: number): Buffer {
  const bytes = Buffer.from(file);
  if (bytes[0] === 0x42) {
    bytes.writeInt32LE(side, 18);
    bytes.writeInt32LE(side, 22);
  } else if (bytes[0] === 0x89) {
    bytes.writeUInt32BE(side, 16);
    bytes.writeUInt32BE(side, 20);
  } else if (bytes[0] === 0xff) {
    const at = [0xc0, 0xc2].map((marker) => bytes.indexOf(Buffer.of(0xff, marker))).find((place) => place > 0) ?? 0;
    bytes.writeUInt16BE(side, at + 5);
    bytes.writeUInt16BE(side, at + 7);
  } else {
    const big = bytes.readUInt16LE(2) === 43;
    const directory = big ? Number(bytes.readBigUInt64LE(8)) : bytes.readUInt32LE(4);
    const [first, size, value] = big ? [directory + 8, 20, 12] : [directory + 2, 12, 8];
    for (let entry = first; entry < first + 4 * size; entry += size) {
      if (bytes.readUInt16LE(entry) !== 256 && bytes.readUInt16LE(entry) !== 257) continue;
      const isShort = bytes.readUInt16LE(entry + 2) === 3;
      if (isShort) bytes.writeUInt16LE(side, entry + value);
      else bytes.writeUInt32LE(side, entry + value);
    }
  }
  return bytes;
}

function saved(bytes: Uint8Array): { directory: string; path: string } {
  const directory = mkdtempSync(join(tmpdir(), "phorest-size-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, "picture"), bytes);
  return { directory, path: "picture" };
}

describe.each(Object.entries(FILES))("%s", (name, make) => {
  test("says its size", async () => {
    const bytes = await make();
    expect(await headerSize(bytes)).toMatchObject({ width: WIDTH, height: HEIGHT });
    expect(await decodeBytes(bytes, name)).toMatchObject({ width: WIDTH, height: HEIGHT });
    for (let cut = 0; cut < 200; cut += 1) await headerSize(bytes.subarray(0, cut));
  });

  test("with more pixels than are read it is refused by its header, whichever way it comes in", async () => {
    const bytes = claiming(await make(), 24_000);
    for (const given of [bytes, gzipSync(bytes)]) {
      const file = saved(given);
      const tooLarge = /too large: 24000 × 24000 pixels/;
      await expect(decodeBytes(given, name)).rejects.toThrow(tooLarge);
      await expect(decodePicture(file)).rejects.toThrow(tooLarge);
      await expect(decodeReduced(file, name, 1000)).rejects.toThrow(tooLarge);
    }
  });

  test("with more pixels than a chip is looked for in it is refused for that by its header", async () => {
    const bytes = claiming(await make(), 19_000);
    for (const given of [bytes, gzipSync(bytes)]) {
      const picture = { key: "1", file: saved(given), where: name };
      const read = ShownPicture.read(picture, { keepsDecoded: true });
      await expect(read).rejects.toThrow(/19000 × 19000 pixels are too many for finding the chip/);
    }
  });
});

test("WebP is not read, and said so at once", async () => {
  const bytes = await raw(3).webp().toBuffer();
  expect(await headerSize(bytes)).toBeUndefined();
  await expect(decodeBytes(bytes, "a.webp")).rejects.toThrow(/a WebP file/);
});
