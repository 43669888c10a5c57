// Schemas of requests about injections, and the format of the answers. Times are ms since 1970, concentrations M.
import * as z from "zod";
import { line } from "../config/field.ts";
import { type Injection, LONGEST_TEXT, MOST_INJECTIONS, type NewInjection } from "../manifest/injections.ts";
import { INJECTION_TYPES } from "../measurement/injection-type.ts";
import type { InjectionView } from "./evaluation-views.ts";
import type { Change } from "./messages.ts";
import { microseconds, moment } from "./queries.ts";

const author = line(LONGEST_TEXT).min(1).default("web page").describe("Who makes the change, for the history");

const fields = {
  cycle: z.number().int().min(1).max(1e6).describe("Injections that belong together; without it a new cycle begins"),
  solution: line(LONGEST_TEXT).min(1).describe("Name of the solution"),
  type: z.enum(INJECTION_TYPES).describe("What the injection is for"),
  concentration: z.number().nullable().describe("M (mol/l); null: not known"),
  refractiveIndex: z.number().nullable().describe("Refractive index of a calibration; null: none"),
  start: moment.describe("Start of the injection, ms since 1970"),
  end: moment.describe("End of the injection, ms since 1970"),
  dissociationEnd: moment.nullable().describe("End of the dissociation, ms since 1970; null: the next injection"),
  note: z.union([z.literal(""), line(LONGEST_TEXT)]).describe("Anything else"),
};

const injection = z.strictObject({
  ...fields,
  cycle: fields.cycle.optional(),
  type: fields.type.default("sample"),
  concentration: fields.concentration.default(null),
  refractiveIndex: fields.refractiveIndex.default(null),
  dissociationEnd: fields.dissociationEnd.default(null),
  note: fields.note.default(""),
});

export const INJECTION = injection.extend({ author });
export const NEW_INJECTIONS = z.strictObject({
  injections: z.array(injection).min(1).max(MOST_INJECTIONS).describe("Either all of them are added or none"),
  author,
});
export const INJECTION_EDIT = z
  .strictObject({ ...fields, author })
  .partial()
  .refine(
    ({ author: _, ...values }) => Object.values(values).some((value) => value !== undefined),
    "nothing to change",
  );
export const INJECTION_ID = z.object({
  id: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).describe("`id` of the injection"),
});
export const INJECTION_AUTHOR = z.object({ author });

export const INJECTION_FILE = z.strictObject({
  csv: z.string().min(1).describe("Text of a CSV file as `phorest injections import` reads it"),
  name: line(LONGEST_TEXT).min(1).default("the file").describe("Name of the file, for messages"),
  author,
});

export function newInjections(given: readonly z.output<typeof injection>[], by: string): Change {
  const injections = given.map(({ start, end, dissociationEnd, cycle, ...rest }) => ({
    ...(cycle === undefined ? {} : { cycle }),
    solution: rest.solution,
    type: rest.type,
    concentration: rest.concentration,
    refractiveIndex: rest.refractiveIndex,
    startUs: microseconds(start),
    endUs: microseconds(end),
    dissociationEndUs: dissociationEnd === null ? null : microseconds(dissociationEnd),
    note: rest.note,
  }));
  return { type: "add-injections", author: by, injections };
}

export function editedInjection(
  injectionId: number,
  { author: by = "web page", start, end, dissociationEnd, ...rest }: z.output<typeof INJECTION_EDIT>,
): Change {
  const values = {
    ...rest,
    startUs: start === undefined ? undefined : microseconds(start),
    endUs: end === undefined ? undefined : microseconds(end),
    dissociationEndUs: dissociationEnd == null ? dissociationEnd : microseconds(dissociationEnd),
  };
  return { type: "edit-injection", author: by, injectionId, values: given(values) };
}

/** Returns the request body that `phorest injections` sends; the inverse of the above. */
export function injectionRequest({
  startUs,
  endUs,
  dissociationEndUs: lastUs,
  ...rest
}: Partial<NewInjection>): object {
  const ms = (us: number | null | undefined) => (us == null ? us : us / 1000);
  return given({ ...rest, start: ms(startUs), end: ms(endUs), dissociationEnd: ms(lastUs) });
}

/** Returns an injection in the format of the API. */
export function injectionView({
  injectionId: id,
  startUs,
  endUs,
  dissociationEndUs,
  ...rest
}: Injection): InjectionView {
  const dissociationEnd = dissociationEndUs === null ? null : dissociationEndUs / 1000;
  return { id, ...rest, start: startUs / 1000, end: endUs / 1000, dissociationEnd };
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Returns only the fields that have a value. */
function given<T extends object>(values: T): Given<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<T>;
}
