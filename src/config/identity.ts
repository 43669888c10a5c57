// The name and description of an experiment, for everything that people read.
import { basename } from "node:path";
import type { Config } from "./schema.ts";

/** Returns the name of an experiment, otherwise that of its directory. */
export function experimentName({ Experiment: { name }, Paths }: Pick<Config, "Experiment" | "Paths">): string {
  return name ?? basename(Paths.root_dir);
}

/** Returns the other facts about an experiment, as pairs of label and text. */
export function experimentFacts({ Experiment: of }: Pick<Config, "Experiment">): [what: string, text: string][] {
  const facts: [string, string | undefined][] = [
    ["sample", of.sample],
    ["operator", of.operator],
    ["analytes", of.analytes.length === 0 ? undefined : of.analytes.join(", ")],
    ["note", of.note],
  ];
  return facts.flatMap(([what, text]) => (text === undefined ? [] : [[what, text] as [string, string]]));
}
