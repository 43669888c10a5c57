// Checks whether the elapsed times of a Micro-Manager series can be right. They repeat, run backwards or are negative if a
// camera or a plugin does not count them, or if an acquisition was restarted.
import { axesOfName } from "../image-axes.ts";
import type { ImageRecord } from "./micro-manager.ts";

/** Received times are up to a few frames late. A larger difference means that the two contradict each other. */
const LARGEST_LAG_US = 2e6;

/** Checks the images of a series in the order in which they were written. */
export class ElapsedClock {
  readonly #last = new Map<string, ImageRecord>();
  #lagUs: number | undefined;
  #wrongAt: string | undefined;
  #backAt: string | undefined;
  #apartAt: string | undefined;
  #hasReceived = false;
  /** Whether an image has an elapsed time. */
  hasElapsed = false;

  /** Adds one image; `name` is used in messages. Images of different channels, planes or positions may have the same time. */
  add(record: ImageRecord, name: string): void {
    const { elapsedUs, received } = record;
    if (elapsedUs === undefined) return;
    this.hasElapsed = true;
    const { channel, channelName, slice, position } = record;
    const isPlaced = channel !== undefined || channelName !== undefined;
    const key = JSON.stringify([isPlaced ? [channel, channelName, slice] : axesOfName(name), position]);
    const before = this.#last.get(key)?.elapsedUs;
    this.#last.set(key, record);
    if (elapsedUs < (before ?? 0)) this.#backAt ??= name;
    if (elapsedUs < 0 || (before !== undefined && elapsedUs <= before)) this.#wrongAt ??= name;
    if (received === undefined) return;
    this.#hasReceived = true;
    const lagUs = received.us - elapsedUs;
    this.#lagUs ??= lagUs;
    if (Math.abs(lagUs - this.#lagUs) > LARGEST_LAG_US) {
      this.#apartAt ??= `${((lagUs - this.#lagUs) / 1e6).toFixed(1)} s at ${name}`;
    }
  }

  /** Whether the received times must be used instead. */
  get usesReceived(): boolean {
    return this.#wrongAt !== undefined && this.#hasReceived;
  }

  /**
   * Returns a line if the elapsed times are wrong or contradict the received ones. The line does not change when images are
   * added.
   */
  notes(): string[] {
    if (this.usesReceived) {
      return [
        `the elapsed times repeat, run backwards or are negative, first at ${this.#wrongAt}; phorest uses the received times`,
      ];
    }
    if (this.#apartAt === undefined) return [];
    return [`elapsed and received times contradict each other by ${this.#apartAt}; phorest uses the elapsed times`];
  }

  /** Returns a line about times that run backwards, if there are no received times to use instead. */
  uncorrected(): string[] {
    if (this.#backAt === undefined || this.usesReceived) return [];
    return [
      `the elapsed times run backwards or are negative, first at ${this.#backAt}; phorest orders the images by time`,
    ];
  }
}
