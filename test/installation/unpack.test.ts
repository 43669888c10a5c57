import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { cachePlaces, homeOf, unpack, unpackedName } from "../../src/installation/unpack.ts";
import {
  anything,
  CONTENTS,
  contents,
  expectWhole,
  failureOf,
  IS_ROOT,
  KERNEL,
  NOBODY,
  PACKING,
  temporaryDirectory,
  unexpected,
} from "./packed.ts";

/** Another process that unpacks at `place`; with `stay` it stops in the middle. */
function unpacker(place: string, ...stay: string[]): ChildProcessByStdio<null, Readable, null> {
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

/** Another process that is in the middle of unpacking at `place`. */
async function unpackingAt(place: string) {
  const child = unpacker(place, "stay");
  await once(child.stdout, "data");
  return child;
}

/** Replaces the record by what is there. */
function recordAsItIs(directory: string): void {
  const times = Object.keys(CONTENTS).map((path) => {
    const { size, mtimeNs, ctimeNs } = statSync(join(directory, path), { bigint: true });
    return [path, [size, mtimeNs, ctimeNs].map(String)];
  });
  const record = join(directory, ".unpacked");
  rmSync(record);
  writeFileSync(record, JSON.stringify(Object.fromEntries(times)), { mode: 0o444 });
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
      const loads = (directory: string) => expectWhole(directory);
      expectWhole(unpack(PACKING, contents, [place], loads, (line) => notices.push(line)));
      expect(notices).toEqual([`${path} was changed: unpacked again`]);
      expect(readdirSync(place)).toEqual([unpackedName(PACKING)]);
    },
  );

  it("is done again where a file changed without its times, and nothing can be loaded from it", () => {
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

  it("records the times of files that were only touched, so that the next start need not read them", () => {
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

  it("compares every file with its hash where the record was cut short by a power cut", () => {
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

  it("by several starts at once gives each of them the whole directory", async () => {
    const place = temporaryDirectory();
    const starts = Array.from({ length: 4 }, async () => {
      let said = "";
      for await (const chunk of unpacker(place).stdout) said += chunk;
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

  it.runIf(IS_ROOT)("uses what root has unpacked, though it may not write there", () => {
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

  it("removes what a killed start left, at once", async () => {
    const place = temporaryDirectory();
    const child = await unpackingAt(place);
    expect(readdirSync(place)).toHaveLength(1);
    child.kill("SIGKILL");
    await once(child, "close");
    unpack(PACKING, contents, [place], anything);
    expect(readdirSync(place)).toEqual([unpackedName(PACKING)]);
  });

  it("removes it also where another start has finished in the meantime", async () => {
    const place = temporaryDirectory();
    const child = await unpackingAt(place);
    unpack(PACKING, contents, [place], anything);
    // One that is at work is left alone.
    expect(readdirSync(place)).toHaveLength(2);
    child.kill("SIGKILL");
    await once(child, "close");
    unpack(PACKING, unexpected, [place], anything);
    expect(readdirSync(place)).toEqual([unpackedName(PACKING)]);
  });

  it("removes what another machine left only after a long time", () => {
    const place = temporaryDirectory();
    const [old, young] = [".phorest-1.2.3-dead.7-7-00000000.00000000", ".phorest-1.2.3-busy.7-7-00000000.00000001"];
    for (const name of [old, young]) mkdirSync(join(place, name));
    utimesSync(join(place, old), 1, 1);
    unpack(PACKING, contents, [place], anything);
    expect(readdirSync(place).sort()).toEqual([young, unpackedName(PACKING)]);
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
