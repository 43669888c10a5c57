// What an address of the HTTP API says of itself. The tables are experiment-routes.ts, evaluation-routes.ts and
// calibration-routes.ts.
import type * as z from "zod";

/** A body that is an image file instead of JSON. */
export const IMAGE_FILE = "image file";

export const JSON_TYPE = "application/json";
export const CSV_TYPE = "text/csv; charset=utf-8";
export interface Route {
  /** Reading is GET; everything else changes something and needs the token. */
  readonly method: "get" | "post" | "put" | "delete";
  /** `:name` is a parameter. */
  readonly path: string;
  /** What it does, for people. */
  readonly summary: string;
  /** Of the path. */
  readonly parameters?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodObject | typeof IMAGE_FILE;
  readonly answer: {
    /** Media type. */
    readonly type: string;
    readonly what: string;
    /** When it answers 404. */
    readonly missing?: string;
    /** When it answers 204. */
    readonly empty?: string;
  };
}

/** What a change answers. */
export const DONE = { type: JSON_TYPE, what: '`{"done": true}`' };
/** What a tile of an image answers. */
export const TILE = {
  type: "image/jpeg",
  what: "The tile",
  missing: "there is no such tile",
  empty: "the image has been replaced by a newer one",
};

/** The media types of an image file, of which any subtype of image is one. */
export const IMAGE_TYPES = ["image/*", "application/octet-stream", "application/gzip", "application/x-gzip"] as const;

/** Whether a request with this method changes something, so that it needs the token always. */
export function changesSomething(method: string): boolean {
  return !["GET", "HEAD"].includes(method.toUpperCase());
}
