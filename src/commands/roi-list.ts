// The option --roi of commands that show ROIs: names, one after the other or separated by commas.
import { labelPatterns } from "../measurement/keep-rois.ts";

/** What the option is, without its text for the help. */
export const ROI_LIST = {
  type: "string",
  array: true,
  requiresArg: true,
  coerce: (given: readonly string[] | undefined) => given?.flatMap((text) => labelPatterns("--roi", text)),
} as const;
