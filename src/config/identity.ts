// What an experiment is called, and what is known of it, for everything that people read.
import { basename } from "node:path";
import type { Config } from "./schema.ts";

/** What an experiment is called: its name, else that of its directory. */
export function experimentName({ Experiment: { name }, Paths }: Pick<Config, "Experiment" | "Paths">): string {
  return name ?? basename(Paths.root_dir);
}

/** What is known of an experiment besides its name, for people: what it is, and the words. */
export function experimentFacts({ Experiment: of }: Pick<Config, "Experiment">): [what: string, text: string][] {
  const facts: [string, string | undefined][] = [
    ["sample", of.sample],
    ["operator", of.operator],
    ["analytes", of.analytes.length === 0 ? undefined : of.analytes.join(", ")],
    ["note", of.note],
  ];
  return facts.flatMap(([what, text]) => (text === undefined ? [] : [[what, text] as [string, string]]));
}
