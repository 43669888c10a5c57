// One finding of a health check: a problem, or that phorest cannot find out whether there is one.

export interface Finding {
  /** The same problem has the same key in every check, even if its text differs. */
  readonly key: string;
  /** `unknown`: neither a reason to send a notice nor to say that the problem is over. A good state is no finding. */
  readonly state: "problem" | "unknown";
  /** For a person: what, where, what to do. Empty while unknown. */
  readonly text: string;
  /** A notice is sent once the problem has lasted this long; absent: it is shown only. */
  readonly notifyAfterSeconds?: number;
  /** It is shown, and nothing is wrong now: past failures, a stage that tries again. */
  readonly minor?: true;
}

/** What is shown, whether or not a notice is sent. */
export function problemsAmong(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ state }) => state === "problem");
}
