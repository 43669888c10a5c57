// Detects that the table or the name pattern of capture times gives other times than those stored with frames of an earlier run.
import { basename, join } from "node:path";
import { configuredTimes } from "../cameras/configured-files.ts";
import type { Config } from "../config/schema.ts";
import { patternTime } from "../image/times/names.ts";
import type { Stated } from "../image/times/source.ts";
import type { TimeTable } from "../image/times/table.ts";
import type { TakenTime } from "../manifest/history.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { counted } from "../system/counted.ts";
import { namePattern } from "../system/name-pattern.ts";

/** Times that are nearer to each other are the same, microseconds. */
const SAME_US = 1000;
/** Only these sources are less trusted than a pattern, or are one. */
const BELOW_PATTERN: ReadonlySet<string> = new Set(["name", "file"]);

/**
 * Returns one line if stored times differ from those that `table` or `Camera.name_time` gives for the same frames; otherwise
 * undefined. Times without a date are compared from the first frame that has one.
 */
export function otherTimesLine(
  taken: Iterable<TakenTime>,
  { Camera, Paths }: Pick<Config, "Camera" | "Paths">,
  table: TimeTable | undefined,
): string | undefined {
  const { names, table: tablePath = "" } = configuredTimes(Camera);
  const pattern = names === undefined ? undefined : namePattern(names);
  const directory = Camera.camera_type === "folder" ? (Camera.watch_dir ?? "") : Paths.data_dir;
  const ofTable = new Comparison(basename(tablePath));
  const ofPattern = new Comparison(`the pattern ${names}`);
  for (const frames of byFile(taken)) {
    const [{ name, page }] = frames;
    // A row without a page is meant for the first page, which may not be among these.
    const pages = page === null ? [0] : [-1, ...frames.map((frame) => frame.page ?? 0)];
    const stated = table?.timesOf(join(directory, name), pages);
    if (stated !== undefined) ofTable.add(frames, page === null ? stated : { ...stated, us: stated.us.slice(1) });
    else if (pattern !== undefined && page === null) {
      const named = patternTime(name, pattern);
      if (named !== undefined && frames.every(({ source }) => BELOW_PATTERN.has(source))) ofPattern.add(frames, named);
    }
  }
  return ofTable.line ?? ofPattern.line;
}

type Frames = readonly [TakenTime, ...TakenTime[]];

/** Groups frames that follow each other and are of the same file. */
function* byFile(taken: Iterable<TakenTime>): Generator<Frames> {
  let frames: [TakenTime, ...TakenTime[]] | undefined;
  for (const frame of taken) {
    if (frames?.[0].name === frame.name) {
      frames.push(frame);
      continue;
    }
    if (frames !== undefined) yield frames;
    frames = [frame];
  }
  if (frames !== undefined) yield frames;
}

/** Compares stored times with those of one source. */
class Comparison {
  readonly #what: string;
  /** Start of times without a date. */
  #startUs: number | undefined;
  #frames = 0;
  readonly #files = new Set<string>();
  #example: string | undefined;

  constructor(what: string) {
    this.#what = what;
  }

  add(frames: Frames, { us, relative }: Stated): void {
    frames.forEach(({ name, page, takenAtUs }, at) => {
      const time = us[at];
      if (time === undefined) return;
      this.#startUs ??= relative ? takenAtUs - time : 0;
      const otherUs = this.#startUs + time;
      if (Math.abs(otherUs - takenAtUs) < SAME_US) return;
      this.#frames += 1;
      this.#files.add(name);
      const which = page === null ? name : `${name}, page ${page + 1}`;
      this.#example ??= `${which}: taken at ${isoFromUs(takenAtUs)}, but ${this.#what} gives ${isoFromUs(otherUs)}`;
    });
  }

  get line(): string | undefined {
    if (this.#example === undefined) return undefined;
    const more = `${counted(this.#frames, "frame")} of ${counted(this.#files.size, "file")}`;
    return `${this.#example}; ${more} differ. Frames keep the times that they were stored with; to use the new ones, start a new experiment with \`phorest new NAME\`, or use \`phorest analyse\``;
  }
}
