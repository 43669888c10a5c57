// Says what a file is if its name says something else, and that JPEG loses detail. The content decides how it is read.
import { extensionOf, GZIPPED, TIFF_ENDING } from "../system/numbered-name.ts";
import { isBmp } from "./bmp.ts";
import { formatOf } from "./format.ts";

const NAMES: readonly (readonly [kind: string, ending: RegExp])[] = [
  ["PNG", /\.png$/i],
  ["TIFF", new RegExp(`${TIFF_ENDING}$`, "i")],
  ["BMP", /\.bmp$/i],
  ["JPEG", /\.jpe?g$/i],
];

const LOSSY =
  "it is a JPEG, whose compression loses detail and can move positions by hundredths of a pixel; save PNG or TIFF to avoid it";

/** Returns lines about the kind of an image, one each; `head`: its first bytes, without gzip. Empty for most files. */
export function kindNotes(name: string, head: Uint8Array): string[] {
  const kind = formatOf(head) ?? (isBmp(head) ? "BMP" : undefined);
  if (kind === undefined) return [];
  const ending = extensionOf(name.replace(GZIPPED, ""));
  const named = NAMES.find(([, pattern]) => pattern.test(ending))?.[0];
  const other =
    named === undefined || named === kind
      ? []
      : [`its name says ${named}, but it is a ${kind}; phorest reads it as ${kind}`];
  return kind === "JPEG" ? [...other, LOSSY] : other;
}
