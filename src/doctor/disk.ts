// Checks of the disk under the experiment: space, speed, permissions, mounts, the clock that stamps its files.

import { randomBytes } from "node:crypto";
import { accessSync, constants, existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { checkFileSystem } from "../archive/place.ts";
import { keptFreeBytes, pauseBelow } from "../archive/room.ts";
import { encodeFailure } from "../failure/failure.ts";
import { shellWord } from "../failure/quote.ts";
import { megabytes } from "../system/byte-size.ts";
import { diskSpace as spaceOf } from "../system/disk-space.ts";
import { writeDurably } from "../system/files.ts";
import { MOUNT_TABLE } from "../system/mounts.ts";
import { bad, type Check, doubt, type Finding, good, off } from "./check.ts";

/** The directory itself, or the first parent of it that exists. */
function existing(directory: string): string {
  return existsSync(directory) || dirname(directory) === directory ? directory : existing(dirname(directory));
}

export const diskSpace: Check = {
  name: "disk space",
  run: async (config) => {
    const { Paths, Buffer } = config;
    const disk = spaceOf(existing(Paths.data_dir));
    if (disk === undefined) return off(`the file system of ${Paths.data_dir} does not say how much is free`);
    const { freeBytes: free, totalBytes } = disk;
    const found = `${megabytes(free, 0)} free for ${Paths.data_dir}`;
    const { minFreeBytes, minFreeKey } = pauseBelow(config, totalBytes);
    if (free < minFreeBytes) {
      return bad(found, `capture pauses below ${megabytes(minFreeBytes, 0)} (${minFreeKey}): free some space`);
    }
    const kept = keptFreeBytes(config, totalBytes);
    if (free < kept && Buffer.when_full === "remove") {
      const limit = `${megabytes(kept, 0)} (Buffer.min_free_bytes)`;
      return doubt(found, `the oldest measured pictures are removed below ${limit}: free some space`);
    }
    return free < 5 * minFreeBytes ? doubt(found, "free some space before a long run") : good(found);
  },
};

const PROBE_BYTES = 4 * 1024 * 1024;
/** A durable picture is promised within 200 ms; the disk may take half of that for 4 MB. */
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
    const median = times.sort((a, b) => a - b)[2] ?? 0;
    const found = `4 MB written and flushed in ${median.toFixed(0)} ms (the middle one of five)`;
    return median <= SLOW_MS ? good(found) : doubt(found, "use a faster disk, or longer capture intervals");
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
    if (refused.length === 0) return good("all directories can be written");
    return refused.map(([name, path]) =>
      bad(`${name} = ${path} cannot be written`, `sudo chown -R "$USER" ${shellWord(existing(path))}`),
    );
  },
};

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    // Any reason is the same answer here; the finding names the directory.
    return false;
  }
}

export const mounts: Check = {
  name: "mounted disk",
  run: async ({ Storage, Paths }) => {
    const uuid = Storage.usb_uuid;
    if (uuid === undefined) return off("Storage.usb_uuid is not set: any disk will do");
    return uuidFinding(uuid, Paths.root_dir);
  },
};

/** What a run will decide of the disk, by the same check. `root`: where /dev and /proc begin, for tests. */
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

/** Earlier than any build of this program: a computer without a battery clock and without network. */
const EARLIEST = Date.UTC(2025, 0, 1);

export const clock: Check = {
  name: "clock",
  run: async () => {
    const now = new Date();
    if (now.getTime() < EARLIEST) {
      return bad(
        `the clock says ${now.toISOString()}`,
        "set it: `sudo timedatectl set-ntp true`, or add a battery clock",
      );
    }
    // systemd-timesyncd leaves this file once it has set the clock; other time services do not.
    const synchronised = existsSync("/run/systemd/timesync/synchronized");
    const found = `${now.toISOString()}${synchronised ? ", set by a time server" : ""}`;
    return synchronised
      ? good(found)
      : doubt(`${found}, no sign of a time server`, "`timedatectl` tells; time stamps are UTC");
  },
};
