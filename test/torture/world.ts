// Where the torture takes place: an experiment and a share, each on a small file system of its own where mounting is
// permitted, in plain directories where it is not.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface World {
  /** The experiment: config.toml, data, results, backup. */
  readonly local: string;
  readonly remote: string;
  /** Whether the two are file systems of their own. */
  readonly mounted: boolean;
  /** Takes the share away, leaving an empty directory; and brings it back with what was on it. */
  unmountRemote(): void;
  remountRemote(): void;
  /** Fills a file system to its last block, or frees it again. */
  fill(place: "local" | "remote"): void;
  empty(place: "local" | "remote"): void;
  /** False where files are open for writing, which the operating system does not permit. */
  readOnly(place: "local" | "remote", on: boolean): boolean;
  remove(): void;
}

const BALLAST = ".ballast";

/** Makes the world. `bytes`: size of each file system. */
export function createWorld(localBytes: number, remoteBytes: number): World {
  const root = mkdtempSync(join(tmpdir(), "phorest-torture-"));
  const local = join(root, "local");
  const remote = join(root, "share");
  // A tmpfs that is unmounted is empty for good: the share's content lives beside, and is bound into its place.
  const shareDisk = join(root, "share-disk");
  for (const directory of [local, remote, shareDisk]) mkdirSync(directory);
  const mounted = mount(["-t", "tmpfs", "-o", `size=${localBytes}`, "tmpfs", local]);
  if (mounted) {
    if (
      !mount(["-t", "tmpfs", "-o", `size=${remoteBytes}`, "tmpfs", shareDisk]) ||
      !mount(["--bind", shareDisk, remote])
    ) {
      throw new Error("the first file system could be mounted, the second could not");
    }
  }
  let attached = mounted;
  return {
    local,
    remote,
    mounted,
    unmountRemote: () => {
      if (!attached) return;
      // Lazy: as when a cable is pulled, files that are open stay with whoever has them.
      execFileSync("umount", ["-l", remote]);
      attached = false;
    },
    remountRemote: () => {
      if (!mounted || attached) return;
      execFileSync("mount", ["--bind", shareDisk, remote]);
      attached = true;
    },
    fill: (place) => {
      if (!mounted) return;
      const directory = place === "local" ? local : shareDisk;
      const disk = statfsSync(directory);
      const free = disk.bavail * disk.bsize;
      const path = join(directory, BALLAST);
      if (free > 0 && !existsSync(path)) {
        spawnSync("fallocate", ["-l", String(free), path]);
        if (!existsSync(path)) writeFileSync(path, "");
      }
    },
    empty: (place) => rmSync(join(place === "local" ? local : shareDisk, BALLAST), { force: true }),
    readOnly: (place, on) => {
      if (!mounted) return false;
      const directory = place === "local" ? local : shareDisk;
      const target = place === "remote" && attached ? [directory, remote] : [directory];
      return target.every((path) => mount(["-o", `remount,${on ? "ro" : "rw"}`, path]));
    },
    remove: () => {
      for (const path of [remote, shareDisk, local]) spawnSync("umount", ["-l", path], { stdio: "ignore" });
      rmSync(root, { recursive: true, force: true });
    },
  };
}

function mount(args: readonly string[]): boolean {
  return spawnSync("mount", args, { stdio: "ignore" }).status === 0;
}
