import { chmodSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { cachePlaces, homeOf, unpack, unpackedName } from "../../src/installation/unpack.ts";
import { failureOf } from "../failure/failure-of.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import {
  anything,
  contents,
  expectOneForSeveralStarts,
  expectWhole,
  IS_ROOT,
  NOBODY,
  PACKING,
  unexpected,
} from "./packed.ts";

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

  it("by several starts at once gives each of them the whole directory", async () => {
    const place = temporaryDirectory();
    await expectOneForSeveralStarts(place);
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

    const refused = () => {
      throw Object.assign(new Error("failed to map segment from shared object"), { code: "ERR_DLOPEN_FAILED" });
    };
    const failure = failureOf(() => unpack(PACKING, contents, [join(file, "x"), good], refused));
    expect(failure.line.split("\n")).toHaveLength(1);
    expect(failure.line).toMatch(
      /a-file\/x: not a directory.*libraries cannot be loaded from there.*PHOREST_CACHE_DIR/,
    );
  });

  it("keeps nothing where the system refuses to load it, and looks no further where no place would help", () => {
    const places = [temporaryDirectory(), temporaryDirectory()];
    const refuses = (words: string) => () => {
      throw Object.assign(new Error(words), { code: "ERR_DLOPEN_FAILED" });
    };
    const ofPlace = failureOf(() => unpack(PACKING, contents, places, refuses("failed to map segment")));
    for (const place of places) expect(ofPlace.line).toContain(`${place}: libraries cannot be loaded from there`);
    expect(ofPlace.line).not.toContain("mounted noexec");
    const old = refuses("/lib/libc.so.6: version `GLIBC_2.99' not found (required by /x/kernel.node)");
    const ofSystem = failureOf(() => unpack(PACKING, contents, places, old));
    expect(ofSystem.code).toBe("installation.broken");
    expect(ofSystem.line).toMatch(/needs glibc 2\.99, and this system has \d+\.\d+/);
    expect(ofSystem.line).not.toContain("PHOREST_CACHE_DIR");
    expect(places.map((place) => readdirSync(place))).toEqual([[], []]);
  });

  it("starts from the place with a whole copy, without a try at a better one", () => {
    const [better, good] = [temporaryDirectory(), temporaryDirectory()];
    const directory = unpack(PACKING, contents, [good], anything);
    expect(unpack(PACKING, unexpected, [better, good], anything)).toBe(directory);
    expect(readdirSync(better)).toEqual([]);
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

  it("does not go to a directory with a backslash in its path, from which Node.js loads nothing", () => {
    const place = join(temporaryDirectory(), "back\\slash");
    const good = temporaryDirectory();
    expect(unpack(PACKING, contents, [place, good], anything)).toContain(good);
    expect(failureOf(() => unpack(PACKING, contents, [place], anything)).line).toContain("backslash");
  });

  it.runIf(IS_ROOT).each([0o755, 0o711])(
    "uses what root has unpacked in a place of mode %o, though it may not write there",
    (mode) => {
      const place = temporaryDirectory();
      chmodSync(place, mode);
      const directory = unpack(PACKING, contents, [place], anything);
      process.seteuid?.(NOBODY);
      try {
        expect(unpack(PACKING, unexpected, [place], anything)).toBe(directory);
      } finally {
        process.seteuid?.(0);
      }
    },
  );

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
