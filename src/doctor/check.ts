// What `phorest doctor` asks: a list of small checks, each of which gives a line and, where something is wrong, the
// cure. A new check is one function and one line in CHECKS (checks.ts).
import type { Config } from "../config/schema.ts";
import { failureLine } from "../failure/failure.ts";

/** `bad`: a run will fail or lose something; `doubt`: it will run, but look; `off`: not configured, so not looked at. */
export type Verdict = "good" | "doubt" | "bad" | "off";

export interface Finding {
  readonly verdict: Verdict;
  /** What was found, with its figures. */
  readonly found: string;
  /** What to do; absent where nothing need be done. */
  readonly cure?: string;
}

export interface Check {
  readonly name: string;
  /** Must not change anything that lasts. What it throws is a bad finding. */
  run(config: Config): Promise<Finding | readonly Finding[]>;
}

export interface Diagnosis extends Finding {
  readonly check: string;
}

export const good = (found: string): Finding => ({ verdict: "good", found });
export const off = (found: string): Finding => ({ verdict: "off", found });
export const doubt = (found: string, cure: string): Finding => ({ verdict: "doubt", found, cure });
export const bad = (found: string, cure: string): Finding => ({ verdict: "bad", found, cure });

/** Runs the checks one after the other, so that one's load does not spoil another's figures. */
export async function* diagnose(checks: readonly Check[], config: Config): AsyncGenerator<Diagnosis> {
  for (const { name, run } of checks) {
    const findings = await run(config).catch(
      (error: unknown): Finding => ({ verdict: "bad", found: failureLine(error) }),
    );
    for (const finding of [findings].flat()) yield { check: name, ...finding };
  }
}
