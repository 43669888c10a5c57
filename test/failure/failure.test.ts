import { expect, test } from "vitest";
import { encodeFailure, failureLine } from "../../src/failure/failure.ts";

test("errors of the disk are told in words, once, with the path and the cure", () => {
  const error = (code: string, words: string) =>
    Object.assign(new Error(`${code}: ${words}, open '/lab/data/a.png'`), { code, path: "/lab/data/a.png" });
  const cure = "(check the disk and its permissions)";
  expect(failureLine(error("EROFS", "read-only file system"))).toBe(`/lab/data/a.png: the disk is read-only ${cure}`);
  expect(failureLine(error("EPERM", "operation not permitted"))).toBe(`/lab/data/a.png: permission denied ${cure}`);
  expect(failureLine(error("EIO", "i/o error"))).toContain("/lab/data/a.png: input/output error");
});

test("a file that is missing is not taken for a picture: only the code that opens pictures can know", () => {
  const gone = Object.assign(new Error("ENOENT: no such file or directory, open '/lab/ROI_manifest.json'"), {
    code: "ENOENT",
    path: "/lab/ROI_manifest.json",
  });
  expect(encodeFailure(gone)).toMatchObject({
    code: "file.missing",
    message: "/lab/ROI_manifest.json: no such file or directory",
    retry: "later",
  });
});
