// Corrects files that state the bits of the sensor but store more: some cameras write BitsPerSample 12 and store 16 bits per
// sample.
import { isUnpackedHere, unpackStrip } from "./compression.ts";
import { isUnsigned } from "./kinds.ts";
import type { PageFields } from "./page-fields.ts";

/**
 * Returns the fields with the number of bits that a sample takes in the file: 16 if the blocks have exactly the size for that.
 */
export async function withStoredBits(file: Uint8Array, fields: PageFields): Promise<PageFields> {
  const { bits, compression } = fields;
  const isOdd = isUnsigned(fields) && bits > 8 && bits < 16 && isUnpackedHere(compression);
  return isOdd && (await hasWideSamples(file, fields)) ? { ...fields, bits: 16 } : fields;
}

/** Whether the first block has exactly two bytes per sample. The others are like it. */
async function hasWideSamples(file: Uint8Array, fields: PageFields): Promise<boolean> {
  const { bits, blockWidth, blockHeight, compression } = fields;
  const [place, size] = [fields.places[0], fields.sizes[0]];
  if (place === undefined || size === undefined || place + size > file.length) return false;
  const inRow = blockWidth * (fields.isPlanar ? 1 : fields.samples);
  const bytes = 2 * inRow * blockHeight;
  // For a very narrow picture both sizes are the same. Then the file's statement is used.
  if (bytes <= Math.ceil((inRow * bits) / 8) * blockHeight) return false;
  const packed = file.subarray(place, place + size);
  const has = async (count: number) => (await unpackStrip(compression, packed, count)) !== undefined;
  return (await has(bytes)) && !(await has(bytes + 1));
}
