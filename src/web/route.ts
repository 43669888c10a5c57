// The description of one route of the HTTP API. The tables are experiment-routes.ts, evaluation-routes.ts and
// calibration-routes.ts.
import type * as z from "zod";

/** A body that is an image file instead of JSON. */
export const IMAGE_FILE = "image file";

export const JSON_TYPE = "application/json";
export const CSV_TYPE = "text/csv; charset=utf-8";
export interface Route {
  /** GET reads; every other method changes something and needs the token. */
  readonly method: "get" | "post" | "put" | "delete";
  /** `:name` is a parameter. */
  readonly path: string;
  /** What it does, for the documentation. */
  readonly summary: string;
  /** Parameters of the path. */
  readonly parameters?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodObject | typeof IMAGE_FILE;
  readonly answer: {
    /** Media type. */
    readonly type: string;
    readonly what: string;
    /** When the answer is 404. */
    readonly missing?: string;
    /** When the answer is 204. */
    readonly empty?: string;
  };
}

/** The answer to a change. */
export const DONE = { type: JSON_TYPE, what: '`{"done": true}`' };
/** The answer to a request for an image tile. */
export const TILE = {
  type: "image/jpeg",
  what: "The tile",
  missing: "there is no such tile",
  empty: "the image has been replaced by a newer one",
};

/** The media types of an image file; any subtype of image is accepted. */
export const IMAGE_TYPES = ["image/*", "application/octet-stream", "application/gzip", "application/x-gzip"] as const;

/** Whether requests with this method change something and therefore always need the token. */
export function changesSomething(method: string): boolean {
  return !["GET", "HEAD"].includes(method.toUpperCase());
}
