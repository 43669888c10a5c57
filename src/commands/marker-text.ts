// The text of a marker as a person gives it on the command line or in a file.
import { Failure } from "../failure/failure.ts";
import { LONGEST_MARKER } from "../manifest/markers.ts";
import { textProblem } from "../measurement/label-rules.ts";

/** The text without blanks around it. Failure `usage.invalid` where it cannot be a marker's; `where` names it. */
export function markerText(given: string, where: string): string {
  const text = given.trim();
  const problem =
    text.length > LONGEST_MARKER
      ? `a marker has at most ${LONGEST_MARKER} characters, this one has ${text.length}`
      : textProblem(text);
  if (problem !== undefined) throw new Failure("usage.invalid", `${where}: ${problem}`);
  return text;
}
