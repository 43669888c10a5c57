// The form of one injection: a new one, or one that is changed.
import { useEffect, useRef, useState } from "preact/hooks";
import { CONCENTRATION_RULE, concentrationText, molarOf } from "../../measurement/concentration.ts";
import { INJECTION_TYPES, type InjectionType } from "../../measurement/injection-type.ts";
import type { InjectionView } from "../evaluation-views.ts";
import { typedNumber } from "./format.ts";
import { fromTyped, TYPED_TIME, typed, zoneName } from "./time.ts";

/** An injection before it is saved. Without `id` it is new; without `cycle` it begins one. */
export type Draft = Omit<InjectionView, "id" | "cycle"> & { readonly id?: number; readonly cycle?: number };

interface FormProps {
  readonly draft: Draft;
  /** Solutions that are known, to choose from. */
  readonly solutions: readonly string[];
  /** Resolves to whether it was saved. */
  save(draft: Draft): Promise<boolean>;
  cancel(): void;
}

/** The fields as they are typed. */
type Typed = Readonly<
  Record<"cycle" | "solution" | "concentration" | "index" | "start" | "end" | "last" | "note", string>
>;

function typedOf({ cycle, solution, concentration, refractiveIndex, start, end, dissociationEnd, note }: Draft): Typed {
  return {
    cycle: cycle === undefined ? "" : String(cycle),
    solution,
    concentration: concentration === null ? "" : concentrationText(concentration),
    index: refractiveIndex === null ? "" : String(refractiveIndex),
    start: typed(start),
    end: typed(end),
    last: dissociationEnd === null ? "" : typed(dissociationEnd),
    note,
  };
}

export function InjectionForm({ draft, solutions, save, cancel }: FormProps) {
  const [fields, setFields] = useState(() => typedOf(draft));
  const [type, setType] = useState<InjectionType>(draft.type);
  const [wrong, setWrong] = useState("");
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => {
    setFields((known) => ({ ...typedOf(draft), solution: known.solution, concentration: known.concentration }));
  }, [draft.start, draft.end, draft.dissociationEnd]);
  useEffect(() => first.current?.focus(), [draft.id]);
  const submit = (event: Event) => {
    event.preventDefault();
    const read = readOf(fields, draft);
    if (typeof read === "string") return setWrong(read);
    setWrong("");
    void save({ ...draft, ...read, type });
  };
  const field = (key: keyof Typed, label: string, more: object = {}) => (
    <label>
      {label}
      <input
        value={fields[key]}
        onInput={(event) => setFields({ ...fields, [key]: event.currentTarget.value })}
        {...more}
      />
    </label>
  );
  const time = { pattern: TYPED_TIME, title: "Date and time, for example 2026-03-04 15:20:05", class: "moment" };
  return (
    <form
      class="row"
      aria-label={draft.id === undefined ? "New injection" : `Injection ${draft.id}`}
      onSubmit={submit}
      onKeyDown={(event) => event.key === "Escape" && cancel()}
    >
      <label class="wide">
        Solution
        <input
          ref={first}
          required
          maxLength={200}
          list="solutions"
          value={fields.solution}
          onInput={(event) => setFields({ ...fields, solution: event.currentTarget.value })}
        />
      </label>
      <datalist id="solutions">
        {solutions.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <label>
        Type
        <select value={type} onChange={(event) => setType(event.currentTarget.value as InjectionType)}>
          {INJECTION_TYPES.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      {field("concentration", "Concentration", { class: "short", placeholder: "50 nM", title: CONCENTRATION_RULE })}
      {field("index", "Refractive index", { class: "short", inputMode: "decimal", placeholder: "1.3340" })}
      {field("cycle", "Cycle", { class: "short", inputMode: "numeric", placeholder: "next" })}
      {field("start", `Start, ${zoneName()}`, { ...time, required: true })}
      {field("end", "End", { ...time, required: true })}
      {field("last", "End of dissociation", { ...time, placeholder: "next injection" })}
      {field("note", "Note", { maxLength: 200 })}
      <button type="submit">{draft.id === undefined ? "Add injection" : "Save"}</button>
      <button type="button" class="plain" onClick={cancel}>
        Cancel
      </button>
      {wrong !== "" && (
        <span class="error" role="alert">
          {wrong}
        </span>
      )}
    </form>
  );
}

/** Returns the typed values, or a message that says what is wrong. An unchanged time keeps its fraction of a second. */
function readOf(fields: Typed, draft: Draft): Omit<Draft, "type" | "id"> | string {
  const time = (text: string, known: number | null) =>
    known !== null && text === typed(known) ? known : fromTyped(text);
  const start = time(fields.start, draft.start);
  const end = time(fields.end, draft.end);
  const last = fields.last.trim() === "" ? null : time(fields.last, draft.dissociationEnd);
  if (Number.isNaN(start) || Number.isNaN(end) || Number.isNaN(last ?? 0))
    return "A time is not valid. Write it as 2026-03-04 15:20:05.";
  const concentration = fields.concentration.trim() === "" ? null : molarOf(fields.concentration);
  if (concentration === undefined) return `The concentration needs ${CONCENTRATION_RULE}.`;
  const refractiveIndex = fields.index.trim() === "" ? null : typedNumber(fields.index);
  if (refractiveIndex === undefined) return "The refractive index needs a number, such as 1.334.";
  const cycle = fields.cycle.trim() === "" ? undefined : Number(fields.cycle);
  if (cycle !== undefined && !(Number.isInteger(cycle) && cycle > 0)) return "The cycle needs a whole number from 1.";
  const { solution, note } = fields;
  return {
    solution: solution.trim(),
    note: note.trim(),
    concentration,
    refractiveIndex,
    start,
    end,
    dissociationEnd: last,
    ...(cycle === undefined ? {} : { cycle }),
  };
}
