// A real share to copy to: a small tmpfs of its own, mounted, unmounted, filled and made read-only by the tests.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { initRemote } from "../../src/archive/remote.ts";
import { isThere } from "../support/needed.ts";

function run(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

/** Whether this user may mount; without that, the tests that need a share of their own are skipped. */
export const CAN_MOUNT = (() => {
  const point = mkdtempSync(join(tmpdir(), "phorest-mount-"));
  const mounted = run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", point);
  if (mounted) run("umount", point);
  rmdirSync(point);
  return isThere("the right to mount", mounted);
})();

export class Share {
  readonly point: string;
  private readonly size: string;

  constructor(size = "32m") {
    this.size = size;
    this.point = join(mkdtempSync(join(tmpdir(), "phorest-share-")), "mnt");
    mkdirSync(this.point);
    onTestFinished(() => {
      while (run("umount", "-l", this.point));
      rmSync(join(this.point, ".."), { recursive: true, force: true });
    });
  }

  /** Mounts an empty share, over whatever is mounted there already. */
  mount(): void {
    if (!run("mount", "-t", "tmpfs", "-o", `size=${this.size}`, "tmpfs", this.point)) throw new Error("mount failed");
  }

  /** Takes the topmost share away, even while it is in use. */
  unmount(): void {
    if (!run("umount", "-l", this.point)) throw new Error("umount failed");
  }

  /** Moves the share out of sight and back: the same one, with what is on it. */
  hide(): () => void {
    const aside = join(this.point, "..", "aside");
    mkdirSync(aside, { recursive: true });
    if (!run("mount", "--make-private", this.point) && !run("mount", "--make-rprivate", "/"))
      throw new Error("private");
    if (!run("mount", "--bind", this.point, aside) || !run("umount", "-l", this.point)) throw new Error("move failed");
    onTestFinished(() => {
      run("umount", "-l", aside);
    });
    return () => {
      if (!run("mount", "--bind", aside, this.point)) throw new Error("move back failed");
    };
  }

  writable(yes: boolean): void {
    if (!run("mount", "-o", `remount,${yes ? "rw" : "ro"}`, this.point)) throw new Error("remount failed");
  }
}

/** A mounted share that is a remote root already; returns its id too. */
export async function markedShare(size?: string): Promise<{ share: Share; remoteId: string }> {
  const share = new Share(size);
  share.mount();
  return { share, remoteId: (await initRemote(share.point, [])).remoteId };
}
