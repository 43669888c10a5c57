// Stores sensorgrams of any length in a fixed amount of memory. Time is divided into buckets that all ROIs share; of each
// bucket a curve keeps the first, last, smallest and largest valid point and the two outermost doubtful ones. Adding a frame
// costs a few comparisons per ROI; when the buckets are used up, their width doubles and neighbours are merged. So reading a
// curve costs the same after a thousand and after a million frames, and its extremes are exact.
import { medianOf } from "../measurement/statistics.ts";

/** Points kept in a bucket; flagged ones separately, so that a bad fit never hides a valid extreme. */
const FIRST = 0;
const LAST = 1;
const MIN = 2;
const MAX = 3;
const FLAGGED_MIN = 4;
const FLAGGED_MAX = 5;
const SLOTS = 6;

const BUCKETS = 512;
const START_WIDTH_US = 1000;
/** A pause longer than this many usual intervals is a gap. */
const GAP_INTERVALS = 3;
const RECENT_INTERVALS = 9;

/** A decimated curve, oldest point first. A NaN value is a gap that no line may cross. */
export interface Curve {
  readonly timesMs: Float64Array;
  readonly values: Float64Array;
  /** FLAGS bits; 0 for a valid point. */
  readonly flags: Uint8Array;
}

export class CurveStore {
  readonly labels: readonly string[];
  #frames = 0;
  #firstUs = Number.POSITIVE_INFINITY;
  #lastUs = Number.NEGATIVE_INFINITY;
  readonly #buckets: number;
  #originUs = 0;
  #widthUs = START_WIDTH_US;
  #used = 0;
  // [roi][bucket][slot]; an empty slot holds NaN. Float32 keeps a position below 1,000 px to 0.00003 px.
  readonly #values: Float32Array;
  readonly #timesUs: Float64Array;
  readonly #flags: Uint8Array;
  /** Largest usual interval of each bucket while it was filled. */
  readonly #usualUs: Float64Array;
  readonly #recentUs: number[] = [];
  #previousUs: number | undefined;

  /** `labels` in the order of the added positions; `buckets` limits the memory: 78 bytes each per ROI. */
  constructor(labels: readonly string[], buckets = BUCKETS) {
    this.labels = labels;
    this.#buckets = buckets;
    const slots = labels.length * buckets * SLOTS;
    this.#values = new Float32Array(slots).fill(Number.NaN);
    this.#timesUs = new Float64Array(slots);
    this.#flags = new Uint8Array(slots);
    this.#usualUs = new Float64Array(buckets);
  }

  /** Number of frames added. */
  get frames(): number {
    return this.#frames;
  }

  /** Times of the earliest and the latest frame, µs since the epoch; undefined before the first. */
  get spanUs(): readonly [number, number] | undefined {
    return this.#frames === 0 ? undefined : [this.#firstUs, this.#lastUs];
  }

  /** Adds one frame: a value per ROI (NaN if there is none) and its FLAGS bits. Frames may come in any order. */
  add(timeUs: number, values: ArrayLike<number>, flags: ArrayLike<number>): void {
    const bucket = this.#bucketFor(timeUs);
    this.#frames += 1;
    this.#firstUs = Math.min(this.#firstUs, timeUs);
    this.#lastUs = Math.max(this.#lastUs, timeUs);
    this.#usualUs[bucket] = Math.max(this.#usualUs[bucket] as number, this.#usualInterval(timeUs));
    for (let roi = 0; roi < this.labels.length; roi += 1) {
      const value = values[roi] ?? Number.NaN;
      if (!Number.isFinite(value)) continue;
      const bits = flags[roi] ?? 0;
      const base = (roi * this.#buckets + bucket) * SLOTS;
      if (bits === 0) {
        this.#keepSound(base, timeUs, value);
      } else {
        this.#keepFlagged(base, timeUs, value, bits);
      }
    }
  }

  /** Returns the stored curve of one ROI. A pause of more than one bucket and three usual intervals always appears as a gap. */
  curve(roi: number): Curve {
    const times: number[] = [];
    const values: number[] = [];
    const flags: number[] = [];
    let lastSoundUs = Number.NaN;
    let usualUs = 0;
    for (let bucket = 0; bucket < this.#used; bucket += 1) {
      const base = (roi * this.#buckets + bucket) * SLOTS;
      const slots = this.#distinctSlots(base);
      if (slots.length === 0) continue;
      const here = this.#usualUs[bucket] as number;
      const firstSoundUs = this.#timesUs[base + FIRST] as number;
      if (!Number.isNaN(this.#values[base + FIRST])) {
        if (firstSoundUs - lastSoundUs > GAP_INTERVALS * Math.max(usualUs, here)) {
          times.push((lastSoundUs + firstSoundUs) / 2000);
          values.push(Number.NaN);
          flags.push(0);
        }
        lastSoundUs = this.#timesUs[base + LAST] as number;
        usualUs = here;
      }
      for (const slot of slots) {
        times.push((this.#timesUs[slot] as number) / 1000);
        values.push(this.#values[slot] as number);
        flags.push(this.#flags[slot] as number);
      }
    }
    return { timesMs: Float64Array.from(times), values: Float64Array.from(values), flags: Uint8Array.from(flags) };
  }

  /** Returns the bucket of a time; makes room first if there is none. */
  #bucketFor(timeUs: number): number {
    if (this.#used === 0) this.#originUs = timeUs;
    if (timeUs < this.#originUs) this.#makeRoomBefore(timeUs);
    let bucket = Math.floor((timeUs - this.#originUs) / this.#widthUs);
    let halvings = 0;
    while (bucket / 2 ** halvings >= this.#buckets) halvings += 1;
    if (halvings > 0) {
      this.#merge(halvings);
      bucket = Math.floor((timeUs - this.#originUs) / this.#widthUs);
    }
    this.#used = Math.max(this.#used, bucket + 1);
    return bucket;
  }

  /**
   * Moves everything to later buckets, by at least half of the free space, so that adding older frames one after another stays
   * cheap.
   */
  #makeRoomBefore(timeUs: number): void {
    const needed = () => Math.ceil((this.#originUs - timeUs) / this.#widthUs);
    while (needed() + this.#used > this.#buckets) this.#merge(1);
    const shift = Math.max(needed(), Math.floor((this.#buckets - this.#used) / 2));
    for (let roi = 0; roi < this.labels.length; roi += 1) {
      const start = roi * this.#buckets * SLOTS;
      const end = start + this.#used * SLOTS;
      const target = start + shift * SLOTS;
      for (const array of [this.#values, this.#timesUs, this.#flags]) array.copyWithin(target, start, end);
      this.#values.fill(Number.NaN, start, target);
    }
    this.#usualUs.copyWithin(shift, 0, this.#used);
    this.#usualUs.fill(0, 0, shift);
    this.#originUs -= shift * this.#widthUs;
    this.#used += shift;
  }

  /** Makes every bucket 2^halvings times as wide. */
  #merge(halvings: number): void {
    const group = 2 ** halvings;
    for (let roi = 0; roi < this.labels.length; roi += 1) {
      const start = roi * this.#buckets * SLOTS;
      for (let bucket = 1; bucket < this.#used; bucket += 1) {
        const from = start + bucket * SLOTS;
        const target = start + Math.floor(bucket / group) * SLOTS;
        if (from === target) continue;
        for (let slot = FIRST; slot <= MAX; slot += 1) {
          const value = this.#values[from + slot] as number;
          if (!Number.isNaN(value)) this.#keepSound(target, this.#timesUs[from + slot] as number, value);
        }
        for (const slot of [FLAGGED_MIN, FLAGGED_MAX]) {
          const value = this.#values[from + slot] as number;
          if (Number.isNaN(value)) continue;
          this.#keepFlagged(target, this.#timesUs[from + slot] as number, value, this.#flags[from + slot] as number);
        }
        this.#values.fill(Number.NaN, from, from + SLOTS);
      }
    }
    for (let bucket = 1; bucket < this.#used; bucket += 1) {
      const target = Math.floor(bucket / group);
      this.#usualUs[target] = Math.max(this.#usualUs[target] as number, this.#usualUs[bucket] as number);
      if (bucket !== target) this.#usualUs[bucket] = 0;
    }
    this.#widthUs *= group;
    this.#used = Math.ceil(this.#used / group);
  }

  #keepSound(base: number, timeUs: number, value: number): void {
    const values = this.#values;
    const times = this.#timesUs;
    if (Number.isNaN(values[base + FIRST])) {
      for (let slot = FIRST; slot <= MAX; slot += 1) this.#set(base + slot, timeUs, value, 0);
      return;
    }
    if (timeUs < (times[base + FIRST] as number)) this.#set(base + FIRST, timeUs, value, 0);
    if (timeUs >= (times[base + LAST] as number)) this.#set(base + LAST, timeUs, value, 0);
    if (value < (values[base + MIN] as number)) this.#set(base + MIN, timeUs, value, 0);
    if (value > (values[base + MAX] as number)) this.#set(base + MAX, timeUs, value, 0);
  }

  #keepFlagged(base: number, timeUs: number, value: number, bits: number): void {
    const least = this.#values[base + FLAGGED_MIN] as number;
    const greatest = this.#values[base + FLAGGED_MAX] as number;
    if (!(value >= least)) this.#set(base + FLAGGED_MIN, timeUs, value, bits);
    if (!(value <= greatest)) this.#set(base + FLAGGED_MAX, timeUs, value, bits);
  }

  #set(index: number, timeUs: number, value: number, bits: number): void {
    this.#timesUs[index] = timeUs;
    this.#values[index] = value;
    this.#flags[index] = bits;
  }

  /** Returns the indices of a bucket's filled slots by time, each point once. */
  #distinctSlots(base: number): number[] {
    const slots: number[] = [];
    for (let slot = base; slot < base + SLOTS; slot += 1) {
      if (Number.isNaN(this.#values[slot])) continue;
      const twin = slots.some(
        (s) => this.#timesUs[s] === this.#timesUs[slot] && this.#values[s] === this.#values[slot],
      );
      if (!twin) slots.push(slot);
    }
    return slots.sort((a, b) => (this.#timesUs[a] as number) - (this.#timesUs[b] as number));
  }

  /** Returns the median of the last few intervals: follows a change of the interval, ignores a pause. */
  #usualInterval(timeUs: number): number {
    const interval = this.#previousUs === undefined ? 0 : Math.abs(timeUs - this.#previousUs);
    this.#previousUs = timeUs;
    if (interval > 0) {
      this.#recentUs.push(interval);
      if (this.#recentUs.length > RECENT_INTERVALS) this.#recentUs.shift();
    }
    return this.#recentUs.length === 0 ? 0 : medianOf(Float64Array.from(this.#recentUs));
  }
}
