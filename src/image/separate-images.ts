// Images of several channels, z planes or positions in one directory, each in a file of its own, as Micro-Manager saves them: only one
// of each is a series. What is left out is counted.
import { Failure } from "../failure/failure.ts";
import { AXIS_NAMES, AXIS_ORDER, type Axis, namedValues, type PageChoice } from "./chosen-pages.ts";
import type { ImageAxes } from "./image-axes.ts";

/** Decides image by image which ones belong to the series. */
export class SeparateImages {
  readonly #choice: PageChoice;
  readonly #wanted = new Map<Axis, number>();
  readonly #channelNames: string[] = [];
  readonly #leftOut = new Map<Axis, { count: number; readonly values: Set<number> }>();

  constructor(choice: PageChoice = {}) {
    this.#choice = choice;
  }

  /**
   * Learns what there is. Of an axis that the user does not choose, the least value of the first images that have one is
   * taken.
   */
  learn(images: readonly (ImageAxes | undefined)[]): void {
    const known = images.filter((image) => image !== undefined);
    const names = new Set(known.flatMap(({ channelName }) => channelName ?? []));
    this.#channelNames.push(...[...names].filter((name) => !this.#channelNames.includes(name)).sort());
    for (const axis of AXIS_ORDER) {
      if (this.#wanted.has(axis)) continue;
      const values = new Set(known.flatMap((image) => this.#valueOf(image, axis) ?? []));
      if (values.size === 0) continue;
      this.#wanted.set(axis, this.#choice[axis] ?? [...values].reduce((least, value) => Math.min(least, value)));
    }
  }

  /** Whether an image belongs to the series; call it once for each. */
  keeps(image: ImageAxes | undefined): boolean {
    for (const axis of image === undefined ? [] : AXIS_ORDER) {
      const value = image === undefined ? undefined : this.#valueOf(image, axis);
      const wanted = this.#wanted.get(axis);
      if (value === undefined || wanted === undefined || value === wanted) continue;
      const { count, values } = this.#leftOut.get(axis) ?? { count: 0, values: new Set<number>() };
      this.#leftOut.set(axis, { count: count + 1, values: values.add(value) });
      return false;
    }
    return true;
  }

  /**
   * Those of a whole list that belong to the series. Failure `usage.invalid` where it has images, and none of what the user
   * chose.
   */
  select<T>(list: readonly T[], axesOf: (one: T) => ImageAxes | undefined): T[] {
    const axes = list.map(axesOf);
    this.learn(axes);
    const kept = list.filter((_, at) => this.keeps(axes[at]));
    const [axis] = this.#leftOut.keys();
    if (kept.length > 0 || axis === undefined) return kept;
    const there = namedValues(axis, this.#leftOut.get(axis)?.values ?? new Set());
    throw new Failure(
      "usage.invalid",
      `no image is of ${AXIS_NAMES[axis].one} ${this.#choice[axis]}, only of ${there}`,
      {
        hint: `choose another one with --${axis}`,
      },
    );
  }

  /** What was left out, a line for each axis. */
  lines(): string[] {
    return [...this.#leftOut].map(([axis, { count, values }]) => {
      const images = count === 1 ? "1 image" : `${count} images`;
      const names = axis === "channel" ? [...values].flatMap((value) => this.#channelNames[value] ?? []) : [];
      const called = names.length === 0 ? "" : ` (${names.slice(0, 4).join(", ")})`;
      return `left out ${images} of ${namedValues(axis, values)}${called}; choose with --${axis}`;
    });
  }

  #valueOf(image: ImageAxes, axis: Axis): number | undefined {
    if (axis !== "channel" || image.channel !== undefined || image.channelName === undefined) return image[axis];
    const at = this.#channelNames.indexOf(image.channelName);
    return at < 0 ? undefined : at;
  }
}
