// The reason in a refusal is that of the file, also while files of other formats are refused beside it.
import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { expect, it } from "vitest";
import { decodeBytes } from "../../src/image/decode.ts";
import { pngChunk, randomFrom } from "./picture-writers.ts";

const WIDTH = 64;
const HEIGHT = 48;
const colour = Uint8Array.from({ length: 3 * WIDTH * HEIGHT }, (_, at) => (at * 6151) % 256);
const picture = () => sharp(colour, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });

/** Words that only one format's readers use. */
const WORDS = {
  PNG: /png|IDAT|IHDR|chunk|spng/i,
  JPEG: /jpe?g|jfif|huffman|marker/i,
  TIFF: /tiff?\b|tiff2vips|strip|directory|LZW/i,
} as const;
type Format = keyof typeof WORDS;

async function formats(): Promise<[Format, Buffer][]> {
  return [
    ["PNG", await picture().png().toBuffer()],
    ["JPEG", await picture().jpeg().toBuffer()],
    ["TIFF", await picture().tiff({ compression: "lzw" }).toBuffer()],
    ["TIFF", await picture().tiff({ compression: "deflate", tile: true, tileWidth: 16, tileHeight: 16 }).toBuffer()],
  ];
}

it("no refusal speaks of another format, with many damaged files of all formats at once", async () => {
  const random = randomFrom(7);
  const whole = await formats();
  const refusals = Array.from({ length: 400 }, async (_, at) => {
    const [format, bytes] = whole[at % whole.length] as [Format, Buffer];
    const damaged = Buffer.from(bytes.subarray(0, 20 + Math.floor(random() * (bytes.length - 20))));
    const message = await decodeBytes(damaged, `file ${at}`).then(
      () => undefined,
      (error: Error) => error.message,
    );
    return { format, at, message };
  });
  const seen = new Set<Format>();
  for (const { format, at, message } of await Promise.all(refusals)) {
    if (message === undefined) continue;
    seen.add(format);
    expect(message).toContain(`file ${at}: the ${format} image is damaged or incomplete: `);
    const reason = message.split("incomplete: ")[1] as string;
    for (const [other, words] of Object.entries(WORDS)) if (other !== format) expect(reason).not.toMatch(words);
  }
  expect([...seen].sort()).toEqual(["JPEG", "PNG", "TIFF"]);
});

it.each([
  [
    "a PNG cut within a part",
    "PNG",
    (b: Buffer) => b.subarray(0, 300),
    /it ends after 300 bytes, within its chunk IDAT/,
  ],
  ["a PNG without its last bytes", "PNG", (b: Buffer) => b.subarray(0, -16), /within its chunk IDAT/],
  ["a PNG with a wrong byte", "PNG", flipped(400), /the checksum of its chunk IDAT at byte \d+ is wrong/],
  ["a PNG with something else in it", "PNG", filled(33, 60), /there is no PNG chunk at byte 33/],
  [
    "a JPEG cut off in its header",
    "JPEG",
    (b: Buffer) => b.subarray(0, 30),
    /it ends after 30 bytes, before its end marker/,
  ],
  ["a JPEG cut off", "JPEG", (b: Buffer) => b.subarray(0, -400), /it has data for only \d+ of \d+ blocks/],
  ["a TIFF cut off", "TIFF", (b: Buffer) => b.subarray(0, b.length >> 1), /it ends after \d+ bytes, before/],
] as const)("%s is told what is wrong with it", async (_, wanted, spoil, reason) => {
  const [, bytes] = (await formats()).find(([format]) => format === wanted) as [Format, Buffer];
  await expect(decodeBytes(spoil(Buffer.from(bytes)), "x")).rejects.toThrow(reason);
});

it("a PNG whose parts are whole and whose pixels are not", async () => {
  const whole = await picture().png().toBuffer();
  const short = pngChunk("IDAT", deflateSync(Buffer.alloc(100)));
  const bytes = Buffer.concat([whole.subarray(0, 33), short, pngChunk("IEND", new Uint8Array(0))]);
  await expect(decodeBytes(bytes, "x")).rejects.toThrow(/its pixels cannot be decompressed/);
});

function flipped(at: number) {
  return (bytes: Buffer) => {
    bytes[at] = (bytes[at] as number) ^ 0xff;
    return bytes;
  };
}

function filled(from: number, to: number) {
  return (bytes: Buffer) => bytes.fill(0, from, to);
}
