// The curves of a choice, kept up to date.
import type { CurvesView } from "../views.ts";
import { broughtUpToDate } from "./drawn.ts";
import { useFeed } from "./feed.ts";

/** Returns the curves of an address, undefined until loaded; loads them again when an item of `news` changes. */
export function useCurves(
  address: string | undefined,
  news: readonly unknown[],
  message: (text: string) => void,
): CurvesView | undefined {
  return useFeed(address, news, broughtUpToDate, message, unknownNamesText);
}

/** Warns of names that match nothing: without the warning, curves would look referenced although they are not. */
function unknownNamesText({ unknown, references }: CurvesView): string {
  if (unknown.length === 0) return "";
  return `No ROI or group is named ${unknown.join(", ")}.${references.length === 0 ? " No reference is subtracted." : ""}`;
}
