import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { digestOpened, readConfined, removeConfined, withConfinedFile } from "../../src/system/confined-file.ts";
import { checkFileName, isFileName, printable } from "../../src/system/file-name.ts";

const LIMIT = 1000;
let root: string;
let own: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "phorest-confined-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  own = join(root, "own");
  mkdirSync(join(own, "inner"), { recursive: true });
  writeFileSync(join(own, "a.png"), "picture");
  writeFileSync(join(own, "inner", "b.png"), "inner picture");
  writeFileSync(join(root, "secret"), "secret");
});

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

describe("names", () => {
  test.each(["a.png", "…", "a b", "-rf", "a\nb", "x".repeat(255), "ä".repeat(127), "..a", "CON", "a:b", "a\\b"])(
    "%j is a file name",
    (name) => expect(isFileName(name)).toBe(true),
  );

  test.each([
    "",
    ".",
    "..",
    "/",
    "../secret",
    "a/b",
    "a/",
    "/etc/passwd",
    "a\0b",
    "x".repeat(256),
    "ä".repeat(128),
    "\ud800",
    "M\ufffdller",
  ])("%j is refused", (name) =>
    expect(() => checkFileName(name, "the database")).toThrow(/^the database: the file name .* (is|contains) /),
  );

  test("are printed without control characters and cut", () => {
    expect(printable("a\u001b[31m\n\u202e")).toBe('"a\\u001b[31m\\n\\u202e"');
    expect(printable("x".repeat(1000)).length).toBeLessThan(100);
  });
});

describe("reading", () => {
  test("gives the bytes of a regular file, also in a directory below", async () => {
    expect((await readConfined(own, "a.png", LIMIT)).toString()).toBe("picture");
    expect((await readConfined(own, "inner/b.png", LIMIT)).toString()).toBe("inner picture");
  });

  test("works where the directory itself is a link: that is the user's choice", async () => {
    symlinkSync(own, join(root, "data"));
    expect((await readConfined(join(root, "data"), "a.png", LIMIT)).toString()).toBe("picture");
  });

  test("a missing file is missing", async () => {
    await expect(readConfined(own, "none.png", LIMIT)).rejects.toMatchObject({ code: "file.missing" });
    await expect(readConfined(join(own, "none"), "a.png", LIMIT)).rejects.toMatchObject({ code: "file.missing" });
  });

  test("refuses links, also where the last component is not the link, and loops", async () => {
    symlinkSync("../secret", join(own, "link.png"));
    symlinkSync(root, join(own, "up"));
    symlinkSync("loop.png", join(own, "loop.png"));
    for (const path of ["link.png", "up/secret", "loop.png"]) {
      await expect(readConfined(own, path, LIMIT)).rejects.toMatchObject({ code: "file.refused" });
    }
  });

  test("follows a link only where that is allowed", async () => {
    symlinkSync("../secret", join(own, "link.png"));
    expect((await readConfined(own, "link.png", LIMIT, { followLinks: true })).toString()).toBe("secret");
  });

  test.each(["../secret", "inner/../../secret", "/etc/passwd", "inner//b.png", ""])("refuses %j", async (path) => {
    await expect(readConfined(own, path, LIMIT)).rejects.toMatchObject({ code: "file.refused" });
  });

  test("refuses directories, pipes and sockets without waiting for them", async () => {
    spawnSync("mkfifo", [join(own, "pipe.png")]);
    const server = createServer().listen(join(own, "socket.png"));
    onTestFinished(() => void server.close());
    mkdirSync(join(own, "directory.png"));
    for (const path of ["pipe.png", "socket.png", "directory.png"]) {
      await expect(readConfined(own, path, LIMIT)).rejects.toMatchObject({ code: "file.refused" });
    }
  });

  test("refuses a file beyond the limit before reading it", async () => {
    truncateSync(join(own, "a.png"), 1e12);
    await expect(readConfined(own, "a.png", LIMIT)).rejects.toThrow("larger than 1000 bytes");
  });

  test("notices a file that is written to meanwhile", async () => {
    const reading = withConfinedFile(own, "a.png", async (file) => {
      const digest = digestOpened(file);
      appendFileSync(join(own, "a.png"), "more");
      return digest;
    });
    await expect(reading).rejects.toMatchObject({ code: "file.changed" });
  });

  test("names the file in errors of the system, not a number in /proc", async () => {
    await expect(readConfined(join(own, "a.png"), "x", LIMIT)).rejects.toThrow(join(own, "a.png"));
  });
});

describe("removing", () => {
  test("removes what was recorded", async () => {
    expect(await removeConfined(own, "a.png", { bytes: 7, sha256: sha256("picture") })).toBe(true);
    expect(existsSync(join(own, "a.png"))).toBe(false);
    expect(await removeConfined(own, "a.png", {})).toBe(false);
  });

  test.each([
    ["another size", { bytes: 8 }],
    ["another content of the same size", { bytes: 7, sha256: sha256("picturE") }],
  ])("leaves a file of %s", async (_what, recorded) => {
    await expect(removeConfined(own, "a.png", recorded)).rejects.toMatchObject({ code: "file.changed" });
    expect(readFileSync(join(own, "a.png"), "utf8")).toBe("picture");
  });

  test("asks once more immediately before the removal", async () => {
    const lastCheck = () => {
      expect(existsSync(join(own, "a.png"))).toBe(true);
      throw new Error("not now");
    };
    await expect(removeConfined(own, "a.png", { bytes: 7 }, lastCheck)).rejects.toThrow("not now");
    expect(readFileSync(join(own, "a.png"), "utf8")).toBe("picture");
  });

  test("never removes through or behind a link, nor a directory", async () => {
    symlinkSync("../secret", join(own, "link.png"));
    symlinkSync(root, join(own, "up"));
    mkdirSync(join(own, "directory.png"));
    for (const path of ["link.png", "up/secret", "../secret", "directory.png"]) {
      await expect(removeConfined(own, path, {})).rejects.toMatchObject({ code: "file.refused" });
    }
    expect(readFileSync(join(root, "secret"), "utf8")).toBe("secret");
    expect(existsSync(join(own, "link.png"))).toBe(true);
  });
});
