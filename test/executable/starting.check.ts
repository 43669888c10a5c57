// How the one executable starts: unpacked once, by two at the same moment too, and on a disk that does not take it. Prints
// how long a start takes and how much memory a run; both depend on the machine, so that nothing here fails by them.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { packageVersion } from "../../src/system/files.ts";
import { Alone, IS_ROOT, madeFor } from "./alone.ts";

const NOBODY = 65_534;
/** Less than the program needs, more than nothing. */
const SMALL_DISK = "size=8m";

let alone: Alone;
beforeAll(() => {
  alone = new Alone(madeFor(process.arch));
});
afterAll(() => alone.remove());

function mount(...words: string[]): void {
  const { status, stderr } = spawnSync("mount", words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`mount ${words.join(" ")}: ${stderr}`);
}

/** A file system of its own for the test, with `options`, that belongs to the user the program runs as. */
function disk(options: string): string {
  const place = alone.directory("disk");
  mount("-t", "tmpfs", "-o", `uid=${NOBODY},gid=${NOBODY},mode=700,${options}`, "tmpfs", place);
  onTestFinished(() => {
    spawnSync("umount", [place]);
  });
  return place;
}

/** The most memory that a process has had, in MB. */
function peakOf(pid: number | undefined): number {
  const [, kilobytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Math.round(Number(kilobytes) / 1000);
}

describe("starting the executable", () => {
  it("twice for the first time at once gives both the whole program", async () => {
    const cache = alone.directory("shared");
    const starts = [0, 1].map(() => {
      const directory = alone.experiment();
      return {
        directory,
        start: alone.start(["simulate", "chips", "--frames", "1"], directory, { PHOREST_CACHE_DIR: cache }),
      };
    });
    for (const { directory, start } of starts) {
      expect(await start.ended, start.said()).toBe(0);
      expect(readdirSync(join(directory, "chips")).some((name) => name.endsWith(".png"))).toBe(true);
    }
    expect(readdirSync(cache)).toEqual([expect.stringMatching(/^phorest-[\d.]+-[0-9a-f]{12}$/)]);
  });

  it("where nothing can be unpacked says so in one line, and what to set", () => {
    const { status, stdout, stderr } = alone.run(["--version"], alone.experiment(), {
      PHOREST_CACHE_DIR: "/proc/none",
    });
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr.trim().split("\n")).toEqual([expect.stringMatching(/cannot unpack the program.*PHOREST_CACHE_DIR/)]);
  });

  it.runIf(IS_ROOT)("with a full home goes on beside other temporary files, and says in one line why", () => {
    const temporary = alone.directory("tmp");
    const home = disk(SMALL_DISK);
    for (const expected of [expect.stringMatching(/no space left.*PHOREST_CACHE_DIR/), ""]) {
      const { status, stdout, stderr } = alone.run(["--version"], alone.experiment(), {
        HOME: home,
        TMPDIR: temporary,
      });
      expect([status, stdout, stderr.trim()]).toEqual([0, `${packageVersion()}\n`, expected]);
      expect(stderr.split("\n").length).toBeLessThanOrEqual(2);
    }
    expect(readdirSync(join(home, ".cache", "phorest"))).toEqual([]);
  });

  it.runIf(IS_ROOT)(
    "with a home that is read-only goes on beside other temporary files, and says in one line why",
    () => {
      const home = disk("ro");
      const env = { HOME: home, TMPDIR: alone.directory("tmp") };
      const { status, stdout, stderr } = alone.run(["--version"], alone.experiment(), env);
      expect([status, stdout]).toEqual([0, `${packageVersion()}\n`]);
      expect(stderr.trim().split("\n")).toEqual([expect.stringMatching(/read-only.*PHOREST_CACHE_DIR/)]);
    },
  );

  it.runIf(IS_ROOT)("with home and temporary files both full, or the place that was named, ends with one line", () => {
    const full = disk(SMALL_DISK);
    for (const env of [{ HOME: full, TMPDIR: full }, { PHOREST_CACHE_DIR: full }]) {
      const { status, stdout, stderr } = alone.run(["--version"], alone.experiment(), env);
      expect([status, stdout]).toEqual([2, ""]);
      expect(stderr.trim().split("\n")).toEqual([expect.stringMatching(/no space left.*PHOREST_CACHE_DIR/)]);
    }
  });

  it.runIf(IS_ROOT)("from a disk that is mounted noexec says so in one line, and writes nothing there", () => {
    const place = disk("noexec");
    const { status, stdout, stderr } = alone.run(["--version"], alone.experiment(), { PHOREST_CACHE_DIR: place });
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr.trim().split("\n")).toEqual([expect.stringMatching(/mounted noexec.*PHOREST_CACHE_DIR/)]);
    expect(readdirSync(place)).toEqual([]);
  });

  it.runIf(IS_ROOT)("with a home that is mounted noexec leaves nothing there, and says so once", () => {
    const home = disk("noexec");
    const env = { HOME: home, TMPDIR: alone.directory("tmp") };
    for (const expected of [expect.stringMatching(/mounted noexec.*PHOREST_CACHE_DIR/), ""]) {
      const { status, stdout, stderr } = alone.run(["--version"], alone.experiment(), env);
      expect([status, stdout, stderr.trim()]).toEqual([0, `${packageVersion()}\n`, expected]);
    }
    expect(readdirSync(home)).toEqual([]);
  });

  it("takes no more than 125 MB of a disk, before it is unpacked", () => {
    expect(statSync(alone.program).size).toBeLessThanOrEqual(125e6);
  });

  it("takes the time that is printed here", async () => {
    const seconds = (sinceMs: number) => (performance.now() - sinceMs) / 1000;
    const cache = { PHOREST_CACHE_DIR: alone.directory("timed") };
    const versions: number[] = [];
    for (let start = 0; start < 6; start += 1) {
      const startedMs = performance.now();
      expect(alone.run(["--version"], alone.home, cache).status).toBe(0);
      versions.push(seconds(startedMs));
    }
    const startedMs = performance.now();
    const run = alone.start(["run", "--frames", "1"], alone.experiment("[Web]\nport = 0\n"), cache);
    await run.saying(/collector entry 1: .* captured/);
    const captured = seconds(startedMs);
    await run.saying(/drew the plot/);
    const peakMegabytes = peakOf(run.child.pid);
    expect(await run.ended, run.said()).toBe(0);
    const [first = 0, ...later] = versions;
    process.stderr.write(`the executable: a run takes at most ${peakMegabytes} MB of memory\n`);
    const text = `unpacking start ${first.toFixed(2)} s, --version ${Math.min(...later).toFixed(2)} to ${Math.max(...later).toFixed(2)} s, first capture ${captured.toFixed(2)} s`;
    process.stderr.write(`the executable: ${text}\n`);
  });
});
