// Tells which names in a directory may have changed since the last check. On a local disk, the kernel reports changes (inotify),
// so that a directory of 100,000 images need not be listed every few seconds. A network share does not report what others write,
// and is listed each time.
import { type BigIntStats, type FSWatcher, watch } from "node:fs";
import { stat, statfs } from "node:fs/promises";
import { setImmediate as turnOfTheLoop } from "node:timers/promises";
import { errorCode } from "../failure/error-code.ts";
import { usableName } from "./names-in-bytes.ts";

/**
 * File systems that others can change unseen (numbers of statfs(2)): NFS, SMB 1 to 3, 9P, FUSE (sshfs, virtiofs), Ceph, AFS,
 * VirtualBox's and Parallels' shared folders, Lustre, BeeGFS, GPFS, GFS2, OCFS2.
 */
const REMOTE_FILE_SYSTEMS = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x01021997, 0x65735546, 0xc36400, 0x5346414f, 0x786f4256, 0x7c7c6673,
  0x0bd00bd0, 0x19830326, 0x47504653, 0x01161970, 0x7461636f,
]);
/** Even so the whole directory is listed from time to time: events are lost if too many come at once. */
const RELIST_MS = 60_000;

export class DirectoryChanges {
  private readonly directory: string;
  private watcher: FSWatcher | undefined;
  /** Device and inode of the watched directory: if it is unmounted, or renamed and created again, they change. */
  private identity: string | undefined;
  private names = new Set<string>();
  private listAll = true;
  private listedMs = Number.NEGATIVE_INFINITY;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Returns the names to check; undefined: all of them, the directory must be listed. */
  async take(): Promise<ReadonlySet<string> | undefined> {
    const found = await stat(this.directory, { bigint: true }).catch(() => undefined);
    if (found === undefined || identityOf(found) !== this.identity) await this.begin(found);
    // Events of finished writes are delivered in this turn of the event loop.
    await turnOfTheLoop();
    const names = this.names;
    this.names = new Set();
    const polled = this.watcher === undefined || performance.now() - this.listedMs >= RELIST_MS;
    if (!polled && !this.listAll) return names;
    this.listAll = false;
    this.listedMs = performance.now();
    return undefined;
  }

  /** Makes the next check list the whole directory. */
  relist(): void {
    this.listAll = true;
  }

  close(): void {
    this.watcher?.close();
    this.watcher = undefined;
    this.identity = undefined;
  }

  private async begin(found: BigIntStats | undefined): Promise<void> {
    this.close();
    this.listAll = true;
    if (found === undefined) return;
    const { type } = await statfs(this.directory);
    this.identity = identityOf(found);
    if (REMOTE_FILE_SYSTEMS.has(type)) return;
    try {
      const watcher = watch(this.directory, { persistent: false, encoding: "buffer" }, (_event, bytes) => {
        const name = bytes === null ? undefined : usableName(bytes);
        // Unknown, or not UTF-8: only a listing can tell.
        if (name === undefined) this.listAll = true;
        else this.names.add(name);
      });
      // If a watch fails, the directory is listed from then on.
      watcher.on("error", () => {
        watcher.close();
        if (this.watcher === watcher) this.watcher = undefined;
      });
      this.watcher = watcher;
    } catch (error) {
      // The system's limit of watches is reached: listing works all the same.
      if (errorCode(error) === undefined) throw error;
    }
  }
}

const identityOf = ({ dev, ino }: BigIntStats): string => `${dev} ${ino}`;
