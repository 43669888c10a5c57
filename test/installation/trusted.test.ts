// Nothing is written to, and nothing is loaded from, a place that another user could change.
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { isPrivateGroup } from "../../src/installation/trusted.ts";
import { unpack, unpackedName } from "../../src/installation/unpack.ts";
import { failureOf } from "../failure/failure-of.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { anything, contents, expectWhole, IS_ROOT, KERNEL, NOBODY, PACKING, unexpected } from "./packed.ts";

/** What unpacking at `place` says; it must neither write nor load. */
function refusal(place: string): string {
  const { line } = failureOf(() => unpack(PACKING, unexpected, [place], unexpected));
  expect(line.split("\n")).toHaveLength(1);
  expect(line).toContain("PHOREST_CACHE_DIR");
  return line;
}

/** As /tmp is. */
function shared(): string {
  const directory = temporaryDirectory();
  chmodSync(directory, 0o1777);
  return directory;
}

function stateOf(directory: string) {
  const { mode, uid } = statSync(directory);
  return { mode, uid, names: readdirSync(directory) };
}

describe("a place to unpack", () => {
  it("that is a link is refused, and where it leads to stays as it is", () => {
    const secret = temporaryDirectory();
    chmodSync(secret, 0o700);
    for (const target of [secret, join(secret, "not-there-yet")]) {
      const place = join(shared(), "phorest-7");
      symlinkSync(target, place);
      const before = stateOf(secret);
      expect(refusal(place)).toContain(`${place} is a symbolic link`);
      expect(stateOf(secret)).toEqual(before);
    }
  });

  it("is refused below a link in a shared directory, where another may replace it", () => {
    const secret = temporaryDirectory();
    const link = join(shared(), "link");
    symlinkSync(secret, link);
    expect(refusal(join(link, "phorest-7"))).toContain(`${link} is a symbolic link`);
    expect(readdirSync(secret)).toEqual([]);
  });

  it("is used below a link that only its user can set, by its real name", () => {
    const [disk, home] = [temporaryDirectory(), temporaryDirectory()];
    symlinkSync(disk, join(home, ".cache"));
    const directory = unpack(PACKING, contents, [join(home, ".cache", "phorest")], anything);
    expect(directory).toBe(join(disk, "phorest", unpackedName(PACKING)));
    expectWhole(directory);
    symlinkSync("loop", join(home, "loop"));
    expect(refusal(join(home, "loop", "phorest"))).toContain("too many symbolic links");
  });

  it.runIf(IS_ROOT)("that another user made is refused as it is, also a link of theirs above it", () => {
    const place = join(shared(), "phorest-7");
    mkdirSync(place, { mode: 0o755 });
    chownSync(place, NOBODY, NOBODY);
    const before = stateOf(place);
    expect(refusal(place)).toContain(`${place} belongs to another user (${NOBODY})`);
    expect(refusal(join(place, "inside"))).toContain(`${place} belongs to another user (${NOBODY})`);
    expect(stateOf(place)).toEqual(before);
    const home = temporaryDirectory();
    symlinkSync(temporaryDirectory(), join(home, ".cache"));
    lchownSync(join(home, ".cache"), NOBODY, NOBODY);
    expect(refusal(join(home, ".cache", "phorest"))).toContain("is a symbolic link");
  });

  it.each([0o777, 0o775, 0o757])("of mode %o is refused, and so is one inside it that others may exchange", (mode) => {
    const place = temporaryDirectory();
    chmodSync(place, mode);
    if (IS_ROOT) chownSync(place, 0, NOBODY);
    expect(refusal(place)).toContain(`${place} can be written by other users (chmod go-w ${place})`);
    expect(readdirSync(place)).toEqual([]);
    mkdirSync(join(place, "inside"), { mode: 0o755 });
    if (IS_ROOT || (mode & 0o002) !== 0) expect(refusal(join(place, "inside"))).toContain(`${place} can be written`);
    expect(readdirSync(join(place, "inside"))).toEqual([]);
  });

  it("that is not there is made closed to others under any umask", () => {
    const before = process.umask(0);
    try {
      const place = join(temporaryDirectory(), "a", "b");
      unpack(PACKING, contents, [place], anything);
      for (const made of [dirname(place), place]) expect(statSync(made).mode & 0o777).toBe(0o755);
    } finally {
      process.umask(before);
    }
  });
});

describe("a group that may write above a place", () => {
  const users = "root:x:0:0::/root:/bin/sh\nlab:x:1000:1000::/home/lab:/bin/sh\n";
  it.each([
    ["lab:x:1000:\n", users, true],
    ["lab:x:1000:lab\n", users, true],
    ["people:x:1000:lab\n", users, true],
    ["", users, true],
    ["lab:x:1000:lab,eve\n", users, false],
    ["lab:x:1000:eve\n", users, false],
    // Her main group: /etc/group does not name her.
    ["lab:x:1000:\n", `${users}eve:x:1001:1000::/home/eve:/bin/sh\n`, false],
  ])("is the user's own only if nobody else is in it: %j", (groups, all, expected) => {
    expect(isPrivateGroup(1000, groups, all)).toBe(expected);
  });
});

describe("an unpacked copy", () => {
  /** A whole copy, spoilt; `spoil` returns the path that is to be named. */
  function spoilt(spoil: (directory: string) => string) {
    const place = temporaryDirectory();
    const path = spoil(unpack(PACKING, contents, [place], anything));
    return { path, line: refusal(place) };
  }

  it("with a link in the place of any part is refused, though it leads to the same bytes", () => {
    for (const name of ["", "dist", "dist/src", "dist/src/cli.js", KERNEL, ".unpacked"]) {
      const { path, line } = spoilt((directory) => {
        const [part, moved] = [join(directory, name), join(temporaryDirectory(), "moved")];
        renameSync(part, moved);
        symlinkSync(moved, part.replace(/\/$/, ""));
        return part.replace(/\/$/, "");
      });
      expect(line).toContain(`${path} is a symbolic link`);
    }
  });

  it("of which others may write any part is refused", () => {
    for (const name of ["", "dist", "dist/src", "dist/src/cli.js", KERNEL, ".unpacked"]) {
      for (const extra of [0o020, 0o002]) {
        const { path, line } = spoilt((directory) => {
          const part = join(directory, name).replace(/\/$/, "");
          chmodSync(part, (statSync(part).mode & 0o777) | extra);
          return part;
        });
        const copy = path.slice(0, path.indexOf(unpackedName(PACKING)) + unpackedName(PACKING).length);
        expect(line).toContain(`${path} can be written by other users (chmod -R go-w ${copy})`);
      }
    }
  });

  it.runIf(IS_ROOT)("of which any part belongs to another user is refused", () => {
    for (const name of ["", "dist", "dist/src/cli.js", KERNEL, ".unpacked"]) {
      const { path, line } = spoilt((directory) => {
        const part = join(directory, name).replace(/\/$/, "");
        chownSync(part, NOBODY, NOBODY);
        return part;
      });
      expect(line).toContain(`${path} belongs to another user (${NOBODY})`);
    }
  });

  it.runIf(IS_ROOT)("that another user put into a shared place under its name is refused as it is", () => {
    const place = shared();
    const name = join(place, unpackedName(PACKING));
    mkdirSync(name);
    chownSync(name, NOBODY, NOBODY);
    expect(refusal(place)).toContain(`${name} belongs to another user (${NOBODY})`);
    expect(readdirSync(name)).toEqual([]);
  });

  it("is not swept through a link, nor what another user left in a shared place", () => {
    const [place, secret] = [shared(), temporaryDirectory()];
    writeFileSync(join(secret, "kept"), "kept");
    symlinkSync(secret, join(place, ".phorest-1.2.3-x.1-1-00000000.00000000"));
    mkdirSync(join(place, ".phorest-1.2.3-others"));
    if (IS_ROOT) chownSync(join(place, ".phorest-1.2.3-others"), NOBODY, NOBODY);
    expectWhole(unpack(PACKING, contents, [place], anything));
    expect(readFileSync(join(secret, "kept"), "utf8")).toBe("kept");
    expect(readdirSync(place)).toContain(".phorest-1.2.3-others");
  });
});
