// A finding of a health check: a problem, or a check that is impossible at the moment.

export interface Finding {
  /** A problem has the same key in every check, even if its text differs. */
  readonly key: string;
  /** `unknown`: neither send a notice nor report that the problem is over. There is no finding for a good state. */
  readonly state: "problem" | "unknown";
  /** Text for people: what, where, what to do. Empty if unknown. */
  readonly text: string;
  /** A notice is sent after the problem has lasted this long; absent: it is only shown. */
  readonly notifyAfterSeconds?: number;
  /** It is shown although nothing is wrong now: past failures, a stage that retries. */
  readonly minor?: true;
}

/** Returns the findings that are shown, whether or not a notice is sent. */
export function problemsAmong(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ state }) => state === "problem");
}
