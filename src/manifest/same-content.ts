// Compares the content of two files.
import { closeSync, openSync, readSync } from "node:fs";
import { fileSize } from "../system/files.ts";

const PIECE = 1 << 20;

export function isSameContent(one: string, other: string): boolean {
  if (fileSize(one) !== fileSize(other)) return false;
  const first = openSync(one, "r");
  const second = openSync(other, "r");
  try {
    const [a, b] = [Buffer.alloc(PIECE), Buffer.alloc(PIECE)];
    for (let at = 0; ; at += PIECE) {
      const read = readSync(first, a, 0, PIECE, at);
      if (read !== readSync(second, b, 0, PIECE, at)) return false;
      if (!a.subarray(0, read).equals(b.subarray(0, read))) return false;
      if (read < PIECE) return true;
    }
  } finally {
    closeSync(first);
    closeSync(second);
  }
}
