// What a check found: one line each, with what it means and the cure.

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
  /** File or table. */
  readonly subject: string;
  readonly meaning: string;
  readonly cure: string;
  /** What `--repair` did about it; undefined where it did nothing. */
  readonly repaired?: string | undefined;
}

/** `missing   image.png: the picture is gone … (cure)`. */
export function findingLine({ kind, subject, meaning, cure, repaired }: Finding): string {
  return `${kind.padEnd(17)}${subject}: ${meaning} (${repaired === undefined ? cure : `repaired: ${repaired}`})`;
}
