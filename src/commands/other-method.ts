// A method that was changed in the configuration when frames had been measured already.
import type { Config } from "../config/schema.ts";
import type { Manifest } from "../manifest/manifest.ts";

/**
 * One line for a configured method by which no frame has been measured, while frames have been by another; undefined where there is
 * nothing to say.
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
