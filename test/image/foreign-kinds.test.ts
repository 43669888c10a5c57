// A file of a kind that is not read is refused as what it is, never as damaged.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { listPictures } from "../../src/analysis/batch.ts";
import { decodeBytes, decodePicture } from "../../src/image/decode.ts";
import { listPages } from "../../src/image/pages.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const dicom = Buffer.alloc(400);
dicom.write("DICM", 128);
/** Beginnings of files, from the definitions of the formats. */
const BEGINNINGS: readonly (readonly [name: string, bytes: Buffer])[] = [
  ["a GIF file", Buffer.from("GIF89a\x02\x00\x02\x00\x80\x00\x00", "latin1")],
  ["a WebP file", Buffer.from("RIFF\x24\x00\x00\x00WEBPVP8 ", "latin1")],
  ["a JPEG 2000 file", Buffer.from("0000000c6a5020200d0a870a00000014667479706a703220", "hex")],
  ["a JPEG 2000 file", Buffer.from("ff4fff5100290000", "hex")],
  ["a PGM file", Buffer.from("P5\n# camera\n2 2\n255\nabcd")],
  ["a PPM file", Buffer.from("P6 2 2 255\nabcdefghijkl")],
  ["a Zeiss CZI file", Buffer.from("ZISRAWFILE\0\0\0\0\0\0", "latin1")],
  ["a Nikon ND2 file", Buffer.from("dacebe0a10000000", "hex")],
  ["a Leica LIF file", Buffer.from("70000000b40400002a58020000", "hex")],
  ["an HDF5 file", Buffer.from("894844460d0a1a0a00000000", "hex")],
  ["a FITS file", Buffer.from("SIMPLE  =                    T / conforms to FITS standard")],
  ["a DICOM file", dicom],
  ["an MP4 or QuickTime video", Buffer.from("00000018667479706d703432", "hex")],
];

describe.each(BEGINNINGS)("%s", (name, bytes) => {
  const refusal = {
    code: "frame.unreadable",
    message: expect.stringContaining(`: ${name}, which phorest does not read`),
    hint: expect.stringMatching(/OME-TIFF|TIFF|Y4M/),
  };

  test("is named by its first bytes, whatever its name, also in gzip", async () => {
    const directory = temporaryDirectory();
    for (const [ending, content] of [
      ["tif", bytes],
      ["png", bytes],
      ["tif.gz", gzipSync(bytes)],
    ] as const) {
      const path = join(directory, `image.${ending}`);
      writeFileSync(path, content);
      await expect(decodePicture(path)).rejects.toMatchObject(refusal);
      await expect(listPages(path)).rejects.toMatchObject(refusal);
    }
  });

  test("is named where a directory has nothing else", async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "notes.txt"), "of 4 March");
    writeFileSync(join(directory, "scan.bin"), bytes);
    await expect(listPictures([directory])).rejects.toMatchObject({
      message: `${directory}: no image in this directory; scan.bin is ${name}, which phorest does not read`,
    });
  });
});

test("a TIFF under another name is named where a directory is listed, with what to do", async () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "a.dng"), Buffer.from("4d4d002a00000008", "hex"));
  await expect(listPictures([directory])).rejects.toMatchObject({
    message: `${directory}: no image in this directory; a.dng is a TIFF under another name`,
    hint: "name the file itself, or give it a name that ends in .tif",
  });
  writeFileSync(join(directory, "k.tif"), "");
  writeFileSync(join(directory, "z.gif"), "GIF89a and so on");
  const lines: string[] = [];
  expect(await listPictures([directory], (line) => lines.push(line))).toEqual([join(directory, "k.tif")]);
  expect(lines).toEqual([
    `${directory}: left out 1 file of kinds that phorest does not read: z.gif (a GIF file)`,
    `${directory}: left out 1 file: a.dng (a TIFF under another name); name the file itself, or give it a name that ends in .tif`,
  ]);
});

test("of unknown bytes, the message lists what is read", async () => {
  const unknown = { message: "it: not an image", hint: expect.stringMatching(/PNG, TIFF, BMP, JPEG, Y4M and raw/) };
  await expect(decodeBytes(Buffer.from("hello, world"), "it")).rejects.toMatchObject(unknown);
});
