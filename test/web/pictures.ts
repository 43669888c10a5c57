// A picture that is too much for a decoder.
import { constants, deflateRawSync } from "node:zlib";
import { pngChunk } from "../image/picture-writers.ts";

/**
 * A PNG of black 16-bit RGBA pixels that is a thousandth of what it unpacks to. Every stretch of rows is the same compressed
 * block again, so that nothing large is made here.
 */
export function blackPng(side: number, rowsPerBlock: number): Buffer {
  const rowBytes = 1 + 8 * side;
  const options = { level: 9, finishFlush: constants.Z_FULL_FLUSH } as const;
  const block = deflateRawSync(Buffer.alloc(rowBytes * rowsPerBlock), options);
  const blocks = Array.from({ length: side / rowsPerBlock }, () => block);
  // Of zeros, Adler's first sum stays 1 and the second counts the bytes.
  const adler = Buffer.alloc(4);
  adler.writeUInt32BE(((rowBytes * side) % 65521) * 65536 + 1);
  const data = Buffer.concat([Buffer.of(0x78, 0xda), ...blocks, Buffer.of(0x03, 0x00), adler]);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([16, 6, 0, 0, 0], 8);
  const signature = Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  const chunks = [pngChunk("IHDR", header), pngChunk("IDAT", data), pngChunk("IEND", new Uint8Array(0))];
  return Buffer.concat([signature, ...chunks]);
}
