// An image and its compressed form count as the same file.

/** Returns the name of an image without `.gz`. */
export const plainName = (filename: string): string => filename.replace(/\.gz$/, "");
