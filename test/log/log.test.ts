import { createHash } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { rotation } from "../../src/log/file-rotation.ts";
import { createLogger, type LogOptions } from "../../src/log/logger.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "phorest-log-"));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(directory, { recursive: true, force: true });
});

/** A console that can be read. */
function screen(): { stream: Writable; lines: () => string[] } {
  let text = "";
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  return { stream, lines: () => text.split("\n").slice(0, -1) };
}

function logger(options: Partial<LogOptions> = {}) {
  const shown = screen();
  const defaults = { directory, level: "info", console: true, rotateSeconds: 86_400, stream: shown.stream } as const;
  return { ...createLogger({ ...defaults, ...options }), shown: shown.lines };
}

const read = (name: string): string => readFileSync(join(directory, name), "utf8");
/** Resolves when the file has the text. */
async function written(name: string, text: string): Promise<void> {
  while (!existsSync(join(directory, name)) || !read(name).includes(text)) await sleep(5);
}

const today = (): string => new Date().toISOString().slice(0, 10);

describe("log", () => {
  test("an event is one line with time, level, stage, entry and frame, on the console and in the stage's file", async () => {
    const { stage, shown, close } = logger();
    stage("collector").info("captured image.png (12 ms)", { frame: 12 });
    stage("processor").warn("two\r\n  lines\u001b[2J", { entry: 7 });
    await close();
    expect(shown()[0]).toMatch(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info collector frame 12: captured image\.png \(12 ms\)$/,
    );
    expect(shown()[1]).toMatch(/Z warn processor entry 7: two \| lines \[2J$/);
    expect(read("collector.log")).toBe(`${shown()[0]}\n`);
    expect(read("processor.log")).toBe(`${shown()[1]}\n`);
  });

  test("a stage that says nothing has no file, and without a directory there are none", async () => {
    const quiet = logger();
    quiet.stage("collector").debug("not at this level");
    await quiet.close();
    const fileless = logger({ directory: undefined });
    fileless.stage("collector").info("seen");
    await fileless.close();
    expect(readdirSync(directory)).toEqual([]);
    expect(fileless.shown()).toHaveLength(1);
  });

  test("the level is obeyed, and lines may carry it as a value", () => {
    const { stage, shown } = logger({ level: "warn", directory: undefined });
    for (const level of ["error", "warn", "info", "debug"] as const) stage("syncer").log(level, level);
    expect(shown().map((line) => line.split(" ")[1])).toEqual(["error", "warn"]);
  });

  test("the last 200 lines are remembered at once, also without a console", () => {
    const { stage, recent, shown } = logger({ console: false, directory: undefined });
    for (let n = 0; n < 250; n++) stage("health").info(`line ${n}`);
    expect(recent()).toHaveLength(200);
    expect(recent(2).map((line) => line.split(": ")[1])).toEqual(["line 248", "line 249"]);
    expect(shown()).toEqual([]);
  });

  test("a restart continues the file; close may be called twice and writes out everything", async () => {
    for (let run = 0; run < 2; run++) {
      const { stage, close } = logger({ console: false });
      for (let n = 0; n < 500; n++) stage("collector").info(`run ${run} line ${n}`);
      await Promise.all([close(), close()]);
    }
    const lines = read("collector.log").trim().split("\n");
    expect(lines).toHaveLength(1000);
    expect(lines.at(-1)).toContain("run 1 line 499");
    expect(lstatSync(join(directory, "collector.log")).isSymbolicLink()).toBe(true);
  });

  test("a line after the end reaches the console and harms nothing", async () => {
    const { stage, shown, close } = logger();
    await close();
    stage("collector").debug("late, and not at this level");
    stage("collector").info("late");
    expect(shown()).toEqual([expect.stringMatching(/info collector: late$/)]);
  });

  test("files are bounded in size and number", async () => {
    const { stage, close } = logger({ console: false });
    const megabyte = "x".repeat(1024 * 1024);
    for (let n = 0; n < 4; n++) stage("backup").info(megabyte);
    await close();
    const files = readdirSync(directory).filter((name) => name.startsWith("backup.2"));
    expect(files.sort()).toEqual([`backup.${today()}.1.log`, `backup.${today()}.log`]);
    expect(JSON.parse(read(".backup-audit.json")).keep).toEqual({ days: false, amount: 60 });
  });

  test("files beyond the bound are removed, the oldest first", async () => {
    const files = Array.from({ length: 60 }, (_, n) => {
      const name = join(directory, `backup.old-${n}.log`);
      writeFileSync(name, "");
      return { date: n, name, hash: createHash("sha256").update(`${name}LOG_FILE${n}`).digest("hex") };
    });
    const auditLog = join(directory, ".backup-audit.json");
    writeFileSync(auditLog, JSON.stringify({ keep: { days: false, amount: 60 }, auditLog, files, hashType: "sha256" }));
    const { stage, close } = logger({ console: false });
    stage("backup").info("one more");
    await close();
    const left = readdirSync(directory).filter((name) => name.startsWith("backup.old"));
    expect(left).toHaveLength(59);
    expect(left).not.toContain("backup.old-0.log");
  });

  test("a full disk is said once and does not stop anything", async () => {
    symlinkSync("/dev/full", join(directory, `collector.${today()}.log`));
    const { stage, shown, close } = logger();
    const complaints = () => shown().filter((line) => line.includes("cannot write the log files"));
    for (let n = 0; n < 5; n++) {
      stage("collector").info(`line ${n}`);
      while (complaints().length === 0) await sleep(5);
    }
    await close();
    expect(shown().filter((line) => line.includes("line "))).toHaveLength(5);
    expect(complaints()).toHaveLength(1);
    expect(complaints()[0]).toMatch(/warn supervisor: .*no space left on device/);
  });

  test("a log directory that vanishes is made again", async () => {
    const { stage, close } = logger();
    stage("collector").info("before");
    await written("collector.log", "before");
    rmSync(directory, { recursive: true });
    stage("collector").info("after");
    await close();
    expect(read("collector.log")).toMatch(/collector: after\n$/);
  });

  test("a log directory that cannot be made is tried again later", async () => {
    rmSync(directory, { recursive: true });
    writeFileSync(directory, "in the way");
    const now = vi.spyOn(performance, "now");
    const { stage, shown, close } = logger();
    now.mockReturnValue(0);
    stage("collector").info("one");
    stage("processor").info("two");
    const complaints = () => shown().filter((line) => line.includes("cannot write the log files"));
    while (complaints().length === 0) await sleep(5);
    await sleep(50);
    expect(complaints()).toHaveLength(1);
    rmSync(directory);
    now.mockReturnValue(11_000);
    stage("collector").info("three");
    await written("collector.log", "three");
    now.mockReturnValue(32_000);
    stage("collector").info("four");
    await close();
    expect(shown().at(-1)).toMatch(/info collector: four$/);
    expect(shown().at(-2)).toMatch(/info supervisor: log files can be written again$/);
    expect(read("collector.log").match(/three|four/g)).toEqual(["three", "four"]);
  });

  test("a list of old files that was half-written is no obstacle, nor a directory with signs in its name", async () => {
    const odd = join(directory, "chip (1 [ä] +");
    for (let run = 0; run < 3; run++) {
      const { stage, shown, close } = logger({ directory: odd });
      stage("collector").info(`run ${run}`);
      await close();
      expect(shown()).toHaveLength(1);
      if (run === 1) writeFileSync(join(odd, ".collector-audit.json"), '{"keep":');
    }
    expect(readFileSync(join(odd, "collector.log"), "utf8").match(/run \d/g)).toEqual(["run 0", "run 1", "run 2"]);
    const list = JSON.parse(readFileSync(join(odd, ".collector-audit.json"), "utf8"));
    expect(list.files).toHaveLength(1);
  });

  test("a console that is gone does not end the program", async () => {
    const broken = new Writable({ write: (_chunk, _encoding, done) => done(new Error("EPIPE")) });
    const { stage, close } = logger({ stream: broken });
    const gone = new Promise((resolve) => broken.once("close", resolve));
    stage("collector").info("one");
    await gone;
    stage("collector").info("two");
    await close();
    expect(read("collector.log").match(/one|two/g)).toEqual(["one", "two"]);
  });

  test.each([
    [1, "1m"],
    [600, "10m"],
    [3600, "1h"],
    [43_200, "12h"],
    [86_400, "daily"],
    [1e9, "daily"],
  ])("a rotation after %d s is %s", (seconds, frequency) => {
    expect(rotation(seconds).frequency).toBe(frequency);
  });
});
