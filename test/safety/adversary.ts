// Names and arrangements of files as somebody would choose who wants a program to read, write or remove what is not its own.
import { existsSync, linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[this.below(from.length)];
    if (picked === undefined) throw new RangeError("nothing to pick from");
    return picked;
  }
}

const ENDINGS = [
  ".png",
  ".PNG",
  ".tif",
  ".tiff",
  ".bmp",
  ".jpg",
  ".jpeg",
  ".png.gz",
  ".bmp.GZ",
  ".tif-1.gz",
  ".gz",
  ".part",
  ".png.part",
  "",
  ".txt",
  ".sqlite",
  ".png ",
  ".png\n",
];
const STEMS = [
  "a",
  "A",
  "image_20250101_000000_000000_cam0",
  "b-1",
  "b-1-1",
  "-rf",
  "~",
  "é",
  "é",
  "👩‍🔬",
  "a b",
  "a\tb",
  "a\u001b[31m",
  "a\u202eb",
  "CON",
  "C:\\x",
  "%2e%2e",
  "$(id)",
  "'; DROP",
  "*",
  "brightfield_1",
  "..a",
  "x".repeat(240),
  "x".repeat(251),
  "x".repeat(300),
  "ü".repeat(126),
];

export interface Names {
  /** Names of files of the experiment itself. */
  readonly own: readonly string[];
  /** Absolute paths of what must not be touched. */
  readonly decoys: readonly string[];
  /** From the directory that the name belongs to, up to the directory of the decoys. */
  readonly up: string;
}

/** A name as it might be in a database, an archive or a metadata manifest. */
export function hostileName(dice: Dice, { own, decoys, up }: Names): string {
  const plain = `${dice.pick(STEMS)}${dice.pick(ENDINGS)}`;
  const decoy = dice.pick(decoys);
  switch (dice.below(14)) {
    case 0:
      return dice.pick(["", ".", "..", "/", "//", "../", "./", "...", "..png", ".png", ".."]);
    case 1:
      return decoy;
    case 2:
      return `${up}/${decoy.split("/").at(-1)}`;
    case 3:
      return `./${dice.pick(own)}`;
    case 4:
      return dice.pick(own);
    case 5:
      return `${plain}\0`;
    case 6:
      return `sub/../../${decoy.split("/").at(-1)}`;
    case 7:
      return `${plain}/`;
    case 8:
      return `\ud800${plain}`;
    default:
      return plain;
  }
}

export const ARRANGEMENTS = [
  "own",
  "own",
  "nothing",
  "link to a file",
  "link to a directory",
  "link in a circle",
  "link to nothing",
  "link to a link",
  "relative link",
  "directory",
  "pipe",
  "hard link to an own file",
] as const;
export type Arrangement = (typeof ARRANGEMENTS)[number];

/** What hard links lead to, in each directory. */
export const HARD_LINKED = "an-own-file.png";

export interface Around {
  /** The bytes of an own picture. */
  readonly own: Uint8Array;
  readonly decoys: readonly string[];
  readonly decoyDirectory: string;
  /** Names under which nothing is put: the experiment's own files. */
  readonly kept: readonly string[];
  /** A pipe on the same file system. */
  readonly pipe: string;
}

/**
 * Puts something under a name; false where the system cannot have such a name there. Only plain names in `directory` are
 * made, for whoever could write elsewhere would need no help.
 */
export function arrange(dice: Dice, directory: string, name: string, kind: Arrangement, around: Around): boolean {
  if (name === "" || name === "." || name === ".." || /[/\0\ud800]/u.test(name) || Buffer.byteLength(name) > 255)
    return false;
  if (around.kept.includes(name)) return true;
  const path = join(directory, name);
  rmSync(path, { recursive: true, force: true });
  const decoy = dice.pick(around.decoys);
  switch (kind) {
    case "own":
      writeFileSync(path, around.own);
      break;
    case "nothing":
      break;
    case "link to a file":
      symlinkSync(decoy, path);
      break;
    case "link to a directory":
      symlinkSync(around.decoyDirectory, path);
      break;
    case "link in a circle":
      symlinkSync(name, path);
      break;
    case "link to nothing":
      symlinkSync(join(around.decoyDirectory, "made-by-the-test"), path);
      break;
    case "link to a link":
      symlinkSync(join(around.decoyDirectory, "link.png"), path);
      break;
    case "relative link":
      symlinkSync(`../../decoys/${decoy.split("/").at(-1)}`, path);
      break;
    case "directory":
      mkdirSync(path);
      break;
    case "pipe":
      linkSync(around.pipe, path);
      break;
    case "hard link to an own file": {
      const other = join(directory, HARD_LINKED);
      if (!existsSync(other)) writeFileSync(other, around.own);
      if (other !== path) linkSync(other, path);
      break;
    }
    default:
      kind satisfies never;
  }
  return true;
}
