// The curves that a view shows: the chip that they are chosen from, the choice, and the curves themselves, kept up to date.
import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ChipView, CurvesView } from "../views.ts";
import { useAnalysis } from "./analysis.tsx";
import { get } from "./api.ts";
import { type Choice, curvesAddress, firstChoice, keepChoice, keptChoice, listOf } from "./curve-choice.tsx";
import { useCurves } from "./curve-feed.ts";
import type { Range } from "./limits.tsx";
import type { Shown } from "./rolling-form.tsx";

interface Options {
  /** Whether a frame has been measured: there are no curves before that. */
  readonly isMeasured: boolean;
  /** Shows the analyses that were joined to the chosen one too. */
  readonly joined: boolean;
  readonly range: Range | undefined;
  readonly shown?: Shown;
  /** The curves are loaded again when one of these changes. */
  readonly news: readonly unknown[];
  /** The plot: no more points are asked for than it has columns. */
  readonly host: RefObject<HTMLDivElement>;
}

interface ChosenCurves {
  readonly chip: ChipView | undefined;
  readonly choice: Choice | undefined;
  /** The choice if it names any curve. */
  readonly wanted: Choice | undefined;
  /** Changes the choice, and stores it in this browser. */
  choose(next: Choice): void;
  readonly columns: number;
  /** Undefined until loaded. */
  readonly view: CurvesView | undefined;
  /** What is wrong, or why there is nothing to show; otherwise empty. */
  readonly message: string;
}

/** Returns the chosen curves of the analysis that the page shows. */
export function useChosenCurves({ isMeasured, joined, range, shown, news, host }: Options): ChosenCurves {
  const analysis = useAnalysis();
  const of = joined ? analysis.of : analysis.ofOne;
  const [chip, setChip] = useState<ChipView>();
  const [choice, setChoice] = useState(keptChoice);
  const [message, setMessage] = useState("");
  useEffect(() => {
    if (!isMeasured) return setMessage("No frame has been measured yet.");
    get<ChipView>(of("/api/chip")).then(
      (seen) => {
        setMessage("");
        setChip(seen);
        setChoice((known) => known ?? firstChoice(seen));
      },
      (error: Error) => setMessage(error.message),
    );
  }, [isMeasured, analysis.name]);
  const columns = Math.max(200, Math.min(2000, host.current?.clientWidth ?? 900));
  const wanted = choice === undefined || listOf(choice.wanted).length === 0 ? undefined : choice;
  const address =
    isMeasured && wanted !== undefined ? of(curvesAddress("/api/curves", wanted, range, columns, shown)) : undefined;
  const view = useCurves(address, [analysis.news, ...news], setMessage);
  const choose = (next: Choice) => {
    setChoice(next);
    keepChoice(next);
  };
  return { chip, choice, wanted, choose, columns, view, message };
}
