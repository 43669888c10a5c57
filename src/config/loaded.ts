// The effective settings, and where each value came from.
import type { Config } from "./schema.ts";

/** Where a value came from. */
export type Origin =
  | { readonly kind: "file"; readonly file: string; readonly line?: number }
  | { readonly kind: "environment"; readonly variable: string }
  | { readonly kind: "option"; readonly option: string }
  | "default"
  | "simulated default";

/** Settings with their origins. */
export interface Loaded {
  readonly config: Config;
  /** By "Section.key", for every key. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** Warnings for people; the settings are valid nevertheless. */
  readonly warnings: readonly string[];
  /** Absolute path; undefined if the built-in defaults apply. */
  readonly file?: string;
  /** Text of the file as read; empty without a file. */
  readonly text: string;
}
