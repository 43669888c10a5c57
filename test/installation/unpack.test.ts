import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { Failure } from "../../src/failure.ts";
import { cachePlaces, homeOf, type Packing, unpack, unpackedName } from "../../src/installation/unpack.ts";

const NOBODY = 65_534;

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "phorest-unpack-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const CONTENTS: Readonly<Record<string, Uint8Array>> = {
  "dist/src/cli.js": Buffer.from("console.log(1);\n"),
  "build/Release/kernel.node": Buffer.alloc(300_000, 7),
  "package.json": Buffer.from("{}"),
};
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const PACKING: Packing = {
  version: "1.2.3",
  digest: sha256(Buffer.from("these files")),
  files: Object.entries(CONTENTS).map(([path, bytes]) => ({ path, bytes: bytes.length, sha256: sha256(bytes) })),
};
const contents = (path: string): Uint8Array => CONTENTS[path] ?? new Uint8Array();
const anything = () => undefined;
const unexpected = () => {
  throw new Error("unpacked although it was there");
};

function failureOf(work: () => unknown): Failure {
  try {
    work();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

function expectWhole(directory: string): void {
  for (const [path, bytes] of Object.entries(CONTENTS)) {
    expect(readFileSync(join(directory, path)).equals(bytes), path).toBe(true);
  }
}

describe("unpacking the executable", () => {
  it("lays every file in a directory named by version and contents, and leaves nothing else", () => {
    const place = join(temporaryDirectory(), "not", "there", "yet");
    const directory = unpack(PACKING, contents, [place], anything);
    expect(directory).toBe(join(place, unpackedName(PACKING)));
    expect(readdirSync(place)).toEqual([unpackedName(PACKING)]);
    expectWhole(directory);
  });

  it("is done once: a second start only looks", () => {
    const place = temporaryDirectory();
    unpack(PACKING, contents, [place], anything);
    expectWhole(unpack(PACKING, unexpected, [place], anything));
  });

  it("is done anew where a power cut left a file short or a tidy-up took one away", () => {
    const place = temporaryDirectory();
    const directory = unpack(PACKING, contents, [place], anything);
    chmodSync(join(directory, "package.json"), 0o644);
    truncateSync(join(directory, "package.json"), 1);
    expectWhole(unpack(PACKING, contents, [place], anything));
    rmSync(join(directory, "dist"), { recursive: true });
    expectWhole(unpack(PACKING, contents, [place], anything));
    expect(readdirSync(place)).toEqual([unpackedName(PACKING)]);
  });

  it("is done anew where a file was damaged that nothing can be loaded from, its size being the same", () => {
    const place = temporaryDirectory();
    const directory = unpack(PACKING, contents, [place], anything);
    const kernel = join(directory, "build/Release/kernel.node");
    chmodSync(kernel, 0o644);
    writeFileSync(kernel, Buffer.alloc(300_000, 8));
    const loads = () => {
      if (readFileSync(kernel)[0] === 7) return;
      throw Object.assign(new Error("invalid ELF header"), { code: "ERR_DLOPEN_FAILED" });
    };
    expectWhole(unpack(PACKING, contents, [place], loads));
    expect(readdirSync(place)).toEqual([unpackedName(PACKING)]);
  });

  it("by several starts at once gives each of them the whole directory", async () => {
    const place = temporaryDirectory();
    const file = join(temporaryDirectory(), "packed.json");
    const base64 = Object.entries(CONTENTS).map(([path, bytes]) => [path, Buffer.from(bytes).toString("base64")]);
    writeFileSync(file, JSON.stringify({ packing: PACKING, contents: Object.fromEntries(base64) }));
    const script = fileURLToPath(new URL("children/unpacks.ts", import.meta.url));
    const starts = Array.from({ length: 4 }, async () => {
      const child = spawn(process.execPath, ["--import", "tsx", script, file, place], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let said = "";
      for await (const chunk of child.stdout) said += chunk;
      return said;
    });
    expect(new Set(await Promise.all(starts))).toEqual(new Set([join(place, unpackedName(PACKING))]));
    expectWhole(join(place, unpackedName(PACKING)));
    expect(readdirSync(place)).toEqual([unpackedName(PACKING)]);
  });

  it("refuses bytes that are not those that were packed, and leaves nothing of them", () => {
    const place = temporaryDirectory();
    const failure = failureOf(() =>
      unpack(PACKING, () => Buffer.from("other"), [place, temporaryDirectory()], anything),
    );
    expect(failure.line).toMatch(/this executable is damaged.*\.sha256/s);
    const absent = failureOf(() =>
      unpack(
        PACKING,
        () => {
          throw new Error("Cannot find asset");
        },
        [place, temporaryDirectory()],
        anything,
      ),
    );
    expect(absent.line).toMatch(/this executable is damaged.*\.sha256/s);
    expect(readdirSync(place)).toEqual([]);
  });

  it("goes on to the next place, and names every place and its trouble when there is none", () => {
    const file = join(temporaryDirectory(), "a-file");
    writeFileSync(file, "");
    const good = temporaryDirectory();
    const notices: string[] = [];
    for (let start = 0; start < 2; start += 1) {
      const directory = unpack(PACKING, contents, [join(file, "x"), good], anything, (line) => notices.push(line));
      expect(directory).toContain(good);
    }
    expect(notices).toEqual([expect.stringMatching(/a-file\/x: not a directory.*PHOREST_CACHE_DIR/)]);

    const noexec = () => {
      throw Object.assign(new Error("failed to map segment"), { code: "ERR_DLOPEN_FAILED" });
    };
    const failure = failureOf(() => unpack(PACKING, contents, [join(file, "x"), good], noexec));
    expect(failure.line.split("\n")).toHaveLength(1);
    expect(failure.line).toMatch(
      /a-file\/x: not a directory.*libraries cannot be loaded from there.*PHOREST_CACHE_DIR/,
    );
  });

  it("runs nothing from a directory that others may write to or that is another user's", () => {
    const open = temporaryDirectory();
    chmodSync(open, 0o777);
    expect(failureOf(() => unpack(PACKING, contents, [open], anything)).line).toMatch(/written by other users/);
    chmodSync(open, 0o1777);
    const directory = unpack(PACKING, contents, [open], anything);
    chmodSync(directory, 0o775);
    expect(failureOf(() => unpack(PACKING, contents, [open], anything)).line).toMatch(/written by other users/);
  });

  it("uses what the superuser has unpacked, though it may not write there", async () => {
    if (process.getuid?.() !== 0) return;
    const place = temporaryDirectory();
    chmodSync(place, 0o755);
    const directory = unpack(PACKING, contents, [place], anything);
    process.seteuid?.(NOBODY);
    try {
      expect(unpack(PACKING, unexpected, [place], anything)).toBe(directory);
    } finally {
      process.seteuid?.(0);
    }
  });

  it("takes away what a start left that died long ago, and leaves alone one that is at work", () => {
    const place = temporaryDirectory();
    for (const name of [".phorest-1.2.3-dead.aaa", ".phorest-1.2.3-busy.bbb"]) mkdirSync(join(place, name));
    utimesSync(join(place, ".phorest-1.2.3-dead.aaa"), 1, 1);
    unpack(PACKING, contents, [place], anything);
    expect(readdirSync(place).sort()).toEqual([".phorest-1.2.3-busy.bbb", unpackedName(PACKING)]);
  });

  it("happens in PHOREST_CACHE_DIR alone where that is set, else in the user's cache, else beside other temporary files", () => {
    expect(cachePlaces({ PHOREST_CACHE_DIR: "/c", XDG_CACHE_HOME: "/x" }, "/home/a", "/tmp", 7)).toEqual(["/c"]);
    expect(cachePlaces({ XDG_CACHE_HOME: "/x" }, "/home/a", "/tmp", 7)).toEqual([
      "/x/phorest",
      "/home/a/.cache/phorest",
      "/tmp/phorest-7",
    ]);
    expect(cachePlaces({}, "/home/a", "/tmp", 7)).toEqual(["/home/a/.cache/phorest", "/tmp/phorest-7"]);
  });

  it("goes beside other temporary files where there is no home: HOME set to nothing, or a user without an account", () => {
    for (const home of [undefined, "", "home/of/a"])
      expect(cachePlaces({}, home, "/tmp", 7)).toEqual(["/tmp/phorest-7"]);
    expect(
      homeOf(() => {
        throw new Error("uv_os_homedir returned ENOENT");
      }),
    ).toBeUndefined();
    expect(cachePlaces({}, undefined, "tmp", 7)).toEqual([join(process.cwd(), "tmp/phorest-7")]);
  });

  it("is for all users, whatever the umask of the one who started it first", () => {
    const place = join(temporaryDirectory(), "for-all");
    const before = process.umask(0o077);
    onTestFinished(() => void process.umask(before));
    const directory = unpack(PACKING, contents, [place], anything);
    const mode = (path: string) => statSync(path).mode & 0o777;
    expect([place, directory, join(directory, "dist"), join(directory, "dist/src")].map(mode)).toEqual([
      0o755, 0o755, 0o755, 0o755,
    ]);
    expect(mode(join(directory, "dist/src/cli.js"))).toBe(0o555);
  });

  it("leaves files that no one changes by mistake", () => {
    const directory = unpack(PACKING, contents, [temporaryDirectory()], anything);
    expect(statSync(join(directory, "dist/src/cli.js")).mode & 0o222).toBe(0);
  });
});
