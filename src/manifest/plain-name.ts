// A picture and its compressed form are one.

/** The name of a picture without `.gz`. */
export const plainName = (filename: string): string => filename.replace(/\.gz$/, "");
