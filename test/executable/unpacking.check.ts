// What the one executable does where others share the machine, where a disk damages its files, and where the system does not
// load them: it runs nothing but what was packed, and says what is wrong in one line.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  watch,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { packageVersion } from "../../src/system/files.ts";
import { toml } from "../outputs/opcua/deliver.ts";
import { Plant, scratch } from "../outputs/opcua/plant.ts";
import { Alone, IS_ROOT, madeFor } from "./alone.ts";
import { HAS_COMPILER, refusing } from "./shim.ts";
import { expectOldGlibc } from "./symbols.ts";

const NOBODY = 65_534;
/** A second user, who is on every Debian. */
const OTHER = "games";
const OTHER_UID = Number(spawnSync("id", ["-u", OTHER], { encoding: "utf8" }).stdout);
const VERSION = `${packageVersion()}\n`;
const QUICK = "[Web]\nport = 0\n[Simulation]\nwidth = 640\nheight = 480\n";

let alone: Alone;
beforeAll(() => {
  alone = new Alone(madeFor(process.arch));
});
afterAll(() => alone.remove());

/** A directory as /tmp is. */
function shared(): string {
  const directory = alone.directory("shared");
  chownSync(directory, 0, 0);
  chmodSync(directory, 0o1777);
  return directory;
}

/** A directory that only the user of the program may look into. */
function secret(): string {
  const directory = alone.directory("secret");
  chmodSync(directory, 0o700);
  return directory;
}

/** Runs the program as OTHER, as a person would who has the root password. */
function asOther(words: string, directory: string, env: string) {
  const command = `cd ${directory} && exec env -i ${env} ${alone.program} ${words}`;
  return spawnSync("su", ["-s", "/bin/sh", OTHER, "-c", command], { encoding: "utf8" });
}

function expectRefusal({ status, stdout, stderr }: ReturnType<Alone["run"]>, why: string): void {
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr.trim().split("\n")).toEqual([expect.stringContaining(why)]);
  expect(stderr).toContain("PHOREST_CACHE_DIR");
}

describe.runIf(IS_ROOT)("beside other users", () => {
  it("each user has an own copy below the same /tmp, and runs from it", () => {
    const temporary = shared();
    const directory = alone.experiment(QUICK);
    chownSync(directory, OTHER_UID, OTHER_UID);
    const { status, stdout, stderr } = asOther("run --frames 2 --until-idle", directory, `TMPDIR=${temporary}`);
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^2 frames captured, 2 measured, 0 failed/);
    expect(alone.run(["--version"], alone.experiment(), { TMPDIR: temporary }).stdout).toBe(VERSION);
    const owners = readdirSync(temporary).map((name) => [name, statSync(join(temporary, name)).uid]);
    expect(owners.sort()).toEqual([
      [`phorest-${OTHER_UID}`, OTHER_UID],
      [`phorest-${NOBODY}`, NOBODY],
    ]);
  });

  it("all use root's copy, which none of them can change", () => {
    const opt = alone.directory("opt");
    chownSync(opt, 0, 0);
    chmodSync(opt, 0o755);
    const place = join(opt, "phorest");
    const env = { PHOREST_CACHE_DIR: place, PATH: process.env.PATH };
    expect(spawnSync(alone.program, ["--version"], { env, encoding: "utf8" }).stdout).toBe(VERSION);
    const before = readdirSync(place);
    expect(asOther("--version", "/", `PHOREST_CACHE_DIR=${place}`).stdout).toBe(VERSION);
    expect(alone.run(["--version"], alone.experiment(), env).stdout).toBe(VERSION);
    expect(readdirSync(place)).toEqual(before);
  });

  it("a container that hides who owns / is no hindrance", (context) => {
    const home = alone.directory("home");
    // Root in there is the user out here, and all others are nobody.
    const inside = new Alone(madeFor(process.arch), ["/usr/bin/unshare", "--user", "--map-root-user"]);
    onTestFinished(() => inside.remove());
    const { status, stdout, stderr } = inside.run(["--version"], home, { HOME: home });
    if (/unshare failed|Operation not permitted/.test(stderr))
      return context.skip("user namespaces are forbidden here");
    expect([status, stdout, stderr]).toEqual([0, VERSION, ""]);
    expect(readdirSync(join(home, ".cache", "phorest"))).toHaveLength(1);
  });

  it("a link that another user has put in the way is not followed", () => {
    const [temporary, target] = [shared(), secret()];
    const link = join(temporary, `phorest-${NOBODY}`);
    const made = spawnSync("su", ["-s", "/bin/sh", OTHER, "-c", `ln -s ${target} ${link}`]);
    expect(made.status).toBe(0);
    const { mode } = statSync(target);
    expectRefusal(alone.run(["--version"], alone.experiment(), { TMPDIR: temporary }), `${link} is a symbolic link`);
    expect([readdirSync(target), statSync(target).mode]).toEqual([[], mode]);
  });

  it("a directory that another user has made is refused and stays empty", () => {
    const temporary = shared();
    const taken = join(temporary, `phorest-${NOBODY}`);
    expect(spawnSync("su", ["-s", "/bin/sh", OTHER, "-c", `mkdir -m 777 ${taken}`]).status).toBe(0);
    const refused = alone.run(["--version"], alone.experiment(), { TMPDIR: temporary });
    expectRefusal(refused, `${taken} belongs to another user (${OTHER_UID})`);
    expect(readdirSync(taken)).toEqual([]);
  });

  it("a link that is put there and taken away all the time never leads to anything", async () => {
    const [temporary, target] = [shared(), secret()];
    const link = join(temporary, `phorest-${NOBODY}`);
    const script = `const fs = require("fs");
      for (;;) for (const work of [() => fs.symlinkSync(process.argv[1], process.argv[2]), () => fs.unlinkSync(process.argv[2])])
        try { work(); } catch (error) { if (error.code === undefined) throw error; }`;
    const attacker = spawn(process.execPath, ["-e", script, target, link], { uid: OTHER_UID, gid: OTHER_UID });
    onTestFinished(() => void attacker.kill("SIGKILL"));
    await once(attacker, "spawn");
    const { mode } = statSync(target);
    let swapped = 0;
    for (let start = 0; start < 8; start += 1) {
      const { status, stderr } = alone.run(["--version"], alone.experiment(), { TMPDIR: temporary });
      if (status === 0) expect(lstatSync(link).uid).toBe(NOBODY);
      else {
        swapped += 1;
        expect(stderr.trim().split("\n")).toEqual([expect.stringContaining("PHOREST_CACHE_DIR")]);
      }
      expect([readdirSync(target), statSync(target).mode]).toEqual([[], mode]);
      if (status === 0) rmSync(link, { recursive: true });
    }
    process.stderr.write(`the executable: ${swapped} of 8 starts met another user's link\n`);
  });

  it("a module that another user has put above is not loaded", async () => {
    const temporary = shared();
    const [module, mark] = [join(temporary, "node_modules/proper-lockfile"), join(temporary, "loaded")];
    mkdirSync(module, { recursive: true });
    // The package that OPC UA's certificates ask for and do without.
    writeFileSync(join(module, "index.js"), `require("node:fs").writeFileSync(${JSON.stringify(mark)}, "loaded");`);
    const { directory: pki, gone } = scratch();
    const plant = await Plant.start({ pki, nodes: [{ name: "Beat", type: "UInt32" }] });
    try {
      const node = { node_id: "ns=2;s=Beat", value: "heartbeat" };
      const directory = alone.experiment(`${toml(plant.endpointUrl, [node])}${QUICK}`);
      const words = ["run", "--frames", "1", "--until-idle"];
      const { status, stderr } = alone.run(words, directory, { TMPDIR: temporary });
      expect(status, stderr).toBe(0);
      expect((await plant.counts()).writtenValues).toBeGreaterThan(0);
      expect(existsSync(mark)).toBe(false);
    } finally {
      await plant.kill();
      gone();
    }
  });
});

describe("damage", () => {
  it("of any unpacked file, its size and time being the same, is found before it is loaded, and mended", () => {
    const cache = alone.directory("damaged");
    const env = { PHOREST_CACHE_DIR: cache };
    const directory = alone.experiment(QUICK);
    expect(alone.run(["--version"], directory, env).status).toBe(0);
    const [unpacked = ""] = readdirSync(cache);
    const all = readdirSync(join(cache, unpacked), { recursive: true, encoding: "utf8" });
    for (const kind of [
      /src\/cli\.js$/,
      /workers\/\w+\.js$/,
      /kernel\.node$/,
      /sqlite3\.node$/,
      /libvips.*\.so/,
      /\.ttf$/,
    ]) {
      const path = join(cache, unpacked, all.find((name) => kind.test(name)) ?? "");
      const whole = readFileSync(path);
      const spoilt = Buffer.from(whole);
      const middle = Math.floor(whole.length / 2);
      spoilt.fill(0x21, middle, middle + 8);
      const { atime, mtime } = statSync(path);
      chmodSync(path, 0o755);
      writeFileSync(path, spoilt);
      chmodSync(path, 0o555);
      utimesSync(path, atime, mtime);
      const { status, stdout, stderr } = alone.run(["--version"], directory, env);
      expect([status, stdout, stderr]).toEqual([0, VERSION, `phorest: ${path} was changed; unpacked it again\n`]);
      expect(readFileSync(path).equals(whole)).toBe(true);
      expect(readdirSync(cache)).toEqual([unpacked]);
    }
    const { status, stderr } = alone.run(["run", "--frames", "1", "--until-idle"], directory, env);
    expect(status, stderr).toBe(0);
  });

  it("that left the times as they were, and is found when a part is loaded, is mended by the next start", () => {
    const cache = alone.directory("unnoticed");
    const env = { PHOREST_CACHE_DIR: cache };
    expect(alone.run(["--version"], alone.experiment(), env).status).toBe(0);
    const unpacked = join(cache, readdirSync(cache)[0] ?? "");
    const record = join(unpacked, ".unpacked");
    for (const kind of [/better_sqlite3\.node$/, /sharp-linux\S*\.node$/, /resvgjs\S*\.node$/]) {
      const times: Record<string, string[]> = JSON.parse(readFileSync(record, "utf8"));
      const name = Object.keys(times).find((path) => kind.test(path)) ?? "";
      const path = join(unpacked, name);
      chmodSync(path, 0o755);
      writeFileSync(path, readFileSync(path).fill(0, 0, 4096));
      chmodSync(path, 0o555);
      // What the record would be, had a failing disk changed the bytes.
      const { size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
      chmodSync(record, 0o644);
      writeFileSync(record, JSON.stringify({ ...times, [name]: [size, mtimeNs, ctimeNs].map(String) }));
      const directory = alone.experiment(QUICK);
      const first = alone.run(["run", "--frames", "1", "--until-idle"], directory, env);
      expect([first.status, first.stdout]).toEqual([2, ""]);
      expect(first.stderr.trim().split("\n")).toEqual([expect.stringMatching(/cannot load .*start phorest again/)]);
      const next = alone.run(["run", "--frames", "1", "--until-idle"], directory, env);
      expect(next.status, next.stderr).toBe(0);
      expect(next.stderr).toContain(`phorest: ${path} was changed; unpacked it again\n`);
    }
  });

  it("of the executable itself is said in one line", () => {
    const made = new Alone(madeFor(process.arch));
    onTestFinished(() => made.remove());
    const bytes = readFileSync(made.program);
    // In the middle of what is packed, which comes last in the file or nearly so: in libvips, the largest part.
    const at = bytes.indexOf("libvips-cpp.so");
    bytes.fill(0, at + 4_000_000, at + 4_000_100);
    writeFileSync(made.program, bytes);
    const { status, stdout, stderr } = made.run(["--version"], made.experiment());
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr.trim().split("\n")).toEqual([expect.stringMatching(/this executable is damaged: .*\.sha256/)]);
    expect(readdirSync(made.cache)).toEqual([]);
  });

  it("by a kill while it unpacks leaves nothing after the next start", async () => {
    const cache = alone.directory("killed");
    const env = { PHOREST_CACHE_DIR: cache };
    const watcher = watch(cache);
    const start = alone.start(["--version"], alone.experiment(), env);
    await once(watcher, "change");
    start.child.kill("SIGKILL");
    watcher.close();
    expect(await start.ended).toBe("SIGKILL");
    expect(readdirSync(cache)).toEqual([expect.stringMatching(/^\.phorest-/)]);
    expect(alone.run(["--version"], alone.experiment(), env).status).toBe(0);
    expect(readdirSync(cache)).toEqual([expect.stringMatching(/^phorest-/)]);
  });
});

describe.runIf(HAS_COMPILER)("a system that does not load the kernel", () => {
  it("because its glibc is too old is named with both versions, and nothing is kept", () => {
    const words = "/lib/libm.so.6: version `GLIBC_2.99' not found (required by /x/phorest_kernel.node)";
    const home = alone.directory("old");
    const env = { HOME: home, TMPDIR: home, ...refusing(alone.home, words) };
    const { status, stdout, stderr } = alone.run(["--version"], alone.experiment(), env);
    const [, here = ""] = spawnSync("getconf", ["GNU_LIBC_VERSION"], { encoding: "utf8" }).stdout.trim().split(" ");
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr.trim().split("\n")).toEqual([
      expect.stringContaining(`it needs glibc 2.99, and this system has ${here}`),
    ]);
    expect(stderr).not.toMatch(/noexec|PHOREST_CACHE_DIR/);
    const files = readdirSync(home, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory());
    expect(files).toEqual([]);
  });

  it("because a policy forbids it is not said to be mounted noexec", () => {
    const words = "/x/phorest_kernel.node: failed to map segment from shared object: Permission denied";
    const place = alone.directory("policy");
    const env = { PHOREST_CACHE_DIR: place, ...refusing(alone.home, words) };
    const { status, stderr } = alone.run(["--version"], alone.experiment(), env);
    expect(status).toBe(2);
    expect(stderr.trim().split("\n")).toEqual([expect.stringMatching(/libraries cannot be loaded.*PHOREST_CACHE_DIR/)]);
    expect(stderr).not.toContain("mounted noexec");
    expect(readdirSync(place)).toEqual([]);
  });
});

describe("what is packed", () => {
  it("needs no newer glibc and libstdc++ than RHEL 9 has", () => {
    const cache = alone.directory("symbols");
    expect(alone.run(["--version"], alone.experiment(), { PHOREST_CACHE_DIR: cache }).status).toBe(0);
    expectOldGlibc(alone.program, cache);
  });
});
