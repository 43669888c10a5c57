// Loads results that the server computes from all frames: again immediately after a change of the injections, and occasionally
// for new frames.
import { useEffect, useRef, useState } from "preact/hooks";
import type { InjectionView } from "../evaluation-views.ts";
import type { StateView } from "../views.ts";
import type { Answer } from "./answer.ts";
import { get, isForNow, reasonOf } from "./api.ts";

/** New frames are evaluated this often. */
const FRESH_MS = 10_000;
const AGAIN_MS = 3000;

/** Returns the last outcome, updated at most every `everyMs`. */
function useSlowly(outcome: number, now: number, everyMs: number): number {
  const kept = useRef({ outcome, at: now });
  if (kept.current.outcome !== outcome && now - kept.current.at >= everyMs) kept.current = { outcome, at: now };
  return kept.current.outcome;
}

/**
 * Returns the JSON at `path`, kept up to date; nothing while it is undefined. Keeps the last result of a path until there is a
 * newer one. `everyMs`: minimum interval of updates for new frames.
 */
export function useEvaluation<T>(path: string | undefined, state: StateView, everyMs = FRESH_MS): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T> & { readonly of: string | undefined }>({
    value: undefined,
    message: "",
    of: undefined,
  });
  const outcome = useSlowly(state.outcome, state.now, everyMs);
  useEffect(() => {
    if (path === undefined) return;
    const ending = new AbortController();
    let again: ReturnType<typeof setTimeout> | undefined;
    const read = () =>
      get<T>(path, ending.signal).then(
        (value) => setAnswer({ value, message: "", of: path }),
        (error: unknown) => {
          if (ending.signal.aborted) return;
          const isLate = isForNow(error);
          const message = isLate ? "Still computing …" : reasonOf(error);
          setAnswer((known) => ({ value: isLate && known.of === path ? known.value : undefined, message, of: path }));
          if (isLate) again = setTimeout(() => void read(), AGAIN_MS);
        },
      );
    void read();
    return () => {
      ending.abort();
      clearTimeout(again);
    };
  }, [path, state.injectionChange, outcome]);
  if (answer.of === path) return answer;
  return { value: undefined, message: path === undefined ? "" : "Computing …" };
}

/** The injections, and the number of the change that they belong to. */
interface Injections {
  readonly list: readonly InjectionView[];
  readonly change: number;
}

/** Returns the injections of the experiment; undefined until they are loaded. */
export function useInjections({ injectionChange: change }: StateView): Injections | undefined {
  const [injections, setInjections] = useState<Injections>();
  useEffect(() => {
    const ending = new AbortController();
    get<InjectionView[]>("/api/injections", ending.signal).then(
      (list) => setInjections({ list, change }),
      () => undefined,
    );
    return () => ending.abort();
  }, [change]);
  return injections;
}
