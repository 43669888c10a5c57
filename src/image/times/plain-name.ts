// The name under which metadata and tables know a picture.
import { GZIPPED } from "../../system/numbered-name.ts";

/** A name without directories and without the ending of gzip: the picture may have been compressed since it was named. */
export const plainName = (file: string): string => (file.split(/[\\/]/).at(-1) ?? file).replace(GZIPPED, "");
