// What disks do to an experiment, done to the real program on real, small file systems.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { loadConfig } from "../../src/config/config.ts";
import { takeSnapshot } from "../../src/health/snapshot.ts";
import { CAN_MOUNT } from "../archive/share.ts";
import { command as phorest } from "./commands.ts";
import { experiment, QUICK_CONFIG, start } from "./program.ts";

const CONFIG = `
${QUICK_CONFIG.replace("collector_interval_seconds = 0.05", "collector_interval_seconds = 0.2")}
heartbeat_seconds = 0.3
[Retries]
# Soon and often: no test has to wait for a retry.
collector_retry_delay_seconds = 0.05
collector_failure_limit = 1000
[Buffer]
# These disks are small and always nearly full: what that does to pictures is a matter of the ring buffer's own tests.
min_free_bytes = 0
`;
/** Frames that are being captured while a disk fills, and the database's log, still have room below this limit. */
const EMPTY_ENOUGH = "[Storage]\nmin_free_bytes = 8_000_000\n";

function mount(...args: string[]): void {
  execFileSync("mount", args);
  const point = args.at(-1) ?? "";
  onTestFinished(() => {
    if (readFileSync("/proc/self/mounts", "utf8").includes(` ${point} `)) execFileSync("umount", ["-l", point]);
  });
}

/** Of a memory disk: far more than a run fills while a busy machine holds up a test. */
const LARGE = "size=4g";

/** Fills a memory disk: it has `bytes` left from now on. */
function leave(point: string, bytes: number): void {
  const { bsize, blocks, bfree } = statfsSync(point);
  const used = bsize * (blocks - bfree);
  execFileSync("mount", ["-o", `remount,size=${used + bytes}`, point], { stdio: "ignore" });
}

interface Status {
  readonly counts: {
    readonly total: number;
    readonly processed: number;
    readonly failed: number;
    readonly missing: number;
  };
  readonly alarms: readonly string[];
}

async function status(directory: string): Promise<Status> {
  const { stdout, stderr, code } = await phorest(["status", "--json"], directory);
  // 2: there is no experiment yet.
  if (code !== 0 && code !== 2) throw new Error(stderr);
  return JSON.parse(stdout);
}

/** Waits for a state to come about; the test's own time limit ends a wait in vain. */
async function until(what: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await what())) await sleep(100);
}

function succeeds(work: () => void): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}

const frames = (directory: string) =>
  readdirSync(join(directory, "data")).filter((name) => name.endsWith(".png")).length;

/** The alarms that `phorest status` shows at this moment, without the second that a program takes to start. */
const alarms = (directory: string) =>
  takeSnapshot(loadConfig(join(directory, "config.toml")).config, Date.now() * 1000).alarms;

/** A run; `logged` is how often it has logged something, `stop` ends it. */
function run(directory: string) {
  const { child, ended } = start(["run"], directory);
  onTestFinished(() => void child.kill("SIGKILL"));
  let log = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    log += chunk.toString();
  });
  return {
    logged: (what: string) => log.split(what).length - 1,
    stop: async () => {
      child.kill("SIGTERM");
      return ended;
    },
  };
}

/** Resolves when the collector has tried in vain twice; later tries are logged less and less often. */
async function retries({ logged }: ReturnType<typeof run>): Promise<void> {
  await until(() => logged("warn collector: failed") >= 2);
}

/** Everything that was ever captured is measured, none failed, none is missing. */
async function expectAllWell(directory: string): Promise<void> {
  const end = await phorest(["run", "--frames", "1", "--until-idle"], directory);
  expect(end.code, end.stderr).toBe(0);
  const { counts } = await status(directory);
  expect(counts).toMatchObject({ processed: counts.total, failed: 0, missing: 0 });
  expect(frames(directory)).toBe(counts.total);
}

describe.skipIf(!CAN_MOUNT)("on a disk of its own", () => {
  test("a full disk pauses capture with an alarm; when there is room again it goes on by itself", async () => {
    const directory = experiment(CONFIG + EMPTY_ENOUGH);
    const data = join(directory, "data");
    mkdirSync(data);
    mount("-t", "tmpfs", "-o", LARGE, "tmpfs", data);
    const running = run(directory);
    await until(() => frames(directory) >= 2);
    // Refused where a frame has taken more since the disk was asked.
    await until(() => succeeds(() => leave(data, 7_000_000)));
    await until(() => alarms(directory).some((alarm) => alarm.includes("disk nearly full")));
    await until(() => alarms(directory).some((alarm) => alarm.startsWith("collector")));
    const paused = frames(directory);
    await retries(running);
    expect(frames(directory)).toBe(paused);
    expect((await status(directory)).alarms).toEqual(
      expect.arrayContaining([expect.stringContaining("disk nearly full"), expect.stringContaining("collector")]),
    );
    execFileSync("mount", ["-o", `remount,${LARGE}`, data], { stdio: "ignore" });
    await until(() => frames(directory) > paused);
    await until(() => alarms(directory).length === 0);
    const { code, stderr } = await running.stop();
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("capture pauses");
    await expectAllWell(directory);
  });

  test("a results directory gone read-only holds the CSV up with an alarm; nothing is missing from it afterwards", async () => {
    const directory = experiment(CONFIG);
    const results = join(directory, "results");
    mkdirSync(results);
    mount("-t", "tmpfs", "-o", LARGE, "tmpfs", results);
    const running = run(directory);
    await until(() => existsSync(join(results, "communicating_results.csv")));
    // The system refuses while a file is open for writing.
    await until(() => succeeds(() => mountReadOnly(results, true)));
    await until(() => alarms(directory).some((alarm) => alarm.startsWith("communicator")));
    await until(async () => (await phorest(["health"], directory)).code === 1);
    const captured = frames(directory);
    await until(() => frames(directory) > captured + 1);
    mountReadOnly(results, false);
    await until(() => alarms(directory).length === 0);
    const { code, stderr } = await running.stop();
    expect(code, stderr).toBe(0);
    await expectAllWell(directory);
    const csv = readFileSync(join(results, "communicating_results.csv"), "utf8").trim().split("\n").slice(1);
    const { counts } = await status(directory);
    expect(new Set(csv).size).toBe(csv.length);
    expect(csv.length % counts.total).toBe(0);
  });

  test("a disk unmounted during the run: nothing is written into the empty directory, and work goes on when it is back", async () => {
    const directory = experiment(CONFIG + EMPTY_ENOUGH);
    const [disk, data] = [join(directory, "disk"), join(directory, "data")];
    mkdirSync(disk);
    mkdirSync(data);
    mount("-t", "tmpfs", "-o", LARGE, "tmpfs", disk);
    mount("--bind", disk, data);
    const running = run(directory);
    await until(() => frames(directory) >= 2);
    execFileSync("umount", ["-l", data]);
    await until(() => alarms(directory).length > 0);
    await retries(running);
    expect(readdirSync(data)).toEqual([]);
    const paused = readdirSync(disk).filter((name) => name.endsWith(".png")).length;
    execFileSync("mount", ["--bind", disk, data]);
    await until(() => frames(directory) > paused);
    const { code, stderr } = await running.stop();
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("its disk was unmounted");
    expect(stderr).toContain("the run continues");
    await expectAllWell(directory);
  });
});

test("a data directory moved away during the run pauses capture; moved back, work goes on", async () => {
  const directory = experiment(CONFIG);
  const data = join(directory, "data");
  const running = run(directory);
  await until(() => existsSync(data) && frames(directory) >= 2);
  renameSync(data, `${data}-away`);
  await until(() => alarms(directory).some((alarm) => alarm.includes("removed or moved")));
  await retries(running);
  expect(existsSync(data)).toBe(false);
  renameSync(`${data}-away`, data);
  const before = frames(directory);
  await until(() => frames(directory) > before);
  const { code, stderr } = await running.stop();
  expect(code, stderr).toBe(0);
  expect(stderr).toContain("does not exist any more");
  await expectAllWell(directory);
});

test("a disk that comes back as a new one is opened anew by the same run", async () => {
  const directory = experiment(CONFIG);
  const data = join(directory, "data");
  const running = run(directory);
  await until(() => existsSync(data) && frames(directory) >= 2);
  renameSync(data, `${data}-away`);
  await until(() => running.logged("warn collector: failed") > 0);
  // The same content under other inodes, as after unplugging and plugging in.
  execFileSync("cp", ["-a", `${data}-away`, data]);
  const before = frames(directory);
  await until(() => frames(directory) > before + 1);
  const { code, stderr } = await running.stop();
  expect(code, stderr).toBe(0);
  expect(stderr).toContain("reopening all files");
  await expectAllWell(directory);
});

test("without the disk of usb_uuid a run does not start, and makes nothing where it should be mounted", async () => {
  const directory = experiment(`${CONFIG}[Storage]\nusb_uuid = "0000-dead"\n`);
  const { code, stderr } = await phorest(["run", "--frames", "1"], directory);
  expect(code).toBe(2);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(stderr).toContain("0000-dead");
  expect(existsSync(join(directory, "data"))).toBe(false);
  expect((await status(directory)).alarms.join()).toContain("0000-dead");
});

function mountReadOnly(point: string, readOnly: boolean): void {
  execFileSync("mount", ["-o", `remount,${readOnly ? "ro" : "rw"}`, point], { stdio: "ignore" });
}
