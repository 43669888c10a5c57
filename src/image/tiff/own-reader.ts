// Reads gray and RGB pictures from TIFF files in all forms that scientific cameras and programs write: packed, signed and
// floating-point samples, counted from black or from white, in strips, tiles or planes.
import { Failure } from "../../failure/failure.ts";
import { checkSize, decodingBytes, reserveMemory } from "../memory.ts";
import { grayPlane, type Picture } from "../picture.ts";
import { type Rows, readRows } from "./block-reader.ts";
import { isUnsigned, type Reading, refused, samplesText } from "./kinds.ts";
import { type PageFields, PHOTOMETRIC, SAMPLE } from "./page-fields.ts";
import { type GrayValues, invert, unpackSamples, wholeValues } from "./samples.ts";

/**
 * Returns the picture, as stored, of a file for which `isReadHere` is true. Throws Failure `frame.unreadable` if its strips are
 * incomplete, or if a value is not a whole number from 0 to 65535.
 */
export async function readOwn(file: Uint8Array, fields: PageFields, where: string, reading: Reading): Promise<Picture> {
  const { width, height, samples, bits } = fields;
  const size = { width, height, channels: samples, bytesPerSample: Math.max(1, bits / 8), buffered: true };
  checkSize(size, where);
  reserveMemory(decodingBytes(size, file.length), where);
  const isColour = fields.photometric === PHOTOMETRIC.rgb;
  const pixels = isColour ? await colourOf(file, fields, where) : await grayOf(file, fields, where, reading);
  return { pixels, width, height, bitDepth: pixels instanceof Uint8Array ? 8 : 16 };
}

async function rowsOf(file: Uint8Array, fields: PageFields, where: string, plane = 0): Promise<Rows> {
  const rows = await readRows(file, fields, plane);
  if (rows === undefined) throw damagedPixels(where);
  return rows;
}

/** Returns the Failure for a TIFF whose strips or tiles are incomplete. */
export function damagedPixels(where: string): Failure {
  const text = "the TIFF image is damaged or incomplete: its pixels are not all there, or cannot be decompressed";
  return new Failure("frame.unreadable", `${where}: ${text}`, {
    hint: "the file was not written or copied completely; copy it again",
  });
}

async function grayOf(file: Uint8Array, fields: PageFields, where: string, reading: Reading): Promise<GrayValues> {
  const { bits, width } = fields;
  const inRow = fields.isPlanar ? 1 : fields.samples;
  const { bytes, rowBytes } = await rowsOf(file, fields, where);
  if (isUnsigned(fields) && bits > 8 && bits < 16) {
    const samples = unpackSamples(bytes, rowBytes, width * inRow, bits);
    return placed(firstOf(samples, inRow), fields, reading);
  }
  const numbers = firstOf(numbersOf(bytes, fields), inRow);
  const isPlain = numbers instanceof Uint8Array || numbers instanceof Uint16Array;
  const values = isPlain ? numbers : bits === 8 ? bytesOf(numbers) : wholeValues(numbers);
  if (values !== undefined) return fromBlack(values, fields, where, reading);
  throw refused(
    where,
    `a TIFF with ${samplesText(fields)} is read only if all are whole numbers from 0 to 65535`,
    "convert it to 16 bits, unsigned (ImageJ: Image > Type > 16-bit)",
  );
}

/** Places packed samples. OpenCV puts them into the high bits of 16 and never counts them from white. */
function placed(values: Uint16Array, { bits, photometric }: PageFields, reading: Reading): GrayValues {
  if (reading === "precise") return photometric === PHOTOMETRIC.whiteIsZero ? invert(values, 2 ** bits - 1) : values;
  for (let at = 0; at < values.length; at++) values[at] = (values[at] as number) << (16 - bits);
  return values;
}

/** Converts values counted from white. OpenCV does this only for 8-bit samples. */
function fromBlack(values: GrayValues, fields: PageFields, where: string, reading: Reading): GrayValues {
  const { photometric, bits } = fields;
  if (photometric !== PHOTOMETRIC.whiteIsZero) return values;
  if (isUnsigned(fields) && bits === 8) return invert(values, 255);
  if (reading === "established") return values;
  if (isUnsigned(fields) && bits === 16) return invert(values, 65535);
  throw refused(
    where,
    `a TIFF with ${samplesText(fields)} that count from white is not read`,
    "save it unsigned, or from black",
  );
}

type Numbers = GrayValues | Uint32Array | Int8Array | Int16Array | Int32Array | Float32Array | Float64Array;

/** Returns the first of every `step` numbers. */
function firstOf<T extends Numbers>(numbers: T, step: number): T {
  if (step === 1) return numbers;
  const first = numbers.slice(0, numbers.length / step);
  for (let at = 0; at < first.length; at++) first[at] = numbers[step * at] as number;
  return first as T;
}

function numbersOf(bytes: Uint8Array, { bits, sampleFormat }: PageFields): Numbers {
  const { buffer, byteOffset } = bytes;
  const count = bytes.length / (bits / 8);
  if (sampleFormat === SAMPLE.float) {
    return bits === 32 ? new Float32Array(buffer, byteOffset, count) : new Float64Array(buffer, byteOffset, count);
  }
  if (sampleFormat === SAMPLE.signed) {
    if (bits === 8) return new Int8Array(buffer, byteOffset, count);
    return bits === 16 ? new Int16Array(buffer, byteOffset, count) : new Int32Array(buffer, byteOffset, count);
  }
  if (bits === 8) return bytes;
  return bits === 16 ? new Uint16Array(buffer, byteOffset, count) : new Uint32Array(buffer, byteOffset, count);
}

/** Returns signed bytes unchanged; undefined if one is negative. */
function bytesOf(numbers: ArrayLike<number>): Uint8Array | undefined {
  const values = Uint8Array.from(numbers);
  return values.some((value) => value > 127) ? undefined : values;
}

/** Converts the first three samples of each pixel to gray as OpenCV does. */
async function colourOf(file: Uint8Array, fields: PageFields, where: string): Promise<GrayValues> {
  const { width, height, bits, samples, isPlanar } = fields;
  const pixels = width * height;
  const colours = bits === 8 ? new Uint8Array(3 * pixels) : new Uint16Array(3 * pixels);
  const step = isPlanar ? 1 : samples;
  for (let colour = 0; colour < 3; colour++) {
    if (colour > 0 && !isPlanar) break;
    const { bytes } = await rowsOf(file, fields, where, colour);
    const values = numbersOf(bytes, fields);
    for (let pixel = 0; pixel < pixels; pixel++) {
      for (let part = 0; part < (isPlanar ? 1 : 3); part++) {
        colours[3 * pixel + colour + part] = values[step * pixel + part] as number;
      }
    }
  }
  return grayPlane(colours);
}
