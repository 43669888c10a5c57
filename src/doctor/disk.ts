// Checks of the disk (space, speed, permissions, mounts) and of the clock.

import { randomBytes } from "node:crypto";
import { accessSync, constants, existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { checkFileSystem } from "../archive/directory-identity.ts";
import { keptFreeBytes, pauseBelow } from "../archive/free-space.ts";
import { encodeFailure } from "../failure/failure.ts";
import { shellWord } from "../failure/quote.ts";
import { medianOf } from "../measurement/statistics.ts";
import { megabytes } from "../system/byte-size.ts";
import { diskSpace as spaceOf } from "../system/disk-space.ts";
import { writeDurably } from "../system/files.ts";
import { MOUNT_TABLE } from "../system/mounts.ts";
import { bad, type Check, doubt, type Finding, good, off } from "./check.ts";

/** Returns the directory itself, or its nearest existing parent. */
function existing(directory: string): string {
  return existsSync(directory) || dirname(directory) === directory ? directory : existing(dirname(directory));
}

export const diskSpace: Check = {
  name: "disk space",
  run: async (config) => {
    const { Paths, Buffer } = config;
    const disk = spaceOf(existing(Paths.data_dir));
    if (disk === undefined) return off(`the file system of ${Paths.data_dir} does not report free space`);
    const { freeBytes: free, totalBytes } = disk;
    const found = `${megabytes(free, 0)} free for ${Paths.data_dir}`;
    const { minFreeBytes, minFreeKey } = pauseBelow(config, totalBytes);
    if (free < minFreeBytes) {
      return bad(found, `capture pauses below ${megabytes(minFreeBytes, 0)} (${minFreeKey}): free some space`);
    }
    const kept = keptFreeBytes(config, totalBytes);
    if (free < kept && Buffer.when_full === "remove") {
      const limit = `${megabytes(kept, 0)} (Buffer.min_free_bytes)`;
      return doubt(found, `phorest removes the oldest measured images below ${limit}: free some space`);
    }
    return free < 5 * minFreeBytes ? doubt(found, "free some space before a long run") : good(found);
  },
};

const PROBE_BYTES = 4 * 1024 * 1024;
/** An image must be durable within 200 ms; the disk may take half of that for 4 MB. */
const SLOW_MS = 100;

export const diskSpeed: Check = {
  name: "disk speed",
  run: async ({ Paths }) => {
    const directory = existing(Paths.data_dir);
    const path = join(directory, `.phorest-doctor-${randomBytes(4).toString("hex")}`);
    const times: number[] = [];
    try {
      for (let n = 0; n < 5; n++) {
        const startedMs = performance.now();
        await writeDurably(path, randomBytes(PROBE_BYTES));
        times.push(performance.now() - startedMs);
      }
    } finally {
      await rm(path, { force: true });
    }
    const median = medianOf(Float64Array.from(times));
    const found = `4 MB written and flushed in ${median.toFixed(0)} ms (median of five)`;
    return median <= SLOW_MS ? good(found) : doubt(found, "use a faster disk, or a longer capture interval");
  },
};

export const permissions: Check = {
  name: "permissions",
  run: async ({ Paths, Assets, Services }) => {
    const needed: [string, string][] = [
      ["Paths.data_dir", Paths.data_dir],
      ["Paths.results_dir", Paths.results_dir],
      ["Paths.logs_dir", Paths.logs_dir],
      ["Assets.generated_files_dir", Assets.generated_files_dir],
      ...(Services.enable_brightfield ? ([["Paths.brightfield_dir", Paths.brightfield_dir]] as const) : []),
    ].map(([name = "", path = ""]) => [name, path]);
    const refused = needed.filter(([, directory]) => !isWritable(existing(directory)));
    if (refused.length === 0) return good("all directories are writable");
    return refused.map(([name, path]) =>
      bad(`cannot write to ${name} = ${path}`, `sudo chown -R "$USER" ${shellWord(existing(path))}`),
    );
  },
};

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    // The reason does not matter here; the finding names the directory.
    return false;
  }
}

export const mounts: Check = {
  name: "mounted disk",
  run: async ({ Storage, Paths }) => {
    const uuid = Storage.usb_uuid;
    if (uuid === undefined) return off("Storage.usb_uuid is not set, so any disk is accepted");
    return uuidFinding(uuid, Paths.root_dir);
  },
};

/** Checks the disk as a run does. `root`: directory of /dev and /proc, for tests. */
export async function uuidFinding(uuid: string, rootDir: string, root = "/"): Promise<Finding> {
  try {
    const [byUuid, table] = ["dev/disk/by-uuid", MOUNT_TABLE].map((path) => join(root, path));
    checkFileSystem(uuid, rootDir, { byUuid, mounts: table });
    return good(`${rootDir} is on the disk ${uuid}`);
  } catch (error) {
    const { message, hint = "check Storage.usb_uuid" } = encodeFailure(error);
    return bad(message, hint);
  }
}

/**
 * Earlier than any build of this program: such a clock belongs to a computer without a battery-backed clock and without a
 * network.
 */
const EARLIEST = Date.UTC(2025, 0, 1);

export const clock: Check = {
  name: "clock",
  run: async () => {
    const now = new Date();
    if (now.getTime() < EARLIEST) {
      return bad(
        `the clock shows ${now.toISOString()}`,
        "set it with `sudo timedatectl set-ntp true`, or add a battery-backed clock",
      );
    }
    // systemd-timesyncd leaves this file once it has set the clock; other time services do not.
    const synchronised = existsSync("/run/systemd/timesync/synchronized");
    const found = `${now.toISOString()}${synchronised ? ", synchronised with a time server" : ""}`;
    return synchronised
      ? good(found)
      : doubt(`${found}, not synchronised with a time server`, "check with `timedatectl`; time stamps are UTC");
  },
};
