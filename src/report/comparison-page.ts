// The comparison of two experiments as one HTML page.
import {
  type Comparison,
  comparisonDrawing,
  comparisonNote,
  comparisonRows,
  drawnText,
} from "../evaluation/comparisons.ts";
import { printVegaLite } from "../figures/print-picture.ts";
import { htmlReport } from "./html-report.ts";

/** Returns the page: the figure and the table of `phorest compare`. */
export async function comparisonPage(comparison: Comparison): Promise<string> {
  const { a, b, left } = comparison;
  const [head = [], ...rows] = comparisonRows(comparison);
  const note = drawnText(comparison.compared.length);
  const { png } = await printVegaLite(comparisonDrawing(comparison));
  return htmlReport("Comparison", [`A: ${a.name}; B: ${b.name}`, ...left].join("; "), [
    {
      title: "Curves",
      ...(note === undefined ? {} : { note }),
      figure: { alt: "Curves of both over each other, and B minus A", png },
    },
    { title: "Values", note: `${comparisonNote(comparison)}.`, table: { head, rows } },
  ]);
}
