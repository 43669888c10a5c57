import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Failure } from "../../src/failure/failure.ts";
import { canWrite, isFileFault } from "../../src/system/fault-of.ts";

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), "phorest-fault-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const systemError = (code: string) => Object.assign(new Error(code), { code, syscall: "open" });

test.each(["ENAMETOOLONG", "EILSEQ", "EFBIG", "EINVAL", "EIO", "EACCES", "EPERM"])(
  "%s is the file's fault where another file can be written",
  async (code) => {
    const path = directory();
    expect(await isFileFault(systemError(code), path)).toBe(true);
    expect(readdirSync(path)).toEqual([]);
  },
);

test.each(["EINVAL", "EIO", "EACCES", "EPERM", "ENOENT", "ESTALE", "EROFS", "ENOTDIR"])(
  "%s is the disk's fault where no file can be written",
  async (code) => expect(await isFileFault(systemError(code), join(directory(), "gone"))).toBe(false),
);

test.each(["ENOSPC", "EDQUOT", "EMFILE"])("%s is never the fault of a file", async (code) =>
  expect(await isFileFault(systemError(code), directory())).toBe(false),
);

test("failures tell by their code, and a defect is nobody's file", async () => {
  const path = directory();
  expect(await isFileFault(new Failure("file.refused", "a link"), path)).toBe(true);
  expect(await isFileFault(new Failure("disk.failed", "unmounted"), path)).toBe(false);
  expect(await isFileFault(new TypeError("undefined is not a function"), path)).toBe(false);
});

test("a directory without permission cannot be written", async () => {
  const path = directory();
  chmodSync(path, 0o500);
  const mine = process.getuid?.() !== 0;
  expect(await canWrite(path)).toBe(!mine);
  expect(await canWrite("/proc")).toBe(false);
});
