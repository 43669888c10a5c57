// Summarises problems of the mapped nodes, once in the log and in `phorest status`.

import { type OutputReport, REFUSALS_KEPT } from "../../manifest/opcua-output-state.ts";
import { type BoundNode, isWritten } from "./node-table.ts";

/** Returns one line for each thing that nodes do not accept, with their number and the first of them. */
export function whatIsMissing(bound: readonly BoundNode[]): string[] {
  const written = bound.filter(isWritten);
  const frames = written.filter(({ target }) => target.name.kind !== "live");
  const line = (lacking: readonly BoundNode[], text: string): string[] => {
    const [first] = lacking;
    return first === undefined
      ? []
      : [`${lacking.length} of ${written.length} nodes (first: ${first.target.shown}) ${text}`];
  };
  return [
    ...line(
      frames.filter(({ takesTime }) => !takesTime),
      "do not accept a time stamp: the value gets the time of the server",
    ),
    ...line(
      frames.filter(({ takesStatus }) => !takesStatus),
      "do not accept a status: a flagged value looks like a good one there; map flags or quality to other nodes",
    ),
  ];
}

/** Returns the line that a value does not fit into its node's type; `count` nodes have that problem, and this is the first. */
export function outOfRangeLine({ target, type }: BoundNode, count: number): string {
  const others = count > 1 ? ` (and ${count - 1} more)` : "";
  return `${target.shown}${others}: ${target.value} is outside the range of its type, ${type}; the value is not written (use scale and offset, or a wider type)`;
}

/** Returns the summary that the manifest stores. */
export function reportOf(endpoint: string, bound: readonly BoundNode[]): OutputReport {
  const refused = bound.flatMap(({ refusal }) => (refusal === undefined ? [] : [refusal]));
  const written = bound.filter(isWritten);
  return {
    endpoint,
    written: written.length,
    withoutStatus: written.filter(({ takesStatus }) => !takesStatus).length,
    withoutTime: written.filter(({ takesTime }) => !takesTime).length,
    refused: refused.length,
    refusals: refused.slice(0, REFUSALS_KEPT).map(({ node, value, status, cure }) => ({ node, value, status, cure })),
  };
}
