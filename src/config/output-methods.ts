// The outputs in one table: the values of [Communication] method, and what other parts of the program need to know about an
// output without its code. The code is the row of the same name in src/outputs/outputs.ts.

import type { StageName } from "../log/stage-names.ts";

interface OutputFacts {
  /** Name of its cursor in the database; must never change. */
  readonly name: string;
  /** The stage that runs it, and the name of its log. */
  readonly stage: StageName;
  /** How people see it named where frames are waiting for it. */
  readonly shownAs: string;
  /**
   * After `phorest verify --repair`, the database may lack some of what was delivered. A file that must agree with the database
   * is rewritten from the beginning; anything else continues where it was, and gets nothing twice.
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

/** Returns how an output is named for people, by the name of its cursor; that name for one that this version does not know. */
export function outputShownAs(name: string): string {
  return Object.values(OUTPUT_FACTS).find((facts) => facts.name === name)?.shownAs ?? name;
}
