// A unit is not written where the service would not work: what it could not see or write, and what its user may not do.
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { shellWord } from "../../src/failure/quote.ts";
import { type ServicePlaces, serviceProblems } from "../../src/installation/service-problems.ts";
import { packageRoot } from "../../src/system/files.ts";
import { hasPython } from "../python.ts";
import { experiment, phorest, QUICK_CONFIG, start } from "../run/program.ts";
import { isThere } from "../support/needed.ts";
import { said } from "../support/said.ts";

const SOUND: ServicePlaces = {
  program: ["/bin/sh"],
  configFile: "/srv/experiment_7/config.toml",
  written: [
    ["Paths.root_dir", "/srv/experiment_7"],
    ["Paths.data_dir", "/srv/experiment_7/data"],
  ],
};
const isRoot = process.getuid?.() === 0;
const withRoot = (root: string): Partial<ServicePlaces> => ({
  written: SOUND.written.map(([name, path]) => [name, path.replace("/srv/experiment_7", root)] as const),
});

describe("a service", () => {
  test("works with a program and an experiment in the usual places", () => {
    expect(serviceProblems({ ...SOUND, configFile: "/etc/hostname" }, "root")).toEqual([]);
  });

  test.each([
    ["the program", { program: ["/tmp/phorest"] }, "/tmp"],
    ["the program", { program: ["/bin/sh", "/var/tmp/phorest/bin/phorest.js"] }, "/var/tmp"],
    ["the configuration", { configFile: "/tmp/e/config.toml" }, "/tmp"],
    ["Paths.root_dir", withRoot("/tmp/e"), "/tmp"],
    ["Paths.root_dir", withRoot("/usr/local/experiment"), "/usr"],
    ["Paths.root_dir", withRoot("/etc/phorest"), "/etc"],
  ])("is told once that %s is where it cannot be used: %j", (name, given, place) => {
    const lines = serviceProblems({ ...SOUND, ...given }, "root").filter((line) => !line.startsWith("the user"));
    expect(lines).toEqual([expect.stringMatching(new RegExp(`^${name} is below ${place} .*move it`))]);
  });

  test.skipIf(!isRoot)("is told what would be lost at the next boot, because it is in memory", () => {
    const disk = mkdtempSync(join("/root", ".phorest-memory-"));
    onTestFinished(() => {
      spawnSync("umount", [disk]);
      rmSync(disk, { recursive: true, force: true });
    });
    if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]).status !== 0) {
      return process.stderr.write("nothing can be mounted here: a disk in memory is not tried\n");
    }
    const lines = serviceProblems({ ...SOUND, configFile: "/etc/hostname", ...withRoot(join(disk, "e")) }, "root");
    expect(lines).toEqual([expect.stringMatching(/^Paths\.root_dir is in memory .*lost at every boot/)]);
  });

  test("is told a command that a shell reads as it is meant, whatever the path", () => {
    for (const path of ["/srv/a b", "/srv/it's", '/srv/$HOME "x" `y`', "/srv/plain-1.2"]) {
      const said = spawnSync("sh", ["-c", `printf %s ${shellWord(path)}`], { encoding: "utf8" }).stdout;
      expect(said).toBe(path);
    }
    expect(shellWord("/srv/plain-1.2")).toBe("/srv/plain-1.2");
  });

  test("is told of it also by way of a link", () => {
    const directory = mkdtempSync(join(tmpdir(), "phorest-hidden-"));
    // A directory of this test that is not below /tmp.
    const outside = mkdtempSync(join(isRoot ? "/root" : (process.env.HOME ?? "/"), ".phorest-link-"));
    onTestFinished(() => {
      for (const one of [directory, outside]) rmSync(one, { recursive: true, force: true });
    });
    symlinkSync(directory, join(outside, "experiment"));
    const lines = serviceProblems({ ...SOUND, ...withRoot(join(outside, "experiment")) }, "root");
    expect(lines).toEqual(expect.arrayContaining([expect.stringMatching(/^Paths\.root_dir is below \/tmp /)]));
  });

  test.skipIf(!isRoot)("is told what its user may not read, start or write, and that alone", () => {
    const directory = mkdtempSync(join(tmpdir(), "phorest-rights-"));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    chmodSync(directory, 0o755);
    const root = join(directory, "experiment");
    mkdirSync(root);
    const configFile = join(root, "config.toml");
    writeFileSync(configFile, "", { mode: 0o644 });
    const hidden = join(directory, "private");
    mkdirSync(hidden, { mode: 0o700 });
    writeFileSync(join(hidden, "phorest"), "#!/bin/sh\n", { mode: 0o755 });
    const places = { program: ["/bin/sh"], configFile, ...withRoot(root) } as ServicePlaces;
    const problems = (given: Partial<ServicePlaces> = {}) =>
      serviceProblems({ ...places, ...given }, "nobody").filter((line) => line.startsWith("the user"));

    expect(problems()).toEqual([
      expect.stringMatching(`the user nobody has no permission to write ${root} .*chown -R nobody`),
    ]);
    const uid = Number(spawnSync("id", ["-u", "nobody"], { encoding: "utf8" }).stdout);
    chownSync(root, uid, 0);
    expect(problems()).toEqual([]);
    expect(problems({ program: [join(hidden, "phorest")] })).toEqual([
      expect.stringMatching(/no permission to start .*private/),
    ]);
    expect(problems({ program: ["/bin/sh", join(hidden, "phorest")] })).toEqual([
      expect.stringMatching(/no permission to read .*private/),
    ]);
    chmodSync(configFile, 0o600);
    expect(problems()).toEqual([expect.stringMatching(`no permission to read ${configFile}`)]);
  });
});

describe("phorest install-service", () => {
  test("writes nothing where the service would not work, and says why with the cure; --print shows it with a warning", async () => {
    const directory = experiment("");
    const units = join(directory, "units");
    mkdirSync(units);
    const words = ["install-service", "--user", "root", "--directory", units];
    const refused = await phorest(words, directory);
    expect([refused.code, refused.stdout]).toEqual([2, ""]);
    expect(refused.stderr).toMatch(/^the service would not work; nothing was written\n/);
    expect(refused.stderr).toContain(`is below /tmp (${directory}`);
    expect(readdirSync(units)).toEqual([]);
    const shown = await phorest([...words, "--print"], directory);
    expect([shown.code, shown.stderr]).toEqual([0, expect.stringMatching(/^warning: .*is below \/tmp/)]);
    expect(shown.stderr).toContain("warning: the configuration names no camera");
  });

  test.skipIf(!isRoot)("does not take root for the user unasked, by whichever way it would be", async () => {
    const directory = experiment("");
    for (const env of [undefined, { SUDO_USER: "root" }]) {
      const { code, stdout, stderr } = await phorest(["install-service", "--print"], directory, env);
      expect([code, stdout, stderr]).toEqual([2, "", expect.stringMatching(/would run as root.*--user NAME/)]);
    }
    const asked = await phorest(["install-service", "--print", "--user", "root"], directory);
    expect([asked.code, asked.stdout]).toEqual([0, expect.stringContaining("\nUser=root\n")]);
  });
});

describe("a service that ends before it began", () => {
  const service = { NOTIFY_SOCKET: "/nonexistent/notify" };

  test("is started again where what is missing may come: a configuration or a disk that is not mounted, another run", async () => {
    const directory = experiment(QUICK_CONFIG);
    const absent = ["run", "--config", join(directory, "absent.toml")];
    expect((await phorest(absent, directory)).code).toBe(2);
    expect((await phorest(absent, directory, service)).code).toBe(1);

    const unmounted = experiment('[Web]\nenabled = false\n[Storage]\nusb_uuid = "0000-dead"\n');
    expect((await phorest(["run"], unmounted)).code).toBe(2);
    expect((await phorest(["run"], unmounted, service)).code).toBe(1);

    const run = start(["run"], directory);
    await said(run, "measured");
    expect((await phorest(["run"], directory)).code).toBe(2);
    expect((await phorest(["run"], directory, service)).code).toBe(1);
    run.child.kill("SIGTERM");
    expect((await run.ended).code).toBe(0);
  });

  test("is not where a person has to correct something", async () => {
    const directory = experiment("[Camera]\nbits = -1\n");
    expect((await phorest(["run"], directory, service)).code).toBe(2);
    const unconfigured = experiment();
    const { code } = await phorest(["run"], unconfigured, { ...service, PHOREST_REQUIRE_CONFIG: "1" });
    expect(code).toBe(2);
  });
});

/** Runs a program under the unit's filter of system calls, as systemd would set it. */
const FILTERED = `
import errno, os, subprocess, sys
import seccomp
def calls(name):
    text = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True).stdout
    found = set()
    for line in text.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"): found |= calls(word)
        elif word and not word.startswith("#"): found.add(word)
    return found
allowed, program = set(), sys.argv[2:]
for setting in sys.argv[1].split("|"):
    names = setting.removeprefix("~").split()
    given = set().union(*(calls(name) for name in names))
    allowed = allowed - given if setting.startswith("~") else allowed | given
f = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
for name in allowed:
    try: f.add_rule(seccomp.ALLOW, name)
    except (RuntimeError, ValueError): pass
f.load()
os.execv(program[0], program)
`;

import { TIME_TO_STOP } from "../support/time-to-stop.ts";

const knowsFilters = isThere(
  "systemd-analyze (apt-get install systemd)",
  spawnSync("systemd-analyze", ["syscall-filter", "@pkey"]).status === 0,
);

test.skipIf(!hasPython("seccomp") || !knowsFilters)(
  "the unit's filter of system calls stops neither capture nor measurement, page, a camera's program, nor a clean end",
  async () => {
    const source = experiment("");
    const made = await phorest(["simulate", source, "--frames", "1", "--size", "640x480"], source);
    expect(made.code, made.stderr).toBe(0);
    const directory = experiment(`
[Timing]
collector_interval_seconds = 0.2
communicator_interval_seconds = 0.2
[Camera]
camera_type = "command"
command = ["cat", ${JSON.stringify(join(source, readdirSync(source).find((name) => name.endsWith(".png")) ?? ""))}]
[Services]
enable_camera = true
enable_image_compression = true
[Data_Analysis]
number_of_subROIs = 1
[Web]
port = 0
${TIME_TO_STOP}`);
    mkdirSync(join(directory, "generated_files"));
    symlinkSync(join(source, "ROI_manifest.json"), join(directory, "generated_files/ROI_manifest.json"));
    const { stdout: unit } = await phorest(["install-service", "--print", "--user", "root"], directory);
    const filter = [...unit.matchAll(/^SystemCallFilter=(.*)$/gm)].map(([, setting]) => setting).join("|");
    expect(filter).toContain("@system-service");
    const program = [process.execPath, join(packageRoot(), "bin/phorest.js"), "run", "--frames", "3", "--until-idle"];
    const { status, stderr, stdout } = spawnSync("/usr/bin/python3", ["-c", FILTERED, filter, ...program], {
      cwd: directory,
      encoding: "utf8",
    });
    expect(status, stderr).toBe(0);
    expect(stdout).toContain("3 frames captured, 3 measured, 0 failed");
    expect(stderr).not.toMatch(/EPERM|not permitted/);
  },
);
