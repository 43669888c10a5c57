// The name that metadata and tables use for a picture.
import { GZIPPED } from "../../system/numbered-name.ts";

/**
 * Returns a name without directories and without the ending of gzip: the picture may have been compressed since it was named.
 */
export const plainName = (file: string): string => (file.split(/[\\/]/).at(-1) ?? file).replace(GZIPPED, "");
