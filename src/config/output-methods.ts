// Where results can go, in one table: what [Communication] method takes, and what other parts of the program need to know of an
// output without its code. The code is the row of the same name in src/outputs/outputs.ts.

import type { StageName } from "../log/levels.ts";

interface OutputFacts {
  /** Name of its cursor in the database; never changes. */
  readonly name: string;
  /** The stage that runs it, which is also the name of its log. */
  readonly stage: StageName;
  /** How `phorest status` says where frames are waiting to go. */
  readonly shownAs: string;
  /**
   * After `phorest verify --repair` some of what was delivered may be missing in the database. A file that must agree with the
   * database is written again from its beginning; anything else continues where it was, and gets nothing twice.
   */
  readonly afterRepair: "rewrite" | "continue";
}

export const OUTPUT_FACTS = {
  CSV_PLOT: { name: "csv", stage: "communicator", shownAs: "the CSV", afterRepair: "rewrite" },
  OPC_UA: { name: "opcua", stage: "opcua", shownAs: "the OPC UA server", afterRepair: "continue" },
} as const satisfies Readonly<Record<string, OutputFacts>>;

export type OutputMethod = keyof typeof OUTPUT_FACTS;

/** Their names in the configuration. */
export const OUTPUT_METHODS = Object.keys(OUTPUT_FACTS) as [OutputMethod, ...OutputMethod[]];

/** Facts of an output by the name of its cursor; undefined for one that this version does not know. */
export function outputFacts(name: string): OutputFacts | undefined {
  return Object.values(OUTPUT_FACTS).find((facts) => facts.name === name);
}
