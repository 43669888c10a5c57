// Shared by the commands that manage a numbered list: markers and injections.
import { Failure } from "../failure/failure.ts";

/** Prints what was done, as JSON or as a line. */
export function say(json: boolean, done: object, line: string): void {
  process.stdout.write(json ? `${JSON.stringify(done)}\n` : `${line}\n`);
}

/**
 * Returns a number from the command line. Throws Failure `usage.invalid` if it is not the number of `what`, such as "a marker".
 */
export function numberOf(id: number | undefined, what: "a marker" | "an injection"): number {
  if (id !== undefined && Number.isSafeInteger(id) && id > 0) return id;
  const list = what === "a marker" ? "markers" : "injections";
  throw new Failure("usage.invalid", `${what} is named by its number`, { hint: `see phorest ${list} list` });
}
