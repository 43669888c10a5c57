// `npm run test:reproducible`: builds the executable twice from the current commit, from scratch, in two directories and with
// two sets of settings (umask, time zone, language), and compares all results byte by byte.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { filesBelow } from "./contents.ts";
import { PackingError, run, say } from "./steps.ts";

const root = join(fileURLToPath(import.meta.url), "../../..");

interface Habits {
  /** Path below `build/reproducible`, with different length and depth for each. */
  readonly place: string;
  readonly umask: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Read once: the checkout may be at another commit before both are built. */
interface Commit {
  readonly hash: string;
  /** Time of the commit, in seconds since 1970. */
  readonly seconds: string;
}

const HABITS: readonly Habits[] = [
  { place: "one", umask: "022", env: { TZ: "UTC", LC_ALL: "C" } },
  { place: "another/of-a/longer-name", umask: "077", env: { TZ: "Asia/Kathmandu", LC_ALL: "C.UTF-8" } },
];

/** Checks the commit out below `within` and builds the executable there; returns the directory. */
function makeIn(within: string, { place, umask, env }: Habits, commit: Commit, arch: string): string {
  const directory = join(within, place);
  mkdirSync(directory, { recursive: true });
  const archive = join(within, "commit.tar");
  run("git", ["archive", "--output", archive, commit.hash], { cwd: root, what: "git archive" });
  run("tar", ["xf", archive], { cwd: directory, what: "unpacking the commit" });
  // The packing tools. They are linked, not copied, because no tool writes into them.
  run("cp", ["-al", join(root, "node_modules"), directory], { cwd: root, what: "linking node_modules" });
  const command = `umask ${umask} && exec npm run package -- --arch ${arch}`;
  const settings = { ...env, SOURCE_DATE_EPOCH: commit.seconds };
  run("sh", ["-c", command], { cwd: directory, env: settings, what: `npm run package in ${directory}` });
  return directory;
}

/** Returns the names of files below one or both that differ. */
function differences(one: string, other: string): string[] {
  const hashes = [one, other].map((directory) => {
    const hash = (path: string) =>
      createHash("sha256")
        .update(readFileSync(join(directory, path)))
        .digest("hex");
    return new Map(filesBelow(directory).map((path) => [path, hash(path)]));
  });
  const [first = new Map(), second = new Map()] = hashes;
  if (first.size === 0) throw new PackingError(`${one} is empty`);
  return [...new Set([...first.keys(), ...second.keys()])].filter((path) => first.get(path) !== second.get(path));
}

function main(): void {
  const { values } = parseArgs({ options: { arch: { type: "string", default: process.arch } } });
  const within = join(root, "build", "reproducible");
  rmSync(within, { recursive: true, force: true });
  const line = run("git", ["log", "-1", "--format=%H %ct"], { cwd: root, what: "asking git for the commit" });
  const [hash = "", seconds = ""] = line.trim().split(" ");
  const made = HABITS.map((habits) => {
    const directory = makeIn(within, habits, { hash, seconds }, values.arch);
    say(`made in ${directory}`);
    return directory;
  });
  const [one = "", other = ""] = made;
  for (const directory of made) {
    // The directory also holds the output of `npm run build`, which is part of the artefacts.
    for (const name of readdirSync(join(directory, "dist"))) {
      if (!name.startsWith("phorest-")) rmSync(join(directory, "dist", name), { recursive: true });
    }
  }
  const artefacts = differences(join(one, "dist"), join(other, "dist"));
  const program = join("build/package", values.arch, "program");
  const inside = differences(join(one, program), join(other, program));
  if (artefacts.length > 0 || inside.length > 0) {
    throw new PackingError(
      `two builds of one commit differ in ${[...artefacts, ...inside].join(", ")}; compare ${one} and ${other}`,
    );
  }
  const files = filesBelow(join(one, "dist"));
  for (const file of files)
    say(
      `${createHash("sha256")
        .update(readFileSync(join(one, "dist", file)))
        .digest("hex")}  ${file}`,
    );
  say(
    `${files.length} artefacts and ${filesBelow(join(one, program)).length} files inside are the same to the last byte`,
  );
  rmSync(within, { recursive: true, force: true });
}

try {
  main();
} catch (error) {
  if (!(error instanceof PackingError)) throw error;
  process.stderr.write(`phorest: ${error.message}\n`);
  process.exitCode = 1;
}
