// What people and disks do to single files of an experiment: names nobody expects, links, a picture that cannot be removed,
// an ROI manifest that does not fit. None of it may stop the others, and none of it may be lost.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { World } from "./world.ts";

/** As long as a name may be, so that neither `.gz` nor a number fits behind it. */
const LONGEST_NAME = `${"n".repeat(250)}.tiff`;
const NOT_UTF8 = Buffer.from([0x4d, 0xfc, 0x2e, 0x74, 0x69, 0x66, 0x66]);
const LINK = "link.tiff";

const OUTSIDE = { image_angle: 0, ROI_A: { label: "A", flip: false, coords: [9000, 9000], size: [15, 37] } };

export class Mischief {
  readonly #world: World;
  #fitting: string | undefined;
  #stuck: string | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  /** A copy of a picture under the longest name, one under a name that is not UTF-8, and a link. False before there is a picture. */
  addBadNames(): boolean {
    const picture = this.#somePicture();
    if (picture === undefined) return false;
    const data = join(this.#world.local, "data");
    copyFileSync(picture, join(data, LONGEST_NAME));
    writeFileSync(Buffer.concat([Buffer.from(`${data}/`), NOT_UTF8]), readFileSync(picture));
    symlinkSync(picture, join(data, LINK));
    return true;
  }

  /** Files in data_dir that no row is to name: links and what cannot be named. */
  get notTaken(): ReadonlySet<string> {
    return new Set([LINK, NOT_UTF8.toString()]);
  }

  /** A picture that nobody can remove or rename: something is mounted on it. False where that cannot be done. */
  makeStuck(): boolean {
    const picture = this.#somePicture();
    if (picture === undefined || this.#stuck !== undefined || !this.#world.mounted) return false;
    if (spawnSync("mount", ["--bind", picture, picture], { stdio: "ignore" }).status !== 0) return false;
    this.#stuck = picture;
    return true;
  }

  freeStuck(): void {
    if (this.#stuck !== undefined) spawnSync("umount", ["-l", this.#stuck], { stdio: "ignore" });
    this.#stuck = undefined;
  }

  /** Replaces the ROI manifest by one that no picture fits; false before there is one. */
  misfitRois(): boolean {
    const file = this.#roiManifest();
    if (!existsSync(file)) return false;
    this.#fitting ??= readFileSync(file, "utf8");
    writeFileSync(file, JSON.stringify(OUTSIDE));
    return true;
  }

  fitRois(): void {
    if (this.#fitting !== undefined) writeFileSync(this.#roiManifest(), this.#fitting);
  }

  #roiManifest(): string {
    const directory = join(this.#world.local, "generated_files");
    mkdirSync(directory, { recursive: true });
    return join(directory, "ROI_manifest.json");
  }

  #somePicture(): string | undefined {
    const data = join(this.#world.local, "data");
    if (!existsSync(data)) return undefined;
    const name = readdirSync(data).find((one) => one.startsWith("image_") && one.endsWith(".tiff"));
    return name === undefined ? undefined : join(data, name);
  }
}
