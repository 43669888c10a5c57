// Packs the full statistics of a frame: about 80 bytes per ROI for 48 numbers, instead of 384 as doubles.
//
// The numbers are multiples of 0.001, so each is stored as an integer. There is one column per number of an ROI (all "Mean of
// amplitude" together), because the values of a column are alike and those of an ROI are not. Within a quantity, each statistic
// is stored as its distance from what the Median predicts, which is small. Columns are written byte plane by byte plane: the low
// bytes are noise and the high ones nearly constant, and deflate then codes each plane with its own table. A number that does not
// fit (NaN, runaway fits, a value with more than three decimals) is stored as a double, so nothing is lost.
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { Failure } from "../failure/failure.ts";
import { STATISTICS } from "../measurement/method.ts";

const VERSION = 1;
const PER_QUANTITY = STATISTICS.length;
const MEAN = STATISTICS.indexOf("Mean");
const LOWER = STATISTICS.indexOf("LQ");
const MEDIAN = STATISTICS.indexOf("Median");
const UPPER = STATISTICS.indexOf("UQ");
const MAX = STATISTICS.indexOf("Max");
const MIN = STATISTICS.indexOf("Min");
/** Statistics in coding order: those that others are predicted from come first. */
const ORDER = [MEDIAN, LOWER, ...STATISTICS.keys()].filter((statistic, i, all) => all.indexOf(statistic) === i);
/** Up to this value, thousandths can be added, doubled and zig-zag coded exactly in a double. */
const LARGEST = 2 ** 49;
/** Below this, integer arithmetic is exact. */
const SMALL = 2 ** 31;
/** Level 3 is within 1 % of level 9 on real statistics and three times as fast. */
const LEVEL = 3;

/**
 * Packs the statistics of one frame.
 * @param values [roi][quantity][statistic] row-major; any doubles, small when they are multiples of 0.001.
 * @param perRoi numbers per ROI: 8 statistics times the method's quantities.
 */
export function encodeStatistics(values: Float64Array, perRoi: number): Uint8Array {
  if (!Number.isInteger(perRoi) || perRoi <= 0 || perRoi % PER_QUANTITY !== 0 || values.length % perRoi !== 0) {
    throw new RangeError(
      `expected a multiple of ${PER_QUANTITY} numbers per ROI, received ${values.length} of ${perRoi}`,
    );
  }
  const rois = values.length / perRoi;
  const thousandths = new Float64Array(values.length);
  const escaped: number[] = [];
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] as number;
    const whole = Math.round(value * 1000);
    if (Math.abs(whole) <= LARGEST && whole / 1000 === value) thousandths[i] = whole === 0 ? 0 : whole;
    else escaped.push(i);
  }
  const writer = new Writer(64 + escaped.length * 14 + values.length * 3);
  writer.count(rois);
  writer.count(perRoi);
  writer.count(escaped.length);
  let previous = 0;
  for (const i of escaped) {
    writer.count(i - previous);
    writer.double(values[i] as number);
    previous = i;
  }
  const column = new Float64Array(rois);
  for (let first = 0; first < perRoi; first += PER_QUANTITY) {
    for (const statistic of ORDER) {
      let largest = 0;
      for (let roi = 0; roi < rois; roi += 1) {
        const base = roi * perRoi + first;
        const distance = (thousandths[base + statistic] as number) - predicted(thousandths, base, statistic);
        const coded = distance < 0 ? -2 * distance - 1 : 2 * distance;
        column[roi] = coded;
        if (coded > largest) largest = coded;
      }
      writer.planes(column, largest);
    }
  }
  const packed = deflateRawSync(writer.bytes(), { level: LEVEL });
  const out = new Uint8Array(packed.length + 1);
  out[0] = VERSION;
  out.set(packed, 1);
  return out;
}

/**
 * Returns the statistics as they were given to `encodeStatistics` ([roi][quantity][statistic]), including NaN and runaway values.
 * Throws `manifest.corrupt` if the bytes were not written by it.
 */
export function decodeStatistics(bytes: Uint8Array): Float64Array {
  if (bytes[0] !== VERSION) throw damaged(`form ${bytes[0] ?? "(empty)"}, expected ${VERSION}`);
  try {
    return unpack(new Reader(inflateRawSync(bytes.subarray(1))));
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw damaged(error instanceof Error ? error.message : String(error), error);
  }
}

function unpack(reader: Reader): Float64Array {
  const rois = reader.count();
  const perRoi = reader.count();
  const escapes = reader.count();
  const values = new Float64Array(rois * perRoi);
  const escapedAt: number[] = [];
  const escaped: number[] = [];
  let at = 0;
  for (let i = 0; i < escapes; i += 1) {
    at += reader.count();
    escapedAt.push(at);
    escaped.push(reader.double());
  }
  const column = new Float64Array(rois);
  for (let first = 0; first < perRoi; first += PER_QUANTITY) {
    for (const statistic of ORDER) {
      reader.planes(column);
      for (let roi = 0; roi < rois; roi += 1) {
        const distance = signed(column[roi] as number);
        const base = roi * perRoi + first;
        values[base + statistic] = distance + predicted(values, base, statistic);
      }
    }
  }
  for (let i = 0; i < values.length; i += 1) values[i] = (values[i] as number) / 1000;
  escapedAt.forEach((index, i) => {
    values[index] = escaped[i] as number;
  });
  return values;
}

/** Decodes a zig-zag coded number. Small numbers use integer arithmetic, which is several times as fast. */
function signed(coded: number): number {
  if (coded < SMALL) return (coded >>> 1) ^ -(coded & 1);
  return coded % 2 === 1 ? -(coded + 1) / 2 : coded / 2;
}

/** Predicts a statistic from those of its quantity that are coded before it. */
function predicted(thousandths: Float64Array, base: number, statistic: number): number {
  const median = thousandths[base + MEDIAN] as number;
  switch (statistic) {
    case MEAN:
    case LOWER:
    case MAX:
    case MIN:
      return median;
    case UPPER:
      return 2 * median - (thousandths[base + LOWER] as number);
    default:
      return 0;
  }
}

function damaged(what: string, cause?: unknown): Failure {
  return new Failure("manifest.corrupt", `the statistics of a frame are damaged: ${what}`, {
    hint: "stop the run and use `phorest verify --repair`, which queues the image again",
    cause,
  });
}

/** Writes bytes; grows as needed. */
class Writer {
  #buffer: Buffer;
  #length = 0;

  constructor(capacity: number) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  #reserve(size: number): number {
    if (this.#length + size > this.#buffer.length) {
      this.#buffer = Buffer.concat([this.#buffer], (this.#length + size) * 2);
    }
    const at = this.#length;
    this.#length += size;
    return at;
  }

  /** Writes a whole number >= 0, seven bits per byte. */
  count(value: number): void {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#buffer[this.#reserve(1)] = (rest % 128) | 128;
    this.#buffer[this.#reserve(1)] = rest;
  }

  double(value: number): void {
    const at = this.#reserve(8);
    this.#buffer.writeDoubleLE(value, at);
  }

  /** Writes whole numbers >= 0: the number of bytes of the largest, then all lowest bytes, all second bytes, and so on. */
  planes(column: Float64Array, largest: number): void {
    let planes = 0;
    for (let rest = largest; rest > 0; rest = Math.floor(rest / 256)) planes += 1;
    this.count(planes);
    let divisor = 1;
    for (let plane = 0; plane < planes; plane += 1, divisor *= 256) {
      const at = this.#reserve(column.length);
      const buffer = this.#buffer;
      if (largest < SMALL) {
        for (let i = 0; i < column.length; i += 1) buffer[at + i] = (column[i] as number) >>> (8 * plane);
      } else {
        for (let i = 0; i < column.length; i += 1) buffer[at + i] = Math.floor((column[i] as number) / divisor) % 256;
      }
    }
  }
}

/** Reads bytes; throws at their end. */
class Reader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  count(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#buffer.readUInt8(this.#at);
      this.#at += 1;
      value += (byte % 128) * scale;
      if (byte < 128) return value;
    }
  }

  double(): number {
    const value = this.#buffer.readDoubleLE(this.#at);
    this.#at += 8;
    return value;
  }

  planes(column: Float64Array): void {
    column.fill(0);
    const planes = this.count();
    let scale = 1;
    for (let plane = 0; plane < planes; plane += 1, scale *= 256) {
      if (this.#at + column.length > this.#buffer.length) throw new RangeError("the bytes end early");
      for (let i = 0; i < column.length; i += 1)
        column[i] = (column[i] as number) + (this.#buffer[this.#at + i] as number) * scale;
      this.#at += column.length;
    }
  }
}
