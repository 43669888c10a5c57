// Files beside the images that are images too, but of a kind that phorest does not read, such as Zeiss CZI, or TIFF under another
// name, such as DNG: without a word, they would be missing from the measurement.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "../failure/error-code.ts";
import { printable } from "../system/file-name.ts";
import { TIFF_ENDING } from "../system/numbered-name.ts";
import { foreignKind, KIND_BYTES } from "./foreign-kinds.ts";
import { formatOf } from "./format.ts";
import { isPictureName } from "./picture-name.ts";
import { withPictureFile } from "./read-picture.ts";
import { bytesAt, sourceOfFile } from "./tiff/byte-source.ts";

/** Number of files in a directory whose kind is checked. */
const MOST_LOOKED_AT = 32;

/** Names of files that are not finished, or are copies of others: hidden, without an ending, or with such an ending. */
const PASSING = /^\.|^[^.]*$|~$|\.(?:part|partial|filepart|crdownload|download|tmp|temp|swp|bak|backup|old|orig)$/i;
/** The name of an image with something after it, as programs call what they are still writing. */
const NAME_AND_MORE = new RegExp(`${TIFF_ENDING}[\\W_]`, "i");

interface Kind {
  /** Name with its article. */
  readonly name: string;
  readonly remedy: string;
  /** It is read, but only if the user names the file. */
  readonly isReadByName?: boolean;
}

const TIFF: Kind = {
  name: "a TIFF under another name",
  remedy: "give it a name that ends in .tif",
  isReadByName: true,
};

export interface OtherFile {
  /** Printable. */
  readonly name: string;
  readonly kind: Kind;
}

/** Returns such files, among the first files whose names are not those of images. */
export async function otherKinds(directory: string, names: readonly string[]): Promise<OtherFile[]> {
  return new OtherKinds().of(directory, names);
}

/** The same for a directory that is listed again and again: it opens each file once. */
export class OtherKinds {
  readonly #known = new Map<string, Kind | undefined>();

  /** Returns such files among `names`. */
  async of(directory: string, names: readonly string[]): Promise<OtherFile[]> {
    const found: OtherFile[] = [];
    for (const name of names.filter((one) => !isPictureName(one)).sort()) {
      if (!this.#known.has(name) && this.#known.size >= MOST_LOOKED_AT) continue;
      const kind = this.#known.has(name) ? this.#known.get(name) : await this.#look(directory, name);
      if (kind !== undefined) found.push({ name: printable(name).slice(1, -1), kind });
    }
    return found;
  }

  async #look(directory: string, name: string): Promise<Kind | undefined> {
    const bytes = await firstBytes(join(directory, name), KIND_BYTES);
    const kind = foreignKind(bytes) ?? misnamed(bytes, name);
    // An empty file may only have been created: it is looked at again.
    if (bytes.length > 0) this.#known.set(name, kind);
    return kind;
  }
}

function misnamed(bytes: Uint8Array, name: string): Kind | undefined {
  if (PASSING.test(name) || NAME_AND_MORE.test(name)) return undefined;
  return formatOf(bytes) === "TIFF" ? TIFF : undefined;
}

/** Returns the first bytes of a file; empty if it is not a regular file or cannot be read. */
async function firstBytes(path: string, count: number): Promise<Uint8Array> {
  try {
    if (!(await stat(path)).isFile()) return new Uint8Array(0);
    return await withPictureFile(path, ({ handle, bytes }) => bytesAt(sourceOfFile(handle, bytes), 0, count));
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return new Uint8Array(0);
  }
}
