import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encodeFailure } from "../../src/failure/failure.ts";
import { makeDirectory, sweepPartials, writeDurably, writeTogether } from "../../src/system/files.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "phorest-files-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("a durable write", () => {
  test("that fails leaves the old file and no temporary one", async () => {
    mkdtempSync(join(directory, "target-"));
    const [target = ""] = readdirSync(directory);
    writeFileSync(join(directory, target, "kept"), "old");
    await expect(writeDurably(join(directory, target), "new")).rejects.toThrow();
    expect(readdirSync(directory)).toEqual([target]);
    expect(readdirSync(join(directory, target))).toEqual(["kept"]);
  });

  test("of several changes none of them when one cannot be, and names the file itself", async () => {
    const [first, second] = [join(directory, "a.png"), join(directory, "b.json")];
    writeFileSync(first, "old");
    mkdirSync(second);
    await expect(
      writeTogether([
        [first, "new"],
        [second, "new"],
      ]),
    ).rejects.toMatchObject({ code: "EISDIR", path: second });
    expect(readFileSync(first, "utf8")).toBe("old");
    expect(readdirSync(directory).sort()).toEqual(["a.png", "b.json"]);
    const nowhere = join(directory, "missing", "c.json");
    await expect(writeTogether([[nowhere, "new"]])).rejects.toMatchObject({ code: "ENOENT", path: nowhere });
  });

  test("of a dead process is swept; files of others that look alike are not", () => {
    writeFileSync(join(directory, ".image.png.0a1b2c3d.part"), "half");
    writeFileSync(join(directory, "download.part"), "somebody else's");
    expect(sweepPartials(directory, 60_000)).toEqual([]);
    expect(sweepPartials(directory)).toEqual([".image.png.0a1b2c3d.part"]);
    expect(readdirSync(directory)).toEqual(["download.part"]);
  });
});

describe("making a directory", () => {
  test("makes its parents, and is content with one that exists", () => {
    const deep = join(directory, "a", "b", "c");
    makeDirectory(deep);
    makeDirectory(deep);
    expect(existsSync(deep)).toBe(true);
  });

  test("ends where nothing can be made, instead of trying for ever", () => {
    expect(() => makeDirectory("/proc/nope/deeper")).toThrow();
  });

  test("refuses a file that stands in its place", () => {
    writeFileSync(join(directory, "file"), "");
    expect(() => makeDirectory(join(directory, "file"))).toThrow(/not a directory/);
  });
});

describe("failures of the disk", () => {
  test.each([
    ["ENOSPC", "disk.full", "free some space"],
    ["SQLITE_FULL", "disk.full", "free some space"],
    ["SQLITE_READONLY_DBMOVED", "disk.failed", "start again"],
    ["EROFS", "disk.failed", "permissions"],
  ])("%s can be tried again and says what to do", (code, expected, cure) => {
    const failure = encodeFailure(Object.assign(new Error("attempt to write"), { code }));
    expect(failure).toMatchObject({ code: expected, retry: "later" });
    expect(failure.hint).toContain(cure);
  });
});
