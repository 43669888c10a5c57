// The compiled half of `npm ci`: SQLite's binding and the image kernel. It runs as the project's own install script,
// not as the dependency's, so that on a fresh machine a missing tool is reported in one line before a compiler reports it in
// two hundred. Run by hand: node scripts/setup.mjs
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, realpathSync, statfsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const NEEDED_BYTES = 400e6;

/** Ends the set-up with one line: what is wrong and how to fix it. */
function refuse(line) {
  process.stderr.write(`phorest: ${line}\n`);
  process.exit(1);
}

function checkMachine() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    refuse(`Node.js ${process.versions.node} is too old: install 20.19 or newer from nodejs.org`);
  }
  const tools = { "g++": "g++", make: "make", python3: "python3" };
  const absent = Object.keys(tools).filter((tool) => spawnSync(tool, ["--version"]).error !== undefined);
  if (absent.length > 0) {
    refuse(
      `cannot compile, ${absent.join(", ")} not found: sudo apt install ${absent.map((tool) => tools[tool]).join(" ")}`,
    );
  }
  const disk = statfsSync(root);
  const free = disk.bavail * disk.bsize;
  if (free < NEEDED_BYTES) {
    refuse(`only ${Math.round(free / 1e6)} MB free on the disk of ${root}: compiling needs ${NEEDED_BYTES / 1e6} MB`);
  }
}

/** Returns the headers that came with this Node, if any; node-gyp would fetch them from the network. */
function ownHeaders() {
  const prefix = join(dirname(realpathSync(process.execPath)), "..");
  const versionFile = join(prefix, "include", "node", "node_version.h");
  if (!existsSync(versionFile)) return {};
  const text = readFileSync(versionFile, "utf8");
  const number = (part) => new RegExp(`#define NODE_${part}_VERSION (\\d+)`).exec(text)?.[1];
  const version = ["MAJOR", "MINOR", "PATCH"].map(number).join(".");
  return version === process.versions.node ? { npm_config_nodedir: prefix } : {};
}

/** Runs a build quietly; its output goes to a file that the error message names. */
function build(what, directory, command, args, cxxFlags = "") {
  process.stdout.write(`phorest: compiling ${what}\n`);
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: directory,
    env: { ...headers, ...process.env, CXXFLAGS: `${process.env.CXXFLAGS ?? ""} ${cxxFlags}` },
    encoding: "utf8",
    maxBuffer: 1e8,
  });
  if (status === 0) return;
  mkdirSync(join(root, "build"), { recursive: true });
  const log = join(root, "build", `${what.replaceAll(/\W+/g, "-")}.log`);
  writeFileSync(log, `${stdout}\n${stderr}\n${error ?? ""}\n`);
  const reason =
    `${stderr}`.split("\n").find((line) => /error:|ENOSPC|No space|not found/.test(line)) ??
    `${error ?? "see the log"}`;
  refuse(`compiling ${what} failed: ${reason.trim()}; all of it is in ${log}`);
}

checkMachine();
const headers = ownHeaders();
const sqlite = join(root, "node_modules", "better-sqlite3");
const binding = join(sqlite, "build", "Release", "better_sqlite3.node");
const loads = () =>
  spawnSync(process.execPath, ["-e", `process.dlopen({exports: {}}, ${JSON.stringify(binding)})`]).status === 0;
// If compiled with Node's own headers from 24.19 on, it would abort the program in the middle of a run: see the file.
const objectWrap = join(root, "native", "third_party", "sqlite", "object_wrap.h");
const isUsable = () =>
  existsSync(binding) && !readFileSync(binding).includes("RemoveEnvironmentCleanupHook") && loads();
// A prebuilt binding saves two minutes if the network allows it; otherwise it is compiled.
if (!isUsable()) {
  const ready = spawnSync("prebuild-install", [], { cwd: sqlite, stdio: "ignore" });
  if (ready.status !== 0 || !isUsable()) {
    build("the SQLite binding", sqlite, "node-gyp", ["rebuild", "--release", "-j", "2"], `-include "${objectWrap}"`);
  }
}
build("the image kernel", root, "node-gyp", ["rebuild", "--release", "-j", "2"]);
await import("./native-sources.mjs");
