// Images of several channels, z planes or positions in the files of one directory, as Micro-Manager and others save them (each image in a
// file of its own, a stack for each position): only one of each is a series. What is left out is counted.
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

/** Where in their acquisition the images of a file are; no axes where nothing says it. */
export interface FileAxes {
  /** Number of its images. */
  readonly images: number;
  /** Those of all images, each once. */
  readonly axes: readonly ImageAxes[];
}

interface LeftOut {
  count: number;
  readonly numbers: Set<number>;
  readonly names: Set<string>;
}

/** Decides file by file which ones belong to the series. */
export class SeparateImages {
  readonly #choice: PageChoice;
  readonly #wanted = new Map<Axis, number | string>();
  readonly #channelNames: string[] = [];
  /** Of positions whose names have no number. */
  readonly #positionNames: string[] = [];
  readonly #leftOut = new Map<Axis, LeftOut>();

  constructor(choice: PageChoice = {}) {
    this.#choice = choice;
  }

  /**
   * Learns what there is. Of an axis that the user does not choose, the least value of the first images that have one is
   * taken.
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
      // Not every position has every channel.
      left = left.filter((image) => this.#isWanted(image, axis));
    }
  }

  /** Whether a file has images of the series; call it once for each. */
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

  /** What is chosen of the pages of a file that is kept. */
  choiceOf({ axes }: FileAxes): PageChoice {
    if (axes.length === 0) return this.#choice;
    const { channel, z, position } = { ...this.#choice, ...Object.fromEntries(this.#wanted) };
    const isByName = axes.some((image) => unnumbered(image) !== undefined);
    const name = typeof position === "number" && isByName ? this.#positionNames[position] : undefined;
    return { channel, z, position: name ?? position };
  }

  /**
   * Those of a whole list that belong to the series. Failure `usage.invalid` where it has images, and none of what the user
   * chose.
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

  /** What was left out, a line for each axis. */
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

  /** An image of which nothing says where it is belongs to any series. */
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

/** The name of a position without a number. */
function unnumbered({ position, positionNames }: ImageAxes): string | undefined {
  return position === undefined ? positionNames?.[0] : undefined;
}

function addNames(known: string[], names: readonly string[]): void {
  const fresh = new Set(names.filter((name) => !known.includes(name)));
  known.push(...[...fresh].sort());
}
