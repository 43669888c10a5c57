// Recognises text files that are not UTF-8: UTF-16, which Windows programs write.
import { TextDecoder } from "node:util";

/**
 * Returns a decoder for text that begins with these bytes; undefined unless it is UTF-16. Without a mark, its first two
 * characters must be ASCII.
 */
export function utf16Decoder([a = 0, b = 0, c = 0, d = 0]: Uint8Array): TextDecoder | undefined {
  if (a === 0xff && b === 0xfe) return new TextDecoder("utf-16le");
  if (a === 0xfe && b === 0xff) return new TextDecoder("utf-16be");
  if (isAscii(a) && b === 0 && isAscii(c) && d === 0) return new TextDecoder("utf-16le");
  return a === 0 && isAscii(b) && c === 0 && isAscii(d) ? new TextDecoder("utf-16be") : undefined;
}

const isAscii = (byte: number): boolean => byte > 0 && byte < 0x80;
