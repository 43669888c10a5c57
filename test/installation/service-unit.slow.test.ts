import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { serviceUnit } from "../../src/installation/service-unit.ts";
import { notifyService } from "../../src/installation/systemd-notify.ts";
import { packageRoot } from "../../src/system/files.ts";
import { experiment, phorest } from "../run/program.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const SETTINGS = {
  name: "phorest",
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

  it("unpacks the one executable into a directory of its own: another service may belong to another user", () => {
    const caches = ["phorest", "second"].map((name) => settingOf(serviceUnit({ ...SETTINGS, name }), "CacheDirectory"));
    expect(caches).toEqual(["phorest/phorest", "phorest/second"]);
    expect(serviceUnit(SETTINGS)).toContain("\nEnvironment=PHOREST_CACHE_DIR=/var/cache/phorest/phorest\n");
    expect(settingOf(serviceUnit({ ...SETTINGS, unpacks: false }), "CacheDirectory")).toBeUndefined();
  });

  it("hands over a path with blanks and percent signs as it is", () => {
    const unit = serviceUnit(SETTINGS);
    expect(settingOf(unit, "ExecStart")).toBe('/opt/phorest/phorest run --config "/srv/experiment 7/100%%.toml"');
    expect(() => serviceUnit({ ...SETTINGS, directory: "/srv/a\nExecStartPre=/bin/evil" })).toThrow(/line break/);
    // It would join the next line to this one: the service would lose its user, and run as root.
    expect(() => serviceUnit({ ...SETTINGS, directory: "/srv/a\\" })).toThrow(/backslash/);
    for (const blank of [" ", "\t"]) {
      expect(() => serviceUnit({ ...SETTINGS, directory: `/srv/a${blank}` })).toThrow(/ends in a blank/);
    }
    expect(() => serviceUnit({ ...SETTINGS, user: "lab\nUser=root" })).toThrow(/not a valid user name/);
  });

  it("is started again after every end but wrong usage, and photographs nothing without a configuration", () => {
    const unit = serviceUnit(SETTINGS);
    expect(settingOf(unit, "RestartPreventExitStatus")).toBe("2");
    expect(unit).toContain("\nEnvironment=PHOREST_REQUIRE_CONFIG=1\n");
  });

  it("limits the allocator from the start, before Node.js has threads", () => {
    expect(serviceUnit(SETTINGS)).toContain("\nEnvironment=MALLOC_ARENA_MAX=2\n");
  });

  it("exposes no more than 3.0 of 10 by systemd's own measure", () => {
    if (spawnSync("systemd-analyze", ["--version"]).status !== 0) return;
    const directory = mkdtempSync(join(tmpdir(), "phorest-unit-"));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const file = join(directory, "phorest.service");
    writeFileSync(file, serviceUnit({ ...SETTINGS, directory }));
    const words = ["security", "--offline=true", "--threshold=30", "--no-pager", file];
    const { status, stdout, stderr } = spawnSync("systemd-analyze", words, { encoding: "utf8" });
    // An earlier systemd knows no --offline.
    if (/unrecognized option/.test(stderr)) return;
    expect(status, stdout.split("\n").at(-2)).toBe(0);
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
    // The experiments of tests are below /tmp, where no service works.
    const words = ["install-service", "--user", user, "--directory", units, "--force"];
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
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringMatching(/exists and has other content.*--replace/),
    ]);
    expect((await phorest([...words, "--replace"], directory)).code).toBe(0);
  });

  it("starts the program that was asked, also where its name is a link, as `npm link` makes it", async () => {
    const directory = experiment("");
    const link = join(directory, "phorest");
    symlinkSync(join(packageRoot(), "bin/phorest.js"), link);
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [link, "install-service", "--user", user, "--print"],
      {
        cwd: directory,
        encoding: "utf8",
      },
    );
    expect(status, stderr).toBe(0);
    const program = join(packageRoot(), "bin/phorest.js");
    expect(settingOf(stdout, "ExecStart")).toBe(`${process.execPath} ${program} run --config ${directory}/config.toml`);
    expect(settingOf(stdout, "CacheDirectory")).toBeUndefined();
  });

  it("takes the name of a unit with its ending or without, and none that is no name", async () => {
    const directory = experiment("");
    const units = join(directory, "units");
    mkdirSync(units);
    const words = ["install-service", "--user", user, "--directory", units, "--force"];
    expect((await phorest([...words, "--name", "second.service"], directory)).code).toBe(0);
    expect(readdirSync(units)).toEqual(["second.service"]);
    for (const name of ["a b", "../x", "..", ""]) {
      expect((await phorest([...words, "--name", name], directory)).code, name).toBe(2);
    }
    expect(readdirSync(units)).toEqual(["second.service"]);
  });

  it("names what is wrong: no configuration, a user that is not there, a place that cannot be written", async () => {
    const empty = experiment();
    expect((await phorest(["install-service", "--print"], empty)).stderr).toMatch(/config\.toml does not exist/);
    const directory = experiment("");
    const absent = await phorest(["install-service", "--print", "--user", "nobody-of-that-name"], directory);
    expect([absent.code, absent.stderr]).toEqual([2, expect.stringMatching(/no user nobody-of-that-name/)]);
    const nowhere = await phorest(
      ["install-service", "--user", user, "--directory", "/proc/none", "--force"],
      directory,
    );
    expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringMatching(/cannot write .*sudo/)]);
  });
});

/** Prints every datagram that comes to the path it is given, and answers the barriers among them by closing what they carry. */
const LISTENER = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("listening", flush=True)
while True:
    data, fds, _, _ = socket.recv_fds(s, 4096, 4)
    for fd in fds: os.close(fd)
    print(data.decode().replace(chr(10), " "), flush=True)
`;

describe("what systemd is told", () => {
  /** A stand-in for systemd-notify that writes down what it is told. */
  function recorder(): { env: NodeJS.ProcessEnv; told: () => string[] } {
    const directory = temporaryDirectory("phorest-notify-");
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
    await expect.poll(condition, { timeout: 240_000, interval: 20 }).toBe(true);
  }

  it("is that the run is ready, that it lives, again and again, and that it stops", async () => {
    const { env, told } = recorder();
    const complaints: string[] = [];
    const notices = notifyService(env, (line) => complaints.push(line));
    await until(() => told().filter((line) => line === "WATCHDOG=1").length >= 3);
    notices.stop();
    // Each notice is a program of its own: a later one may have its say first.
    await until(() => told().includes("STOPPING=1") && told().includes("--ready STATUS=running"));
    expect(complaints).toEqual([]);
  });

  it("is in words that the systemd-notify of this machine knows", async (context) => {
    if (spawnSync("systemd-notify", ["--version"]).status !== 0) return context.skip("no systemd-notify here");
    const directory = temporaryDirectory("phorest-notify-");
    const socket = join(directory, "socket");
    // Node has no datagrams by path; where Python is absent, it is as if systemd were.
    const child = spawn("python3", ["-c", LISTENER, socket], { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void child.kill());
    let heard = "";
    child.stdout.on("data", (chunk: Buffer) => {
      heard += chunk.toString();
    });
    child.on("error", () => undefined);
    await until(() => heard.includes("listening") || child.exitCode !== null || child.pid === undefined);
    if (!heard.includes("listening")) return context.skip("no python3 here");
    const complaints: string[] = [];
    const before = process.env.NOTIFY_SOCKET;
    process.env.NOTIFY_SOCKET = socket;
    onTestFinished(() => {
      if (before === undefined) delete process.env.NOTIFY_SOCKET;
      else process.env.NOTIFY_SOCKET = before;
    });
    const notices = notifyService({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: "3000000" }, (line) => complaints.push(line));
    await until(() => heard.includes("READY=1") && heard.includes("WATCHDOG=1"));
    notices.stop();
    await until(() => heard.includes("STOPPING=1") || heard.includes("ERRNO") || complaints.length > 0);
    expect(complaints).toEqual([]);
    expect(heard).toContain("STOPPING=1");
    expect(heard).not.toContain("ERRNO");
  });

  it("is nothing outside a service", async () => {
    const { env, told } = recorder();
    const silent = notifyService({}, (line) => expect.unreachable(line));
    silent.stop();
    // Until a service that began later has said all that it had to.
    const { WATCHDOG_USEC: _none, ...unwatched } = env;
    notifyService(unwatched, (line) => expect.unreachable(line)).stop();
    await until(() => told().length >= 2);
    expect(told().sort()).toEqual(["--ready STATUS=running", "STOPPING=1"]);
  });

  it("cannot be told where systemd-notify is absent, which is said once", async () => {
    const { env, told } = recorder();
    const path = process.env.PATH;
    process.env.PATH = "/nonexistent";
    const complaints: string[] = [];
    const notices = notifyService(env, (line) => complaints.push(line));
    await until(() => complaints.length > 0);
    // It is tried again every 0.1 s, and works once the program is there.
    process.env.PATH = path;
    await until(() => told().length > 0);
    notices.stop();
    expect(complaints).toEqual([expect.stringMatching(/cannot notify systemd/)]);
  });
});
