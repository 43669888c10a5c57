// Separates images of several channels, z planes or positions in the files of one directory, as Micro-Manager and others save
// them (each image in its own file, or a stack for each position). Only one of each forms a series. Counts what is left out.
import { Failure } from "../failure/failure.ts";
import { counted } from "../system/counted.ts";
import {
  AXIS_NAMES,
  AXIS_ORDER,
  type Axis,
  inBrackets,
  isCalled,
  namedValues,
  otherChoice,
  type PageChoice,
  shownValue,
} from "./chosen-pages.ts";
import type { ImageAxes } from "./image-axes.ts";

/** Axes of the images of a file; empty if nothing states them. */
export interface FileAxes {
  /** Number of images in the file. */
  readonly images: number;
  /** The axes of all images, without duplicates. */
  readonly axes: readonly ImageAxes[];
}

interface LeftOut {
  count: number;
  readonly numbers: Set<number>;
  readonly names: Set<string>;
}

/** Decides for each file whether it belongs to the series. */
export class SeparateImages {
  readonly #choice: PageChoice;
  readonly #wanted = new Map<Axis, number | string>();
  /** By number; a number may be free. */
  readonly #channelNames: (string | undefined)[] = [];
  /** Names of the positions that have no number. */
  readonly #positionNames: (string | undefined)[] = [];
  readonly #leftOut = new Map<Axis, LeftOut>();

  /** `before`: the series that the frames of an experiment are of; their names keep their numbers. */
  constructor(choice: PageChoice = {}, before: ImageAxes = {}) {
    this.#choice = choice;
    const { channel, channelName, position, positionNames } = before;
    if (channel !== undefined) this.#channelNames[channel] = channelName;
    if (position !== undefined) this.#positionNames[position] = positionNames?.[0];
  }

  /**
   * Records which images exist. On an axis that the user does not choose, the lowest value among the first images that have one
   * is used.
   */
  learn(files: readonly FileAxes[]): void {
    let left = files.flatMap(({ axes }) => axes);
    addNames(
      this.#channelNames,
      left.flatMap(({ channelName }) => channelName ?? []),
    );
    addNames(
      this.#positionNames,
      left.flatMap((image) => unnumbered(image) ?? []),
    );
    for (const axis of AXIS_ORDER) {
      const values = new Set(left.flatMap((image) => this.#valueOf(image, axis) ?? []));
      if (values.size > 0 && !this.#wanted.has(axis)) {
        this.#wanted.set(axis, this.#choice[axis] ?? [...values].reduce((least, value) => Math.min(least, value)));
      }
      // Some positions may lack a channel.
      left = left.filter((image) => this.#isWanted(image, axis));
    }
  }

  /** Decides whether a file has images of the series. Call it once for each file. */
  keeps({ images, axes }: FileAxes): boolean {
    let left = axes;
    for (const axis of axes.length === 0 ? [] : AXIS_ORDER) {
      const kept = left.filter((image) => this.#isWanted(image, axis));
      if (kept.length === 0) {
        this.#leaveOut(axis, images, left);
        return false;
      }
      left = kept;
    }
    return true;
  }

  /** Returns the chosen pages of a file that is kept. */
  choiceOf({ axes }: FileAxes): PageChoice {
    if (axes.length === 0) return this.#choice;
    const { channel, z, position } = { ...this.#choice, ...Object.fromEntries(this.#wanted) };
    const isByName = axes.some((image) => unnumbered(image) !== undefined);
    const name = typeof position === "number" && isByName ? this.#positionNames[position] : undefined;
    return { channel, z, position: name ?? position };
  }

  /** Returns the axes of the images of a file that is kept, with the numbers that choose them; undefined if none are known. */
  seriesOf({ axes }: FileAxes): ImageAxes | undefined {
    const image = axes.find((one) => AXIS_ORDER.every((axis) => this.#isWanted(one, axis)));
    if (image === undefined) return undefined;
    const [channel, z, position] = (["channel", "z", "position"] as const).map((axis) => this.#valueOf(image, axis));
    return { ...image, channel, z, position };
  }

  /**
   * Returns the files of a list that belong to the series. Failure `usage.invalid` if the list has images, but none that
   * matches the user's choice.
   */
  select<T>(list: readonly T[], axesOf: (one: T) => FileAxes): T[] {
    const axes = list.map(axesOf);
    this.learn(axes);
    const kept = list.filter((_, at) => this.keeps(axes[at] as FileAxes));
    const [left] = this.#leftOut;
    if (kept.length > 0 || left === undefined) return kept;
    const [axis, others] = left;
    const wanted = this.#choice[axis];
    const text = `no image is of ${AXIS_NAMES[axis].one} ${shownValue(wanted)}, only of ${this.#shown(axis, others)}`;
    throw new Failure("usage.invalid", text, { hint: otherChoice(axis, wanted, others) });
  }

  /** What was left out, one line for each axis. */
  lines(): string[] {
    return [...this.#leftOut].map(([axis, left]) => {
      const images = counted(left.count, "image");
      return `left out ${images} of ${this.#shown(axis, left)}; choose with --${axis}`;
    });
  }

  #shown(axis: Axis, { numbers, names }: LeftOut): string {
    const ofChannels = [...numbers].flatMap((value) => this.#channelNames[value] ?? []);
    const shown = axis === "position" ? [...names] : axis === "channel" ? ofChannels : [];
    return namedValues(axis, numbers) + inBrackets(shown);
  }

  #leaveOut(axis: Axis, count: number, images: readonly ImageAxes[]): void {
    const left = this.#leftOut.get(axis) ?? { count: 0, numbers: new Set(), names: new Set() };
    left.count += count;
    for (const image of images) {
      const number = this.#valueOf(image, axis);
      if (number !== undefined) left.numbers.add(number);
      for (const name of image.positionNames ?? []) left.names.add(name);
    }
    this.#leftOut.set(axis, left);
  }

  /** An image without known axes belongs to any series. */
  #isWanted(image: ImageAxes, axis: Axis): boolean {
    const wanted = this.#wanted.get(axis);
    const value = this.#valueOf(image, axis);
    if (typeof wanted === "string") return value === undefined || isCalled(image.positionNames, wanted);
    return value === undefined || wanted === undefined || value === wanted;
  }

  #valueOf(image: ImageAxes, axis: Axis): number | undefined {
    const number = image[axis];
    if (number !== undefined || axis === "z") return number;
    const [names, name] =
      axis === "channel" ? [this.#channelNames, image.channelName] : [this.#positionNames, unnumbered(image)];
    const at = name === undefined ? -1 : names.indexOf(name);
    return at < 0 ? undefined : at;
  }
}

/** Returns the name of a position that has no number. */
function unnumbered({ position, positionNames }: ImageAxes): string | undefined {
  return position === undefined ? positionNames?.[0] : undefined;
}

function addNames(known: (string | undefined)[], names: readonly string[]): void {
  const fresh = new Set(names.filter((name) => !known.includes(name)));
  for (const name of [...fresh].sort()) {
    const free = Array.from(known).indexOf(undefined);
    known[free < 0 ? known.length : free] = name;
  }
}
