import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { notifyService } from "../../src/installation/service-notices.ts";
import { serviceUnit } from "../../src/installation/service-unit.ts";
import { experiment, phorest } from "../run/program.ts";

const SETTINGS = {
  program: ["/opt/phorest/phorest"],
  user: "lab",
  groups: ["video", "i2c"],
  configFile: "/srv/experiment 7/100%.toml",
  directory: "/srv/experiment 7",
  shutdownSeconds: 30,
  unpacks: true,
};
const settingOf = (unit: string, key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(unit)?.[1];

describe("the systemd unit", () => {
  it("starts at boot, comes back after every end, and is watched", () => {
    const unit = serviceUnit(SETTINGS);
    expect(settingOf(unit, "Restart")).toBe("always");
    expect(settingOf(unit, "StartLimitIntervalSec")).toBe("0");
    expect(settingOf(unit, "Type")).toBe("notify");
    expect(Number(settingOf(unit, "WatchdogSec"))).toBeGreaterThan(0);
    expect(settingOf(unit, "WantedBy")).toBe("multi-user.target");
    expect(Number(settingOf(unit, "TimeoutStopSec"))).toBeGreaterThan(SETTINGS.shutdownSeconds);
  });

  it("takes no setting that would hide cameras or sensors", () => {
    const unit = serviceUnit(SETTINGS);
    for (const key of [
      "PrivateDevices",
      "DeviceAllow",
      "DevicePolicy",
      "ProtectClock",
      "PrivateNetwork",
      "ProcSubset",
    ]) {
      expect(settingOf(unit, key), key).toBeUndefined();
    }
    // Code is compiled while it runs.
    expect(settingOf(unit, "MemoryDenyWriteExecute")).toBeUndefined();
    expect(settingOf(unit, "SupplementaryGroups")).toBe("video i2c");
  });

  it("hands over a path with blanks and percent signs as it is", () => {
    const unit = serviceUnit(SETTINGS);
    expect(settingOf(unit, "ExecStart")).toBe('/opt/phorest/phorest run --config "/srv/experiment 7/100%%.toml"');
    expect(() => serviceUnit({ ...SETTINGS, directory: "/srv/a\nExecStartPre=/bin/evil" })).toThrow(/line break/);
    expect(() => serviceUnit({ ...SETTINGS, user: "lab\nUser=root" })).toThrow(/not a name/);
  });

  it("is one that systemd itself accepts", () => {
    if (spawnSync("systemd-analyze", ["--version"]).status !== 0) return;
    const directory = mkdtempSync(join(tmpdir(), "phorest-unit-"));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const file = join(directory, "phorest.service");
    writeFileSync(file, serviceUnit({ ...SETTINGS, program: [process.execPath], user: "root", directory }));
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", file], { encoding: "utf8" });
    expect(stderr.split("\n").filter((line) => line.includes("phorest.service"))).toEqual([]);
    expect(status).toBe(0);
  });
});

describe("phorest install-service", () => {
  const user = "root";

  it("shows the unit, writes it, and does not write over another one unasked", async () => {
    const directory = experiment("");
    const units = join(directory, "units");
    mkdirSync(units);
    const words = ["install-service", "--user", user, "--directory", units];
    const shown = await phorest([...words, "--print"], directory);
    expect(shown.code, shown.stderr).toBe(0);
    expect(existsSync(join(units, "phorest.service"))).toBe(false);
    const written = await phorest(words, directory);
    expect(written.stdout).toBe(shown.stdout);
    expect(readFileSync(join(units, "phorest.service"), "utf8")).toBe(shown.stdout);
    expect(settingOf(shown.stdout, "WorkingDirectory")).toBe(directory);
    expect(settingOf(shown.stdout, "ExecStart")).toContain(`bin/phorest.js run --config ${directory}/config.toml`);

    writeFileSync(join(units, "phorest.service"), "[Service]\nExecStart=/bin/true\n");
    const refused = await phorest(words, directory);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(/exists and differs.*--replace/)]);
    expect((await phorest([...words, "--replace"], directory)).code).toBe(0);
  });

  it("names what is wrong: no configuration, a user that is not there, a place that cannot be written", async () => {
    const empty = experiment();
    expect((await phorest(["install-service", "--print"], empty)).stderr).toMatch(/config\.toml does not exist/);
    const directory = experiment("");
    const absent = await phorest(["install-service", "--print", "--user", "nobody-of-that-name"], directory);
    expect([absent.code, absent.stderr]).toEqual([2, expect.stringMatching(/no user nobody-of-that-name/)]);
    const nowhere = await phorest(["install-service", "--user", user, "--directory", "/proc/none"], directory);
    expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringMatching(/cannot be written.*sudo/)]);
  });
});

describe("what systemd is told", () => {
  /** A stand-in for systemd-notify that writes down what it is told. */
  function recorder(): { env: NodeJS.ProcessEnv; told: () => string[] } {
    const directory = mkdtempSync(join(tmpdir(), "phorest-notify-"));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const record = join(directory, "told");
    writeFileSync(join(directory, "systemd-notify"), `#!/bin/sh\necho "$*" >> ${record}\n`);
    chmodSync(join(directory, "systemd-notify"), 0o755);
    const before = process.env.PATH;
    process.env.PATH = `${directory}${delimiter}${before}`;
    onTestFinished(() => {
      process.env.PATH = before;
    });
    const told = () => (existsSync(record) ? readFileSync(record, "utf8").trim().split("\n") : []);
    return { env: { NOTIFY_SOCKET: "/run/systemd/notify", WATCHDOG_USEC: "300000" }, told };
  }

  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await sleep(20);
  }

  it("is that the run is ready, that it lives, again and again, and that it stops", async () => {
    const { env, told } = recorder();
    const notices = notifyService(env, (line) => expect.unreachable(line));
    await until(() => told().filter((line) => line === "WATCHDOG=1").length >= 3);
    notices.stop();
    await until(() => told().includes("--stopping"));
    expect(told()).toContain("--ready STATUS=running");
  });

  it("is nothing outside a service", async () => {
    const { told } = recorder();
    notifyService({}, (line) => expect.unreachable(line)).stop();
    await sleep(200);
    expect(told()).toEqual([]);
  });

  it("cannot be told where systemd-notify is absent, which is said once", async () => {
    const { env } = recorder();
    process.env.PATH = "/nonexistent";
    const complaints: string[] = [];
    const notices = notifyService(env, (line) => complaints.push(line));
    await sleep(400);
    notices.stop();
    expect(complaints).toEqual([expect.stringMatching(/systemd cannot be told/)]);
  });
});
