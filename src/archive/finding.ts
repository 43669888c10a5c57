// A finding of a check: one line, with its meaning and what to do.

const FINDING_KINDS = [
  "database",
  "missing",
  "damaged",
  "unreadable",
  "returned",
  "not known before",
  "refused",
  "copy gone",
  "copy damaged",
  "unknown file",
  "leftover",
  "stuck",
  "archive",
  "backup",
  "remote away",
] as const;
type FindingKind = (typeof FINDING_KINDS)[number];

export interface Finding {
  readonly kind: FindingKind;
  /** The file or table that it is about. */
  readonly subject: string;
  readonly meaning: string;
  readonly cure: string;
  /** What `--repair` did about it; undefined if nothing. */
  readonly repaired?: string | undefined;
}

/** Formats a finding, such as `missing   image.png: the picture is gone … (cure)`. */
export function findingLine({ kind, subject, meaning, cure, repaired }: Finding): string {
  return `${kind.padEnd(17)}${subject}: ${meaning} (${repaired === undefined ? cure : `repaired: ${repaired}`})`;
}
