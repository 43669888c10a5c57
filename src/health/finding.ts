// What was found when an experiment was looked at: a problem, or that it cannot be told whether there is one.

export interface Finding {
  /** The same problem has the same key in every look, whatever its words. */
  readonly key: string;
  /** `unknown`: neither a reason to tell somebody nor to say that it is over. What is well is no finding. */
  readonly state: "problem" | "unknown";
  /** For a person: what, where, what to do. Empty while unknown. */
  readonly text: string;
  /** Somebody is told once it has lasted so long; absent: it is shown and nobody is told. */
  readonly notifyAfterSeconds?: number;
  /** It is shown, and nothing is wrong now: past failures, a stage that tries again. */
  readonly minor?: true;
}

/** What is to be seen by a person, whether or not somebody is told. */
export function problemsAmong(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ state }) => state === "problem");
}
