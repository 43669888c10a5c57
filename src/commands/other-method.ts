// Detects that the configured method was changed after frames had been measured.
import type { Config } from "../config/schema.ts";
import type { Manifest } from "../manifest/manifest.ts";

/**
 * Returns one line if no frame has been measured with the configured method, but frames have been measured with another;
 * otherwise undefined.
 */
export function otherMethodLine(
  { analyses, history }: Pick<Manifest, "analyses" | "history">,
  { Data_Analysis: { method } }: Pick<Config, "Data_Analysis">,
): string | undefined {
  const inForce = analyses.inForce();
  if (inForce === undefined || analyses.all().some((one) => one.method === method)) return undefined;
  const { processed } = history.counts();
  const frames = processed === 1 ? "1 frame is" : `${processed} frames are`;
  return `Data_Analysis.method is ${method}, but ${frames} measured with ${inForce.method} (analysis "${inForce.name}"); \`phorest remeasure\` measures them again with ${method}`;
}
