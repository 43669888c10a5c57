// What was changed since it was unpacked is found before it is loaded, and mended.
import {
  chmodSync,
  cpSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { unpack, unpackedName } from "../../src/installation/unpack.ts";
import { failureOf } from "../failure/failure-of.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import {
  anything,
  CONTENTS,
  contents,
  expectOneForSeveralStarts,
  expectWhole,
  IS_ROOT,
  KERNEL,
  NOBODY,
  PACKING,
  recordAsItIs,
  unexpected,
} from "./packed.ts";

describe("an unpacked file", () => {
  it("is unpacked again where a power cut cut it short or a tidy-up took one away", () => {
    const place = temporaryDirectory();
    const directory = unpack(PACKING, contents, [place], anything);
    chmodSync(join(directory, "package.json"), 0o644);
    truncateSync(join(directory, "package.json"), 1);
    expectWhole(unpack(PACKING, contents, [place], anything));
    rmSync(join(directory, "dist"), { recursive: true });
    expectWhole(unpack(PACKING, contents, [place], anything));
    expect(readdirSync(place)).toEqual([unpackedName(PACKING)]);
  });

  it.each(Object.keys(CONTENTS))(
    "finds that %s was changed, its size being the same, before anything is loaded",
    (name) => {
      const place = temporaryDirectory();
      const path = join(unpack(PACKING, contents, [place], anything), name);
      const { atime, mtime, size } = statSync(path);
      chmodSync(path, 0o644);
      writeFileSync(path, Buffer.alloc(size, 8));
      chmodSync(path, 0o555);
      // As an archive or a synchronisation leaves it.
      utimesSync(path, atime, mtime);
      const notices: string[] = [];
      const loaded: boolean[] = [];
      const loads = () => void loaded.push(readFileSync(path).equals(CONTENTS[name] ?? Buffer.alloc(0)));
      expectWhole(unpack(PACKING, contents, [place], loads, (line) => notices.push(line)));
      expect(loaded).toEqual([true]);
      expect(notices).toEqual([`${path} was changed; unpacked it again`]);
      expect(readdirSync(place)).toEqual([unpackedName(PACKING)]);
    },
  );

  it("is unpacked again where it changed without its times, and nothing can be loaded from it", () => {
    const place = temporaryDirectory();
    const directory = unpack(PACKING, contents, [place], anything);
    const kernel = join(directory, KERNEL);
    chmodSync(kernel, 0o644);
    writeFileSync(kernel, Buffer.alloc(300_000, 8));
    chmodSync(kernel, 0o555);
    recordAsItIs(directory);
    const loads = () => {
      if (readFileSync(kernel)[0] === 7) return;
      throw Object.assign(new Error(`${kernel}: invalid ELF header`), { code: "ERR_DLOPEN_FAILED" });
    };
    expectWhole(unpack(PACKING, contents, [place], loads));
    expect(readdirSync(place)).toEqual([unpackedName(PACKING)]);
  });

  it("is mended once for several starts at once", async () => {
    const place = temporaryDirectory();
    const kernel = join(unpack(PACKING, contents, [place], anything), KERNEL);
    chmodSync(kernel, 0o755);
    writeFileSync(kernel, Buffer.alloc(300_000, 8));
    await expectOneForSeveralStarts(place);
  });

  it("that was only touched is recorded, so that the next start need not read it", () => {
    const place = temporaryDirectory();
    const directory = unpack(PACKING, contents, [place], anything);
    const record = () => JSON.parse(readFileSync(join(directory, ".unpacked"), "utf8"));
    const before = record();
    utimesSync(join(directory, KERNEL), 1_000_000, 1_000_000);
    expect(unpack(PACKING, unexpected, [place], anything)).toBe(directory);
    const after = record();
    expect(after[KERNEL][1]).toBe("1000000000000000");
    expect({ ...after, [KERNEL]: before[KERNEL] }).toEqual(before);
    expect(readdirSync(place)).toEqual([unpackedName(PACKING)]);
  });

  it("is compared with its hash where the record was cut short by a power cut", () => {
    const place = temporaryDirectory();
    const directory = unpack(PACKING, contents, [place], anything);
    for (const text of ["", "null", '{"package.json": 7}', '["x"]']) {
      const record = join(directory, ".unpacked");
      rmSync(record);
      writeFileSync(record, text, { mode: 0o444 });
      expect(unpack(PACKING, unexpected, [place], anything)).toBe(directory);
      expect(Object.keys(JSON.parse(readFileSync(record, "utf8"))).sort()).toEqual(Object.keys(CONTENTS).sort());
    }
  });

  it.runIf(IS_ROOT)("uses root's copy from a container image or a backup without reading all of it", () => {
    const place = temporaryDirectory();
    chmodSync(place, 0o755);
    const made = unpack(PACKING, contents, [place], anything);
    const copy = temporaryDirectory();
    chmodSync(copy, 0o755);
    const copied = join(copy, unpackedName(PACKING));
    cpSync(made, copied, { recursive: true, preserveTimestamps: true });
    // Of the same size and times: found if it is read.
    const kernel = join(copied, KERNEL);
    const { atime, mtime } = statSync(kernel);
    const spoil = () => {
      writeFileSync(kernel, Buffer.alloc(300_000, 8));
      utimesSync(kernel, atime, mtime);
    };
    chmodSync(kernel, 0o755);
    spoil();
    process.seteuid?.(NOBODY);
    try {
      expect(unpack(PACKING, unexpected, [copy], anything)).toBe(copied);
      process.seteuid?.(0);
      // Where root's copy is the one that was recorded, a file is read whose last change is not the recorded one.
      writeFileSync(kernel, CONTENTS[KERNEL] ?? "");
      recordAsItIs(copied);
      spoil();
      process.seteuid?.(NOBODY);
      expect(failureOf(() => unpack(PACKING, contents, [copy], unexpected)).line).toContain(`${kernel} was changed`);
    } finally {
      process.seteuid?.(0);
    }
  });

  it.runIf(IS_ROOT)("says what of root's copy was changed, which it cannot mend", () => {
    const place = temporaryDirectory();
    chmodSync(place, 0o755);
    const kernel = join(unpack(PACKING, contents, [place], anything), KERNEL);
    chmodSync(kernel, 0o644);
    writeFileSync(kernel, Buffer.alloc(300_000, 8));
    utimesSync(kernel, 1, 1);
    process.seteuid?.(NOBODY);
    try {
      const { line } = failureOf(() => unpack(PACKING, contents, [place], unexpected));
      expect(line).toContain(`${kernel} was changed and cannot be unpacked again: permission denied`);
    } finally {
      process.seteuid?.(0);
    }
  });
});
