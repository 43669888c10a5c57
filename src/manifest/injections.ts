// Injections and their history: every change is kept with its time and author.
import { Failure } from "../failure/failure.ts";
import { concentrationText } from "../measurement/concentration.ts";
import type { InjectionType } from "../measurement/injection-type.ts";
import { counted } from "../system/counted.ts";
import type { Connection } from "./connection.ts";
import { isoFromUs } from "./timestamps.ts";

/** The data of an injection without its number. Times in microseconds since the epoch. */
export interface InjectionData {
  readonly cycle: number;
  readonly solution: string;
  readonly type: InjectionType;
  /** M (mol/l); null: unknown. */
  readonly concentration: number | null;
  /** Refractive index, for a calibration; null: none. */
  readonly refractiveIndex: number | null;
  readonly startUs: number;
  readonly endUs: number;
  /** null: the dissociation lasts until the next injection. */
  readonly dissociationEndUs: number | null;
  readonly note: string;
}

export interface Injection extends InjectionData {
  readonly injectionId: number;
}

/** An injection that is not stored yet. Without a cycle it starts a new one; a regeneration ends the current cycle. */
export type NewInjection = Omit<InjectionData, "cycle"> & { readonly cycle?: number | undefined };

/** A change to the injections, requested by the page, a pump's program or the command line. `author`: who makes it. */
export type InjectionChange =
  /** Adds all of them, or none. */
  | { readonly type: "add-injections"; readonly author: string; readonly injections: readonly NewInjection[] }
  /** Fields that are absent keep their value. */
  | {
      readonly type: "edit-injection";
      readonly author: string;
      readonly injectionId: number;
      readonly values: Partial<InjectionData>;
    }
  | { readonly type: "remove-injection"; readonly author: string; readonly injectionId: number };

export const INJECTION_CHANGES: ReadonlySet<string> = new Set<InjectionChange["type"]>([
  "add-injections",
  "edit-injection",
  "remove-injection",
]);

/** One change in the history; `before` is undefined for an added injection, `after` for a removed one. */
export interface PastChange {
  readonly injectionId: number;
  readonly madeAtUs: number;
  readonly author: string;
  readonly before: InjectionData | undefined;
  readonly after: InjectionData | undefined;
}

/** Longest name of a solution, author or note, characters. */
export const LONGEST_TEXT = 200;
/** Largest number of injections: enough for one every four minutes for a week. */
export const MOST_INJECTIONS = 3_000;
/** M. No solution is more concentrated; a larger number has a wrong unit. */
const MOST_MOLAR = 100;
/** Range of refractive indices of gases, water and oils. */
const INDEX_RANGE = { least: 1, most: 3 } as const;

const COLUMNS: readonly (readonly [column: string, key: keyof InjectionData])[] = [
  ["cycle", "cycle"],
  ["solution", "solution"],
  ["type", "type"],
  ["concentration", "concentration"],
  ["refractive_index", "refractiveIndex"],
  ["start_us", "startUs"],
  ["end_us", "endUs"],
  ["dissociation_end_us", "dissociationEndUs"],
  ["note", "note"],
];
const SELECTED = ["id AS injectionId", ...COLUMNS.map(([column, key]) => `${column} AS ${key}`)].join(", ");
const NAMES = COLUMNS.map(([column]) => column).join(", ");
const VALUES = COLUMNS.map(([, key]) => `@${key}`).join(", ");
const ASSIGNED = COLUMNS.map(([column, key]) => `${column} = @${key}`).join(", ");

/** Returns what is wrong with a single injection; undefined if it is valid. Units are those of InjectionData. */
function injectionProblem(injection: Omit<InjectionData, "cycle">): string | undefined {
  const { type, concentration, refractiveIndex: index, startUs, endUs, dissociationEndUs: lastUs } = injection;
  if (endUs <= startUs) return `it ends (${isoFromUs(endUs)}) before it starts (${isoFromUs(startUs)})`;
  if (lastUs !== null && lastUs < endUs)
    return `its dissociation ends (${isoFromUs(lastUs)}) before the injection does`;
  if (concentration !== null && !(concentration >= 0 && concentration <= MOST_MOLAR)) {
    return `a concentration of ${concentrationText(concentration)} cannot be; check the unit`;
  }
  if (type === "sample" && concentration === 0)
    return "a sample has a concentration above 0; without it, it is a blank";
  if (type === "blank" && (concentration ?? 0) > 0) return "a blank has no concentration; with one, it is a sample";
  if (type === "calibration" && index === null) return "a calibration needs the refractive index of its solution";
  if (index !== null && !(index >= INDEX_RANGE.least && index <= INDEX_RANGE.most)) {
    return `a refractive index of ${index} cannot be; water has 1.333`;
  }
  return undefined;
}

export class Injections {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Returns all injections in order of time. */
  all(): Injection[] {
    return this.#connection.db.prepare<[], Injection>(`SELECT ${SELECTED} FROM injection ORDER BY start_us, id`).all();
  }

  /** Returns the number of the last change. Data read at the same number is still up to date. */
  lastChange(): number {
    return this.#connection.db.prepare<[], number | null>("SELECT max(id) FROM injection_change").pluck().get() ?? 0;
  }

  /** Returns all changes, oldest first; of one injection, or of all. */
  history(injectionId?: number): PastChange[] {
    interface Row extends Omit<PastChange, "before" | "after"> {
      readonly before: string;
      readonly after: string;
    }
    const rows = this.#connection.db
      .prepare<{ id: number | null }, Row>(
        `SELECT injection_id AS injectionId, made_at_us AS madeAtUs, author,
           coalesce(before, 'null') AS before, coalesce(after, 'null') AS after
         FROM injection_change WHERE @id IS NULL OR injection_id = @id ORDER BY id`,
      )
      .all({ id: injectionId ?? null });
    const data = (json: string) => (JSON.parse(json) as InjectionData | null) ?? undefined;
    return rows.map(({ before, after, ...row }) => ({ ...row, before: data(before), after: data(after) }));
  }

  /**
   * Makes a change; returns what was done, for the log. Throws Failure `usage.invalid`, with nothing changed, if the injection
   * does not exist, is invalid, or overlaps another.
   */
  change(change: InjectionChange, nowUs: number): string {
    return this.#connection.write(() => {
      switch (change.type) {
        case "add-injections":
          return this.#addAll(change.injections, change.author, nowUs);
        case "edit-injection": {
          const { injectionId, ...before } = this.#existing(change.injectionId);
          const after = { ...before, ...change.values };
          this.#check(after, injectionId, `injection ${injectionId}`);
          this.#connection.db
            .prepare(`UPDATE injection SET ${ASSIGNED} WHERE id = @id`)
            .run({ ...after, id: injectionId });
          this.#note(injectionId, change.author, nowUs, before, after);
          return `changed injection ${injectionId}`;
        }
        case "remove-injection": {
          const { injectionId, ...before } = this.#existing(change.injectionId);
          this.#connection.db.prepare("DELETE FROM injection WHERE id = ?").run(injectionId);
          this.#note(injectionId, change.author, nowUs, before, undefined);
          return `removed injection ${injectionId}`;
        }
      }
    });
  }

  #addAll(injections: readonly NewInjection[], author: string, nowUs: number): string {
    const { db } = this.#connection;
    const count = db.prepare<[], number>("SELECT count(*) FROM injection").pluck().get() ?? 0;
    if (count + injections.length > MOST_INJECTIONS) {
      throw refused(`there would be more than ${MOST_INJECTIONS} injections, which is the limit`, "remove some");
    }
    for (const [at, injection] of injections.entries()) {
      const data: InjectionData = { ...injection, cycle: injection.cycle ?? this.#cycleOf(injection) };
      this.#check(
        data,
        undefined,
        injections.length === 1 ? "the injection" : `injection ${at + 1} of ${injections.length}`,
      );
      const { lastInsertRowid } = db.prepare(`INSERT INTO injection (${NAMES}) VALUES (${VALUES})`).run(data);
      this.#note(Number(lastInsertRowid), author, nowUs, undefined, data);
    }
    return injections.length === 1
      ? `added the injection of ${injections[0]?.solution}`
      : `added ${counted(injections.length, "injection")}`;
  }

  /** A regeneration belongs to the cycle of the injection before it; everything else starts a new cycle. */
  #cycleOf({ type, startUs }: NewInjection): number {
    const before = "SELECT cycle FROM injection WHERE start_us < ? ORDER BY start_us DESC LIMIT 1";
    const last = "SELECT coalesce(max(cycle), 0) FROM injection";
    const { db } = this.#connection;
    const earlier = type === "regeneration" ? db.prepare<[number], number>(before).pluck().get(startUs) : undefined;
    return earlier ?? (db.prepare<[], number>(last).pluck().get() ?? 0) + 1;
  }

  #check(data: InjectionData, injectionId: number | undefined, name: string): void {
    const problem = injectionProblem(data);
    if (problem !== undefined) throw refused(`${name}: ${problem}`, "nothing was changed; correct it and try again");
    // Injections do not overlap, so among those that start before its end only the last can reach into it.
    const sql = `SELECT ${SELECTED} FROM injection WHERE start_us < ? AND id IS NOT ? ORDER BY start_us DESC LIMIT 1`;
    const other = this.#connection.db
      .prepare<[number, number | null], Injection>(sql)
      .get(data.endUs, injectionId ?? null);
    if (other === undefined || other.endUs <= data.startUs) return;
    throw refused(
      `${name} overlaps injection ${other.injectionId} (${other.solution}, ${isoFromUs(other.startUs)} to ${isoFromUs(other.endUs)})`,
      "nothing was changed; only one solution can flow over the chip at a time",
    );
  }

  #existing(injectionId: number): Injection {
    const found = this.#connection.db
      .prepare<[number], Injection>(`SELECT ${SELECTED} FROM injection WHERE id = ?`)
      .get(injectionId);
    if (found !== undefined) return found;
    throw refused(`there is no injection ${injectionId}`, "it may have been removed; see `phorest injections list`");
  }

  #note(id: number, author: string, nowUs: number, before?: InjectionData, after?: InjectionData): void {
    const json = (data: InjectionData | undefined) => (data === undefined ? null : JSON.stringify(data));
    this.#connection.db
      .prepare("INSERT INTO injection_change (injection_id, made_at_us, author, before, after) VALUES (?, ?, ?, ?, ?)")
      .run(id, nowUs, author, json(before), json(after));
  }
}

const refused = (message: string, hint: string): Failure => new Failure("usage.invalid", message, { hint });
