// The analysis that all views show: chosen by name in the header, and kept in the page's address, so that a link shows the
// same.
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { counted } from "../../system/counted.ts";
import type { ChangeView, MarkerView, StateView } from "../views.ts";
import { moment } from "./time.ts";

export interface AnalysisChoice {
  /** Name of the analysis; undefined: the default. */
  readonly name: string | undefined;
  /** With the frames of the analyses that it continues. */
  readonly joined: boolean;
}

/** Reads the choice from the address. */
export function addressedAnalysis(): AnalysisChoice {
  const given = new URLSearchParams(location.search);
  return { name: given.get("analysis") ?? undefined, joined: given.get("joined") === "1" };
}

function queryOf({ name, joined }: AnalysisChoice): URLSearchParams {
  const query = new URLSearchParams();
  if (name !== undefined) query.set("analysis", name);
  if (joined) query.set("joined", "1");
  return query;
}

/** Puts a choice into the address. */
export function addressAnalysis(choice: AnalysisChoice): void {
  const query = queryOf(choice);
  const search = query.size === 0 ? "" : `?${query}`;
  history.replaceState(undefined, "", `${location.pathname}${search}${location.hash}`);
}

interface Shown extends AnalysisChoice {
  /** Changes with each frame that it measures. */
  readonly news: string;
  join(joined: boolean): void;
}

export const ShownAnalysis = createContext<Shown>({
  name: undefined,
  joined: false,
  news: "",
  join: () => undefined,
});

/** Returns the shown analysis. `of` gives the address of a request for it; `ofOne` does too, but never joins other analyses. */
export function useAnalysis(): Shown & { of(path: string): string; ofOne(path: string): string } {
  const shown = useContext(ShownAnalysis);
  const addressed = (path: string, { name, joined }: AnalysisChoice) => {
    const query = queryOf({ name, joined });
    return query.size === 0 ? path : `${path}${path.includes("?") ? "&" : "?"}${query}`;
  };
  return {
    ...shown,
    of: (path) => addressed(path, shown),
    ofOne: (path) => addressed(path, { name: shown.name, joined: false }),
  };
}

interface ChooserProps {
  readonly analyses: StateView["analyses"];
  readonly name: string | undefined;
  choose(name: string | undefined): void;
}

/** Shows the chooser; nothing if there is no choice. */
export function AnalysisChooser({ analyses, name, choose }: ChooserProps) {
  if (analyses.length < 2) return null;
  const current = analyses.find((one) => one.current);
  return (
    <label class="inline analysis">
      Analysis
      <select
        value={name ?? current?.name}
        onChange={(event) => {
          const chosen = event.currentTarget.value;
          choose(chosen === current?.name ? undefined : chosen);
        }}
      >
        {analyses.map((one) => (
          <option key={one.name} value={one.name}>
            {one.name} ({one.name === one.method ? "" : `${one.method}, `}
            {counted(one.frames, "frame")})
          </option>
        ))}
      </select>
    </label>
  );
}

interface Changed {
  readonly joined: boolean;
  readonly changes: readonly ChangeView[];
}

/** Shows where the run continued with another analysis, and lets the user join the curves there. */
export function Changes({ joined, changes }: Changed) {
  // The box shows the choice immediately; the text shows what is drawn.
  const { join, joined: isChosen } = useAnalysis();
  if (changes.length === 0) return null;
  return (
    <div class="changes">
      <label class="inline">
        <input type="checkbox" checked={isChosen} onChange={(event) => join(event.currentTarget.checked)} /> join the
        curves across {changes.length === 1 ? "this change" : `these ${changes.length} changes`}
      </label>
      <ul>
        {changes.map(({ at, text, detail }) => (
          <li key={at}>
            {moment(at)}: {text}; {detail}.
          </li>
        ))}
      </ul>
      <p class="quiet">
        {joined
          ? "A step at a change is what the sample did meanwhile and the new place of the ROIs together. Combining the halves of each bow-tie cancels a shift of both."
          : "Each analysis is shown by itself, with a baseline of its own."}
      </p>
    </div>
  );
}

/** Returns the markers, plus the changes that the curves are joined across. */
export function withChanges(markers: readonly MarkerView[], { joined, changes }: Changed): readonly MarkerView[] {
  if (!joined) return markers;
  // A run adds its own marker if it begins with other ROIs. No marker has a number below 1.
  const unmarked = changes.filter(({ at }) => !markers.some((marker) => marker.at === at));
  const marks = unmarked.map(({ at, text }, index) => ({ id: -1 - index, at, text }));
  return [...markers, ...marks].sort((one, other) => one.at - other.at);
}
