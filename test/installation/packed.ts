// A small program as an executable carries it, for the tests of unpacking.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import { unpackedName } from "../../src/installation/unpack.ts";
import type { Packing } from "../../src/installation/unpacked.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

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

export function expectWhole(directory: string): void {
  for (const [path, bytes] of Object.entries(CONTENTS)) {
    expect(readFileSync(join(directory, path)).equals(bytes), path).toBe(true);
  }
}

/** Another process that unpacks at `place`; with `stay` it stops in the middle. */
export function unpacker(place: string, ...stay: string[]): ChildProcessByStdio<null, Readable, null> {
  const file = join(temporaryDirectory(), "packed.json");
  const base64 = Object.entries(CONTENTS).map(([path, bytes]) => [path, Buffer.from(bytes).toString("base64")]);
  writeFileSync(file, JSON.stringify({ packing: PACKING, contents: Object.fromEntries(base64) }));
  const script = fileURLToPath(new URL("children/unpacks.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", script, file, place, ...stay], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

/** Several processes that unpack at `place` at once: each gets the whole directory, and nothing else is left. */
export async function expectOneForSeveralStarts(place: string): Promise<void> {
  const starts = Array.from({ length: 4 }, async () => {
    let said = "";
    for await (const chunk of unpacker(place).stdout) said += chunk;
    return said;
  });
  const directory = join(place, unpackedName(PACKING));
  expect(new Set(await Promise.all(starts))).toEqual(new Set([directory]));
  expectWhole(directory);
  expect(readdirSync(place)).toEqual([unpackedName(PACKING)]);
}

/** Another process that is in the middle of unpacking at `place`. */
export async function unpackingAt(place: string) {
  const child = unpacker(place, "stay");
  await once(child.stdout, "data");
  return child;
}

/** Replaces the record by what is there. */
export function recordAsItIs(directory: string): void {
  const times = Object.keys(CONTENTS).map((path) => {
    const { size, mtimeNs, ctimeNs } = statSync(join(directory, path), { bigint: true });
    return [path, [size, mtimeNs, ctimeNs].map(String)];
  });
  const record = join(directory, ".unpacked");
  rmSync(record);
  writeFileSync(record, JSON.stringify(Object.fromEntries(times)), { mode: 0o444 });
}
