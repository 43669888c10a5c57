// An installation that does not fit this Node.js, or this machine, is named as such by every command, and nothing else is
// blamed for it: the real program, copied, with one of its compiled parts replaced.
import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { brokenPart, isNoexec } from "../../src/native/native-part.ts";
import { packageRoot } from "../../src/system/files.ts";

const BINDING = "node_modules/better-sqlite3/build/Release/better_sqlite3.node";

function temporary(prefix: string): string {
  const directory = mkdtempSync(join(tmpdir(), prefix));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A copy of the installed program whose `own` packages are its own as well; all others are those of this checkout. */
function copyOfProgram(own: readonly string[]): string {
  const [from, to] = [packageRoot(), temporary("phorest-copy-")];
  for (const name of ["bin", "dist", "package.json", "package-lock.json"]) {
    cpSync(join(from, name), join(to, name), { recursive: true });
  }
  mkdirSync(join(to, "build/Release"), { recursive: true });
  copyFileSync(join(from, "build/Release/phorest_kernel.node"), join(to, "build/Release/phorest_kernel.node"));
  symlinkSync(join(from, "chips"), join(to, "chips"));
  link(join(from, "node_modules"), join(to, "node_modules"), own);
  return to;
}

function link(from: string, to: string, own: readonly string[]): void {
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    const inside = own.filter((path) => path.startsWith(`${name}/`)).map((path) => path.slice(name.length + 1));
    if (own.includes(name)) cpSync(join(from, name), join(to, name), { recursive: true });
    else if (inside.length > 0) link(join(from, name), join(to, name), inside);
    else symlinkSync(join(from, name), join(to, name));
  }
}

/** What a command says in an empty directory; it must make nothing there. */
function refusal(program: string, words: readonly string[], node = process.execPath) {
  const cwd = temporary("phorest-empty-");
  const { status, stdout, stderr } = spawnSync(node, [join(program, "bin/phorest.js"), ...words], {
    cwd,
    encoding: "utf8",
  });
  expect(readdirSync(cwd)).toEqual([]);
  return { status, stdout, lines: stderr.trimEnd().split("\n") };
}

/** Compiles an addon that is registered for another binary interface than this Node.js has. */
function addonForAbi(abi: number, path: string): void {
  const source = `${path}.c`;
  writeFileSync(
    source,
    `struct module { int version; unsigned flags; void* handle; const char* file; void* start; void* context;
       const char* name; void* data; struct module* next; };
     extern void node_module_register(void*);
     static void start(void) {}
     static struct module it = { ${abi}, 0, 0, "other.c", (void*)start, 0, "other", 0, 0 };
     __attribute__((constructor)) static void enter(void) { node_module_register(&it); }`,
  );
  rmSync(path, { force: true });
  execFileSync("cc", ["-shared", "-fPIC", "-o", path, source]);
}

test("a SQLite binding built for another Node.js is named by every command that needs it", () => {
  const program = copyOfProgram(["better-sqlite3"]);
  addonForAbi(108, join(program, BINDING));
  const { node, modules } = process.versions;
  const line = `cannot load the SQLite binding (${join(program, BINDING)}): built for Node 18 (ABI 108), this is Node ${node} (ABI ${modules}) (run \`npm ci\` in ${program})`;
  const commands = [["run", "--frames", "1"], ["doctor"], ["status"], ["analyse", "x"], ["sync"], ["verify"], ["menu"]];
  for (const words of commands) {
    expect(refusal(program, words), words[0]).toEqual({ status: 2, stdout: "", lines: [line] });
  }
  // What needs no compiled part helps to find out.
  expect(refusal(program, ["config", "docs"]).status).toBe(0);
});

test.skipIf(process.env.PHOREST_NODE_OTHER === undefined)("another Node.js (PHOREST_NODE_OTHER) is named", () => {
  const found = refusal(packageRoot(), ["doctor"], process.env.PHOREST_NODE_OTHER);
  expect(found).toMatchObject({ status: 2, stdout: "" });
  expect(found.lines).toHaveLength(1);
  expect(found.lines[0]).toContain(`built for Node ${process.versions.node.split(".")[0]} (ABI `);
});

test("a compiled part that is missing, cut off, damaged or of another machine is named with the reason", () => {
  const program = copyOfProgram(["better-sqlite3"]);
  const kernel = join(program, "build/Release/phorest_kernel.node");
  const whole = readFileSync(kernel);
  const says = (why: string) =>
    expect(refusal(program, ["run"])).toEqual({
      status: 2,
      stdout: "",
      lines: [`cannot load the image kernel (${kernel}): ${why} (run \`npm ci\` in ${program})`],
    });
  const other = Buffer.from(whole);
  // The machine in the header of an ELF file: s390x, which no test runs on.
  other.writeUInt16LE(22, 18);
  writeFileSync(kernel, other);
  says(`built for s390x, this machine is ${process.arch}`);
  truncateSync(kernel, 300_000);
  says("the file is incomplete");
  truncateSync(kernel, 10);
  says("the file is incomplete");
  writeFileSync(kernel, "<html>404 not found, and some more of it</html>");
  says("the file is damaged");
  rmSync(kernel);
  const [line] = refusal(program, ["doctor"]).lines;
  expect(line).toMatch(/^cannot load the image kernel.*: it is missing/);
  rmSync(join(program, BINDING));
  const both = refusal(program, ["run"]);
  expect(both.lines).toHaveLength(1);
  expect(both.lines[0]).toMatch(
    /cannot load the SQLite binding.*: it is missing; cannot load the image kernel.*: it is missing/,
  );
});

/** Compiles a kernel that can do nothing but say which interface it has; undefined: one from before there was a number. */
function kernelOfInterface(number: number | undefined, path: string): void {
  const source = `${path}.c`;
  const say =
    number === undefined
      ? ""
      : `value n; napi_create_int32(env, ${number}, &n); napi_set_named_property(env, exports, "interface", n);`;
  writeFileSync(
    source,
    `typedef void* value;
     extern int napi_create_int32(value, int, value*);
     extern int napi_set_named_property(value, value, const char*, value);
     int node_api_module_get_api_version_v1(void) { return 8; }
     value napi_register_module_v1(value env, value exports) { ${say} return exports; }`,
  );
  rmSync(path, { force: true });
  execFileSync("cc", ["-shared", "-fPIC", "-o", path, source]);
}

test("a kernel and a program of different versions say so in one line, and which of them to build again", () => {
  const program = copyOfProgram([]);
  const kernel = join(program, "build/Release/phorest_kernel.node");
  const says = (number: number | undefined) => {
    kernelOfInterface(number, kernel);
    const { status, stdout, lines } = refusal(program, ["run"]);
    expect([status, stdout, lines.length]).toEqual([2, "", 1]);
    return lines[0];
  };
  const older = `the image kernel (${kernel}) is of another version of phorest: interface 0, expected`;
  expect(says(undefined)).toContain(older);
  expect(says(0)).toMatch(/\(run `npm ci` in \S+\)$/);
  expect(says(999)).toMatch(/^this program is older than its image kernel .*\(run `npm run build` in \S+\)$/);
});

test("libraries for pictures whose own compiled half is missing are named", () => {
  const program = copyOfProgram(["sharp", "@img/colour", "@resvg/resvg-js"]);
  const modules = join(program, "node_modules");
  for (const scope of ["@img", "@resvg"]) {
    const compiled = readdirSync(join(modules, scope)).filter((name) => name.includes("linux"));
    expect(compiled.length).toBeGreaterThan(0);
    for (const name of compiled) rmSync(join(modules, scope, name));
  }
  const { status, lines } = refusal(program, ["run"]);
  expect(status).toBe(2);
  expect(lines).toEqual([
    `cannot load the image library sharp: it is missing; cannot load the drawing library resvg: it is missing (run \`npm ci\` in ${program})`,
  ]);
  expect(existsSync(join(program, "package-lock.json"))).toBe(true);
});

/** A library that asks for a version of glibc that no system has, as one that was compiled on a newer system does. */
function ofNewerSystem(library: string): void {
  const bytes = readFileSync(library);
  const [old] = /GLIBC_2\.\d\d/.exec(bytes.toString("latin1")) ?? [];
  if (old === undefined) throw new Error(`${library} needs no version of glibc`);
  const replaceAll = (from: Buffer, to: Buffer) => {
    for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + 1)) to.copy(bytes, at);
  };
  const text = (version: string) => Buffer.from(`${version}\0`, "latin1");
  replaceAll(text(old), text("GLIBC_2.99"));
  replaceAll(elfHash(old), elfHash("GLIBC_2.99"));
  rmSync(library);
  writeFileSync(library, bytes);
}

/** As the ELF format hashes the names of versions. */
function elfHash(name: string): Buffer {
  let hash = 0;
  for (const letter of Buffer.from(name)) {
    hash = hash * 16 + letter;
    const high = Math.floor(hash / 2 ** 28) % 16;
    hash = (hash % 2 ** 28) ^ (high << 4);
  }
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(hash);
  return bytes;
}

test("a part that was compiled for a newer glibc is named with both versions", () => {
  const program = copyOfProgram([]);
  const kernel = join(program, "build/Release/phorest_kernel.node");
  ofNewerSystem(kernel);
  const here = execFileSync("getconf", ["GNU_LIBC_VERSION"], { encoding: "utf8" }).trim().split(" ")[1];
  expect(refusal(program, ["run"])).toEqual({
    status: 2,
    stdout: "",
    lines: [
      `cannot load the image kernel (${kernel}): it needs glibc 2.99, and this system has ${here} (run \`npm ci\` in ${program}, or update the system)`,
    ],
  });
});

test("what the system says of a library that does not fit is put in words", () => {
  const line = (words: string) => brokenPart("the image kernel", new Error(words)).line;
  const libstdcxx = "/lib/libstdc++.so.6: version `GLIBCXX_3.4.99' not found (required by /opt/phorest/k.node)";
  expect(line(libstdcxx)).toMatch(/it needs GLIBCXX 3\.4\.99, and this system has 3\.4\.\d+ /);
  const vips = "ERR_DLOPEN_FAILED: libvips-cpp.so.8.17: cannot open shared object file: No such file or directory";
  expect(line(vips)).toContain("it needs libvips-cpp.so.8.17, which is missing");
});

test("a disk is said to be mounted noexec only where it is", () => {
  const path = join(temporary("phorest-part-"), "k.node");
  writeFileSync(path, "");
  const line = (words: string) => brokenPart("the image kernel", new Error(`${path}: ${words}`)).line;
  const policy = line("failed to map segment from shared object: Permission denied");
  expect(policy).toContain("a security policy prevents running code from there (allow it in the security policy");
  expect(policy).not.toContain("noexec");
  expect(line("cannot open shared object file: Permission denied")).toContain("this user has no permission to read it");
  const memory = line("failed to map segment from shared object: Cannot allocate memory");
  expect(memory).toContain("not enough memory");
  const damage = line("failed to map segment from shared object: Invalid argument");
  expect(damage).not.toMatch(/noexec|security policy/);
  expect(memory).not.toContain("noexec");

  const table = (options: string) => `22 1 8:1 / / rw - ext4 /dev/sda rw
30 22 0:25 / ${join(path, "..").replaceAll("-", "\\055")} ${options} shared:4 - tmpfs tmpfs rw
31 22 0:26 / ${join(path, "..")}/k.nodes rw,noexec - tmpfs tmpfs rw
`;
  expect(isNoexec(path, table("rw,nosuid,noexec,relatime"))).toBe(true);
  expect(isNoexec(path, table("rw,nosuid,relatime"))).toBe(false);
  // The later of two mounts on one point is the one in sight.
  expect(isNoexec(path, `${table("rw,noexec")}${table("rw")}`)).toBe(false);
  expect(isNoexec(path, "")).toBe(false);
});

test.runIf(process.getuid?.() === 0)("a part on a disk that is mounted noexec is named so", () => {
  const disk = temporary("phorest-noexec-");
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "noexec,size=8m", "tmpfs", disk]);
  if (mounted.status !== 0) return process.stderr.write("nothing can be mounted here: noexec is not tried\n");
  onTestFinished(() => void spawnSync("umount", [disk]));
  const program = copyOfProgram([]);
  const kernel = join(program, "build/Release/phorest_kernel.node");
  copyFileSync(kernel, join(disk, "kernel.node"));
  rmSync(kernel);
  symlinkSync(join(disk, "kernel.node"), kernel);
  const [line] = refusal(program, ["run"]).lines;
  expect(line).toContain("cannot load the image kernel");
  expect(line).toContain(": the disk is mounted noexec (install phorest on a disk that programs can run from");
});
