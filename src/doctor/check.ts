// The checks of `phorest doctor`. Each one returns a line and, if there is a problem, what to do. A new check is one function
// and one line in CHECKS (checks.ts).
import type { Config } from "../config/schema.ts";
import { failureLine } from "../failure/failure.ts";

/** `bad`: a run would fail or lose data; `doubt`: a warning; `off`: not configured, so not checked. */
export type Verdict = "good" | "doubt" | "bad" | "off";

export interface Finding {
  readonly verdict: Verdict;
  /** The result, with numbers. */
  readonly found: string;
  /** What to do; absent if there is nothing to do. */
  readonly cure?: string;
}

export interface Check {
  readonly name: string;
  /** Must not change anything permanently. An error that it throws becomes a bad finding. */
  run(config: Config): Promise<Finding | readonly Finding[]>;
}

export interface Diagnosis extends Finding {
  readonly check: string;
}

export const good = (found: string): Finding => ({ verdict: "good", found });
export const off = (found: string): Finding => ({ verdict: "off", found });
export const doubt = (found: string, cure: string): Finding => ({ verdict: "doubt", found, cure });
export const bad = (found: string, cure: string): Finding => ({ verdict: "bad", found, cure });

/** Runs the checks one after the other, so that they do not disturb each other's measurements. */
export async function* diagnose(checks: readonly Check[], config: Config): AsyncGenerator<Diagnosis> {
  for (const { name, run } of checks) {
    const findings = await run(config).catch(
      (error: unknown): Finding => ({ verdict: "bad", found: failureLine(error) }),
    );
    for (const finding of [findings].flat()) yield { check: name, ...finding };
  }
}
