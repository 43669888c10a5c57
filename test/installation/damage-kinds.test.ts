// Damage of other kinds than changed bytes, and places at fault although the files are sound.
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { unpack, unpackedName } from "../../src/installation/unpack.ts";
import { failureOf } from "../failure/failure-of.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import {
  anything,
  CONTENTS,
  contents,
  expectWhole,
  IS_ROOT,
  KERNEL,
  NOBODY,
  PACKING,
  recordAsItIs,
  unexpected,
} from "./packed.ts";

/** Runs `work` as a user whom modes of files stop. */
function asUser(work: () => void): void {
  if (IS_ROOT) process.seteuid?.(NOBODY);
  try {
    work();
  } finally {
    if (IS_ROOT) process.seteuid?.(0);
  }
}

/** A place of that user. */
function userPlace(): string {
  const place = temporaryDirectory();
  if (IS_ROOT) chownSync(place, NOBODY, NOBODY);
  return place;
}

/** Other bytes of the same size, with the record saying that nothing changed: what a failing disk does. */
function spoil(directory: string, name: string): void {
  const path = join(directory, name);
  const { size } = statSync(path);
  rmSync(path);
  writeFileSync(path, Buffer.alloc(size, 8), { mode: 0o555 });
  recordAsItIs(directory);
}

describe("an unpacked copy is mended", () => {
  const small = Object.keys(CONTENTS).filter((name) => name !== KERNEL);

  it.each(small)("where %s was changed without its times: what loads the rest is read at every start", (name) => {
    const place = temporaryDirectory();
    const directory = unpack(PACKING, contents, [place], anything);
    spoil(directory, name);
    expectWhole(unpack(PACKING, contents, [place], () => expectWhole(directory)));
    expect(readdirSync(place)).toEqual([unpackedName(PACKING)]);
  });

  it.each(["dist/src/cli.js", KERNEL, ".unpacked", "dist", "dist/src"])("where %s cannot be read", (name) => {
    const place = userPlace();
    asUser(() => {
      const directory = unpack(PACKING, contents, [place], anything);
      chmodSync(join(directory, name), 0);
      expectWhole(unpack(PACKING, contents, [place], anything));
      expect(readdirSync(place)).toEqual([unpackedName(PACKING)]);
    });
  });

  it.each(["dist/src/cli.js", KERNEL, ".unpacked", "dist", "dist/src", ""])(
    "where something else is called %j",
    (name) => {
      const place = temporaryDirectory();
      const path = join(unpack(PACKING, contents, [place], anything), name).replace(/\/$/, "");
      const isDirectory = statSync(path).isDirectory();
      rmSync(path, { recursive: true });
      if (isDirectory) writeFileSync(path, "");
      else mkdirSync(join(path, "inside"), { recursive: true });
      expectWhole(unpack(PACKING, contents, [place], anything));
      expect(readdirSync(place)).toEqual([unpackedName(PACKING)]);
    },
  );
});

describe("a place that does not run programs any more", () => {
  it("is left without reading its files, and they stay for a program that runs from them", () => {
    const [place, other] = [temporaryDirectory(), temporaryDirectory()];
    const directory = unpack(PACKING, contents, [place], anything);
    spoil(directory, KERNEL);
    const refuses = (where: string) => {
      if (where === directory)
        throw Object.assign(new Error("failed to map segment from shared object: Permission denied"), {
          code: "ERR_DLOPEN_FAILED",
        });
    };
    expectWhole(unpack(PACKING, contents, [place, other], refuses));
    // Were it read, the damage would be named.
    const { line } = failureOf(() => unpack(PACKING, unexpected, [place], refuses));
    expect(line).toContain("libraries cannot be loaded from there");
    expect(readFileSync(join(directory, KERNEL))[0]).toBe(8);
  });

  it.runIf(IS_ROOT)("is known by its mount, before anything of it is looked at", (context) => {
    const [disk, other] = [temporaryDirectory(), temporaryDirectory()];
    const mount = (...words: string[]) => spawnSync("mount", words).status === 0;
    if (!mount("-t", "tmpfs", "-o", "mode=755,size=8m", "tmpfs", disk)) return context.skip("nothing can be mounted");
    onTestFinished(() => void spawnSync("umount", [disk]));
    const directory = unpack(PACKING, contents, [disk], anything);
    spoil(directory, "package.json");
    expect(mount("-o", "remount,noexec", disk)).toBe(true);
    expectWhole(unpack(PACKING, contents, [disk, other], anything));
    expect(failureOf(() => unpack(PACKING, unexpected, [disk], unexpected)).line).toContain("mounted noexec");
    expect(readdirSync(disk)).toEqual([unpackedName(PACKING)]);
  });
});
