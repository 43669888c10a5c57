// A small program as an executable carries it, for the tests of unpacking.
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { Failure } from "../../src/failure.ts";
import type { Packing } from "../../src/installation/unpacked.ts";

/** A user that is not the one the tests run as. */
export const NOBODY = 65_534;
export const IS_ROOT = process.geteuid?.() === 0;

export const KERNEL = "build/Release/kernel.node";
export const CONTENTS: Readonly<Record<string, Uint8Array>> = {
  "dist/src/cli.js": Buffer.from("console.log(1);\n"),
  [KERNEL]: Buffer.alloc(300_000, 7),
  "package.json": Buffer.from("{}"),
};
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
export const PACKING: Packing = {
  version: "1.2.3",
  digest: sha256(Buffer.from("these files")),
  files: Object.entries(CONTENTS).map(([path, bytes]) => ({ path, bytes: bytes.length, sha256: sha256(bytes) })),
};

export const contents = (path: string): Uint8Array => CONTENTS[path] ?? new Uint8Array();
export const anything = () => undefined;
export const unexpected = (): never => {
  throw new Error("unpacked or loaded although it must not be");
};

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "phorest-unpack-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export function failureOf(work: () => unknown): Failure {
  try {
    work();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

export function expectWhole(directory: string): void {
  for (const [path, bytes] of Object.entries(CONTENTS)) {
    expect(readFileSync(join(directory, path)).equals(bytes), path).toBe(true);
  }
}
