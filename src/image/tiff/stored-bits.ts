// Files that name the bits of the sensor and store more: some cameras write BitsPerSample 12 and 16 bits for each sample.
import { isUnpackedHere, unpackStrip } from "./compression.ts";
import { isUnsigned } from "./kinds.ts";
import type { PageFields } from "./page-fields.ts";

/** The fields with the bits that a sample takes in the file: 16 where the blocks are exactly as large as that needs. */
export async function withStoredBits(file: Uint8Array, fields: PageFields): Promise<PageFields> {
  const { bits, compression } = fields;
  const isOdd = isUnsigned(fields) && bits > 8 && bits < 16 && isUnpackedHere(compression);
  return isOdd && (await hasWideSamples(file, fields)) ? { ...fields, bits: 16 } : fields;
}

/** Whether the first block has two bytes for each sample, no more and no less. The others are like it. */
async function hasWideSamples(file: Uint8Array, fields: PageFields): Promise<boolean> {
  const { bits, blockWidth, blockHeight, compression } = fields;
  const [place, size] = [fields.places[0], fields.sizes[0]];
  if (place === undefined || size === undefined || place + size > file.length) return false;
  const inRow = blockWidth * (fields.isPlanar ? 1 : fields.samples);
  const bytes = 2 * inRow * blockHeight;
  // Of a very narrow picture both are the same, and the file is believed.
  if (bytes <= Math.ceil((inRow * bits) / 8) * blockHeight) return false;
  const packed = file.subarray(place, place + size);
  const has = async (count: number) => (await unpackStrip(compression, packed, count)) !== undefined;
  return (await has(bytes)) && !(await has(bytes + 1));
}
