import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { checkFileSystem, checkMark, isGone, markPlace, mountSource } from "../../src/archive/directory-identity.ts";
import { encodeFailure, Failure } from "../../src/failure/failure.ts";
import { EnvironmentWatch, refusedByDisk } from "../../src/supervisor/environment-watch.ts";
import { memoryLog } from "../support/log-lines.ts";

function scratch(): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "phorest-place-")));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function refusal(check: () => void): { code: string; message: string; retry: string } {
  try {
    check();
  } catch (error) {
    return encodeFailure(error);
  }
  throw new Error("it was not refused");
}

describe("a marked directory", () => {
  test("is known again after it was moved away and back, and is no other of the same name", () => {
    const root = scratch();
    const data = join(root, "data");
    mkdirSync(data);
    const mark = markPlace(data);
    checkMark(data, mark);
    renameSync(data, join(root, "away"));
    expect(refusal(() => checkMark(data, mark))).toMatchObject({ code: "disk.failed", retry: "later" });
    mkdirSync(data);
    expect(refusal(() => checkMark(data, mark)).message).toContain("unmounted");
    rmSync(data, { recursive: true });
    renameSync(join(root, "away"), data);
    checkMark(data, mark);
  });
});

describe("a file that cannot be found", () => {
  const away = new Failure("disk.failed", "the disk is away");

  test("is gone while its disk is there, and not when it is found after all", () => {
    const directory = scratch();
    expect(isGone(join(directory, "none.png"), () => undefined)).toBe(true);
    expect(isGone(directory, () => undefined)).toBe(false);
  });

  test.each([1, 2])("says nothing of itself when its disk is found away by look %i", (nth) => {
    let looks = 0;
    const checkPlace = () => {
      looks += 1;
      if (looks === nth) throw away;
    };
    expect(() => isGone(join(scratch(), "none.png"), checkPlace)).toThrow(away);
  });
});

describe("the file system of usb_uuid", () => {
  const mounts = ["21 1 8:1 / / rw - ext4 /dev/sda1 rw", "22 21 8:17 / /media/my\\040disk rw - ext4 /dev/sdb1 rw"].join(
    "\n",
  );

  test("is found by the innermost mount that holds a directory", () => {
    expect(mountSource("/home/lab", mounts)).toBe("/dev/sda1");
    expect(mountSource("/media/my disk/run 1", mounts)).toBe("/dev/sdb1");
    expect(mountSource("/media/my disk", mounts)).toBe("/dev/sdb1");
    expect(mountSource("/media/my disk 2", mounts)).toBe("/dev/sda1");
    expect(mountSource("/x", `${mounts}\n24 21 8:33 / / rw - ext4 /dev/sdc1 rw`)).toBe("/dev/sdc1");
  });

  test("is accepted where it is mounted, refused where it is not plugged in or another one lies there", () => {
    const byUuid = scratch();
    const directory = scratch();
    const here = mountSource(directory) ?? "";
    symlinkSync(here, join(byUuid, "AB-12"));
    symlinkSync("/dev/null", join(byUuid, "CD-34"));
    checkFileSystem("AB-12", directory, { byUuid });
    checkFileSystem("ab-12", directory, { byUuid });
    expect(refusal(() => checkFileSystem("EF-56", directory, { byUuid })).message).toContain("not plugged in");
    expect(refusal(() => checkFileSystem("CD-34", directory, { byUuid }))).toMatchObject({
      code: "disk.failed",
      retry: "later",
      message: expect.stringContaining(`but on ${here}`),
    });
  });
});

describe("what changes around a run", () => {
  function surroundings(directory: string) {
    const clock = { wallMs: 1e12, steadyMs: 0 };
    const { log, lines } = memoryLog();
    const place = { mark: markPlace(directory), dataDir: directory, rootDir: directory, usbUuid: undefined };
    const watch = new EnvironmentWatch(place, log, { wallMs: () => clock.wallMs, steadyMs: () => clock.steadyMs });
    const pass = (steadyMs: number, jumpMs = 0) => {
      clock.steadyMs += steadyMs;
      clock.wallMs += steadyMs + jumpMs;
      return watch.look();
    };
    return { watch, lines, pass };
  }

  test("a clock that was set is said once, shown for an hour, and a slewed one is not", () => {
    const { lines, pass } = surroundings(scratch());
    expect(pass(5000, 200)).toBe("");
    expect(pass(5000, -3_600_000)).toContain("set back by 3600 s");
    expect(pass(5000)).toContain("set back");
    expect(lines).toHaveLength(1);
    expect(pass(3_600_001)).toBe("");
    expect(pass(5000, 60_000)).toContain("set forward by 60 s");
  });

  test("a stage that the disk refuses again and again is said, one that fails for another reason or once is not", () => {
    const report = (name: string, failures: number, code: "disk.failed" | "camera.failed") => {
      const lastFailure = encodeFailure(new Failure(code, "no", { retry: "later" }));
      return { name, failures, lastFailure };
    };
    expect(refusedByDisk([report("collector", 9, "camera.failed"), report("backup", 1, "disk.failed")])).toBe("");
    expect(refusedByDisk([report("collector", 2, "disk.failed"), report("processor", 0, "disk.failed")])).toBe(
      "writing to the disk keeps failing (collector: no); check the disk",
    );
  });

  test("a lost data directory is said once, and once that it is back", () => {
    const root = scratch();
    const data = join(root, "data");
    mkdirSync(data);
    const { watch, lines, pass } = surroundings(data);
    renameSync(data, join(root, "away"));
    expect(pass(5000)).toContain("does not exist any more");
    expect(pass(5000)).toContain("does not exist any more");
    expect(watch.displaced).toBe(false);
    renameSync(join(root, "away"), data);
    expect(pass(5000)).toBe("");
    expect(lines.map(({ level }) => level)).toEqual(["error", "info"]);
  });

  test("an empty directory in its place is not a disk that came back", () => {
    const root = scratch();
    const data = join(root, "data");
    mkdirSync(data);
    const { watch, pass } = surroundings(data);
    renameSync(data, join(root, "away"));
    mkdirSync(data);
    expect(pass(5000)).toContain("unmounted");
    expect(watch.displaced).toBe(false);
  });
});
