// Finds reasons why a service would not work although its unit is valid: what the unit hides or makes read-only, and what its
// user may not do. Checked before the unit is written, because the journal would only say "status=203/EXEC" every 15 s.

import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, realpathSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname } from "node:path";
import { shellWord } from "../failure/quote.ts";
import { mountOf } from "../system/mounts.ts";

/** The files and directories of a service. All paths are absolute. */
export interface ServicePlaces {
  /** What is started: programs and scripts. */
  readonly program: readonly string[];
  readonly configFile: string;
  /** What it writes to, each with its name for people. */
  readonly written: readonly (readonly [name: string, directory: string])[];
}

/** Empty for a service (PrivateTmp), and emptied at every boot. */
const HIDDEN = ["/tmp", "/var/tmp"];
/** File systems without a disk. */
const IN_MEMORY: ReadonlySet<string> = new Set(["tmpfs", "ramfs", "devtmpfs"]);
/** Read-only for a service (ProtectSystem=full). */
const READ_ONLY = ["/usr", "/boot", "/efi", "/etc"];

/** Returns one line for each problem, with what to do; none if the service can work. */
export function serviceProblems(places: ServicePlaces, user: string): string[] {
  const { program, configFile, written } = places;
  const used: [name: string, path: string][] = [
    ...program.map((path): [string, string] => ["the program", path]),
    ["the configuration", configFile],
    ...written.map(([name, path]): [string, string] => [name, path]),
  ];
  return [
    ...outermost(used).flatMap(([name, path]) => hiddenProblem(name, path)),
    ...outermost(used).flatMap(([name, path]) => memoryProblem(name, path)),
    ...outermost(written).flatMap(([name, path]) => readOnlyProblem(name, path)),
    ...userProblems(places, user),
  ];
}

/** Leaves out paths inside another one of the list, which has the same problem. */
function outermost<T extends readonly [name: string, path: string]>(all: readonly T[]): T[] {
  return all.filter(
    ([, path], at) => !all.some(([, other], of) => path.startsWith(`${other}/`) || (path === other && of < at)),
  );
}

function hiddenProblem(name: string, path: string): string[] {
  const above = HIDDEN.find((place) => isBelow(path, place));
  if (above === undefined) return [];
  return [
    `${name} is below ${above} (${path}): a service has its own ${above}, which the system empties; move it, for example below /opt or /srv`,
  ];
}

/** Files kept only in memory, such as in /run and /dev/shm, are gone when the service starts at the next boot. */
function memoryProblem(name: string, path: string): string[] {
  const mount = mountOf(nearest(path));
  if (mount === undefined || !IN_MEMORY.has(mount.type) || hiddenProblem(name, path).length > 0) return [];
  return [
    `${name} is in memory (${path} on the ${mount.type} ${mount.point}) and lost at every boot; move it, for example below /srv`,
  ];
}

function readOnlyProblem(name: string, path: string): string[] {
  const above = READ_ONLY.find((place) => isBelow(path, place));
  if (above === undefined) return [];
  return [`${name} is below ${above} (${path}), where a service cannot write; move it, for example below /srv`];
}

/** Follows links. */
function isBelow(path: string, place: string): boolean {
  return [path, realpathSync(nearest(path))].some((one) => one === place || one.startsWith(`${place}/`));
}

function userProblems({ program, configFile, written }: ServicePlaces, user: string): string[] {
  const may = accessOf(user);
  if (may === undefined) return [];
  const [executable = "", ...scripts] = program;
  const lines: string[] = [];
  if (!may("x", executable))
    lines.push(mayNot(user, "start", executable, "install it for all users, for example in /usr/local/bin"));
  for (const file of [...scripts, configFile]) {
    if (!may("r", file))
      lines.push(mayNot(user, "read", file, `chmod o+r it and o+x the directories above, or --user with its owner`));
  }
  const refused = [...new Set(written.map(([, directory]) => nearest(directory)).filter((place) => !may("w", place)))];
  for (const place of refused)
    lines.push(mayNot(user, "write", place, `sudo chown -R ${user} ${shellWord(place)}, or --user with its owner`));
  return lines;
}

function mayNot(user: string, verb: string, path: string, remedy: string): string {
  return `the user ${user} has no permission to ${verb} ${path} (${remedy})`;
}

type Access = "r" | "w" | "x";
const MODES: Readonly<Record<Access, number>> = {
  r: constants.R_OK,
  // Creating a file in a directory needs both.
  w: constants.W_OK | constants.X_OK,
  x: constants.X_OK,
};

/** Returns a function that asks the system what `user` may do; undefined if only root could ask and this process is not root. */
function accessOf(user: string): ((access: Access, path: string) => boolean) | undefined {
  const [uid, gid] = ["-u", "-g"].map((option) =>
    spawnSync("id", [option, "--", user], { encoding: "utf8" }).stdout?.trim(),
  );
  if (uid === String(process.getuid?.())) return mayMyself;
  if (process.getuid?.() !== 0 || uid === undefined || gid === undefined) return undefined;
  const as = ["--reuid", uid, "--regid", gid, "--init-groups", "--"];
  if (spawnSync("setpriv", [...as, "true"], { stdio: "ignore", cwd: "/" }).status !== 0) return undefined;
  const asks = (flag: string, path: string) =>
    spawnSync("setpriv", [...as, "test", flag, path], { stdio: "ignore", cwd: "/" }).status === 0;
  return (access, path) => asks(`-${access}`, path) && (access !== "w" || asks("-x", path));
}

function mayMyself(access: Access, path: string): boolean {
  try {
    accessSync(path, MODES[access]);
    return true;
  } catch {
    return false;
  }
}

/** Returns the path itself, or its nearest existing parent. */
function nearest(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearest(dirname(path));
}

/** Returns the user of this process; a number if it has no name, as in containers. */
export function whoAsks(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.());
  }
}
