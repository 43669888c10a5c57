// Checks the text of a marker that the user gives on the command line or in a file.
import { Failure } from "../failure/failure.ts";
import { LONGEST_MARKER } from "../manifest/markers.ts";
import { textProblem } from "../measurement/label-rules.ts";

/**
 * Returns the text without surrounding blanks. Throws Failure `usage.invalid` if it cannot be the text of a marker; `where` names
 * its source.
 */
export function markerText(given: string, where: string): string {
  const text = given.trim();
  const problem =
    text.length > LONGEST_MARKER
      ? `a marker has at most ${LONGEST_MARKER} characters, this one has ${text.length}`
      : textProblem(text);
  if (problem !== undefined) throw new Failure("usage.invalid", `${where}: ${problem}`);
  return text;
}
