// Reads the sensitivity from the configuration.

import type { Config } from "../config/schema.ts";
import type { Sensitivity } from "./precision.ts";

/** Returns the shift of a resonance per RIU with its standard error; undefined if none is configured. */
export function sensitivityOf({
  sensitivity_px_per_riu,
  sensitivity_error_px_per_riu,
}: Config["Analysis"]): Sensitivity | undefined {
  if (sensitivity_px_per_riu === undefined) return undefined;
  return { pxPerRiu: sensitivity_px_per_riu, errorPxPerRiu: sensitivity_error_px_per_riu };
}
