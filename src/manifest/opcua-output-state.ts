// What the manifest stores about the OPC UA output in addition to its cursor, for `phorest status`.
import * as z from "zod";
import { OUTPUT_FACTS } from "../config/output-methods.ts";

/** Name of the output in the manifest. */
export const OPC_UA_OUTPUT = OUTPUT_FACTS.OPC_UA.name;

const REFUSAL = z.object({ node: z.string(), value: z.string(), status: z.string(), cure: z.string() });
const STATE = z.object({
  endpoint: z.string(),
  /** Number of nodes that are written, and of those that do not accept a status or a time stamp. */
  written: z.int(),
  withoutStatus: z.int(),
  withoutTime: z.int(),
  refused: z.int(),
  /** The first of the refused nodes. */
  refusals: z.array(REFUSAL),
});

export type OutputReport = z.output<typeof STATE>;
/** Number of refusals stored in the manifest; hundreds usually have one cause. */
export const REFUSALS_KEPT = 20;

/** Parses the stored report; undefined if there is none, or one that this version cannot read. */
export function parseOutputReport(json: string | undefined): OutputReport | undefined {
  if (json === undefined) return undefined;
  try {
    return STATE.safeParse(JSON.parse(json)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Returns one line for each stored refusal, and one for the rest. */
export function refusalLines({ refusals, refused }: OutputReport): string[] {
  const lines = refusals.map(({ node, value, status, cure }) => `${node} (${value}): ${status}: ${cure}`);
  return refused > refusals.length ? [...lines, `${refused - refusals.length} more nodes refused`] : lines;
}
