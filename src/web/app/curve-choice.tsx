// The choice of curves: the form, its storage in this browser, and the query that it makes.
import { useEffect, useState } from "preact/hooks";
import type { ChipView } from "../views.ts";
import { AS_MEASURED, type Shown } from "./rolling-form.tsx";

export interface Choice {
  /** As typed: ROI names with * and group:NAME, comma-separated. */
  readonly wanted: string;
  readonly pairs: boolean;
  /** As typed; undefined: the configured references. */
  readonly references: string | undefined;
}

const KEPT = "phorest-curves";

export function keptChoice(): Choice | undefined {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEPT) ?? "null");
    if (typeof kept !== "object" || kept === null || !("wanted" in kept) || typeof kept.wanted !== "string")
      return undefined;
    const references = "references" in kept && typeof kept.references === "string" ? kept.references : undefined;
    return { wanted: kept.wanted, pairs: "pairs" in kept && kept.pairs === true, references };
  } catch {
    // Stored by another version: start with the defaults.
    return undefined;
  }
}

export function keepChoice(choice: Choice): void {
  localStorage.setItem(KEPT, JSON.stringify(choice));
}

const FIRST_CURVES = 4;

/** Returns a few curves from the middle of the chip, so that the first view is not empty. */
export function firstChoice(chip: ChipView): Choice {
  const pairs = chip.gratings.length > 0;
  const all = pairs ? chip.gratings : chip.rois.map(({ label }) => label);
  const middle = Math.max(0, (all.length >> 1) - (FIRST_CURVES >> 1));
  return { wanted: all.slice(middle, middle + FIRST_CURVES).join(", "), pairs, references: undefined };
}

export const listOf = (typed: string) =>
  typed
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");

export function curvesAddress(
  path: string,
  choice: Choice,
  range: readonly [number, number] | undefined,
  columns: number,
  shown: Shown = AS_MEASURED,
): string {
  const query = new URLSearchParams({ pairs: choice.pairs ? "1" : "0", columns: String(columns) });
  if (shown.show !== "measured") {
    query.set("show", shown.show);
    query.set("frames", String(shown.frames));
  }
  for (const roi of listOf(choice.wanted)) query.append("roi", roi);
  if (choice.references !== undefined) {
    query.set("own", "1");
    for (const reference of listOf(choice.references)) query.append("reference", reference);
  }
  if (range !== undefined) {
    query.set("from", String(Math.max(0, range[0])));
    query.set("to", String(range[1]));
  }
  return `${path}?${query}`;
}

export function ChoiceForm({
  choice,
  chip,
  choose,
}: {
  choice: Choice | undefined;
  chip: ChipView | undefined;
  choose(next: Choice): void;
}) {
  const [typed, setTyped] = useState(choice?.wanted ?? "");
  const [references, setReferences] = useState(choice?.references ?? "");
  useEffect(() => setTyped(choice?.wanted ?? ""), [choice?.wanted]);
  const submit = (event: Event) => {
    event.preventDefault();
    choose({
      wanted: typed,
      pairs: choice?.pairs ?? false,
      references: references.trim() === "" ? undefined : references,
    });
  };
  const add = (name: string) =>
    choose({
      pairs: false,
      references: undefined,
      ...choice,
      wanted: typed.trim() === "" ? name : `${typed}, ${name}`,
    });
  return (
    <form class="row" onSubmit={submit}>
      <label class="wide">
        ROI names, comma-separated; * matches any
        <input value={typed} list="labels" onInput={(event) => setTyped(event.currentTarget.value)} />
      </label>
      <datalist id="labels">
        {chip?.gratings.map((label) => (
          <option key={label} value={label} />
        ))}
      </datalist>
      <label class="wide">
        References (if empty:{" "}
        {chip === undefined || chip.references.length === 0 ? "none" : `the ${chip.references.length} configured`}
        )
        <input value={references} onInput={(event) => setReferences(event.currentTarget.value)} />
      </label>
      <label class="inline">
        <input
          type="checkbox"
          checked={choice?.pairs ?? false}
          onChange={(event) =>
            choose({ references: undefined, ...choice, wanted: typed, pairs: event.currentTarget.checked })
          }
        />
        combine the halves of each bow-tie
      </label>
      <button type="submit">Show</button>
      {(chip?.groups ?? []).slice(0, 12).map((name) => (
        <button type="button" key={name} onClick={() => add(`group:${name}`)}>
          + group {name}
        </button>
      ))}
    </form>
  );
}
