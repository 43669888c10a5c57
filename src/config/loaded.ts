// Settings in force, and where each value came from.
import type { Config } from "./schema.ts";

/** Where a value came from. */
export type Origin =
  | { readonly kind: "file"; readonly file: string; readonly line?: number }
  | { readonly kind: "environment"; readonly variable: string }
  | { readonly kind: "option"; readonly option: string }
  | "default"
  | "simulated default";

/** Settings with their provenance. */
export interface Loaded {
  readonly config: Config;
  /** By "Section.key", for every key there is. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** Lines a person should read; the settings are valid nevertheless. */
  readonly warnings: readonly string[];
  /** Absolute; undefined where the built-in defaults apply. */
  readonly file?: string;
  /** The file's text as read; empty without a file. */
  readonly text: string;
}
