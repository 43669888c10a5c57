// Removes the oldest brightfield images beyond Brightfield.keep, by the same rule as other images: if images are copied to a
// share, only those with a verified copy are removed.
import { trimBrightfield } from "../../archive/brightfield.ts";
import { remotePathOf } from "../../archive/names.ts";
import { SetAside } from "../../system/set-aside.ts";
import type { StageContext } from "../contract/stage-definition.ts";

export class BrightfieldRetention {
  /** Images that could not be removed. */
  readonly aside = new SetAside<string>();
  readonly #context: Pick<StageContext, "config" | "manifest" | "log" | "checkPlace">;
  readonly #everyMs: number;
  readonly #lastCheck: () => void;
  #dueMs = 0;

  /** @param lastCheck called right before a file is removed; throws if it must not be removed. */
  constructor(
    context: Pick<StageContext, "config" | "manifest" | "log" | "checkPlace">,
    everyMs: number,
    lastCheck: () => void,
  ) {
    this.#context = context;
    this.#everyMs = everyMs;
    this.#lastCheck = lastCheck;
  }

  /** Removes the excess images; does nothing if called again within `everyMs`. Throws errors of the disk. */
  async trim(): Promise<void> {
    const nowMs = performance.now();
    if (nowMs < this.#dueMs) return;
    this.#dueMs = nowMs + this.#everyMs;
    const { checkPlace, config, log, manifest } = this.#context;
    const { brightfield_dir: directory, root_dir: rootDir, data_dir: dataDir } = config.Paths;
    checkPlace();
    const copied = config.Services.enable_remote_sync
      ? (path: string, bytes: number) => manifest.syncing.fileCopied(remotePathOf(path, { rootDir, dataDir }), bytes)
      : undefined;
    const removed = await trimBrightfield({
      directory,
      keep: config.Brightfield.keep,
      copied,
      aside: this.aside,
      lastCheck: this.#lastCheck,
    });
    if (removed.length > 0)
      log.info(`removed the ${removed.length} oldest brightfield images, up to ${removed.at(-1)}`);
  }
}
