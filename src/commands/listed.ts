// What the commands have in common that keep a numbered list: markers and injections.
import { Failure } from "../failure/failure.ts";

/** Prints what was done, as JSON or as a line. */
export function say(json: boolean, done: object, line: string): void {
  process.stdout.write(json ? `${JSON.stringify(done)}\n` : `${line}\n`);
}

/** A number as given on the command line. Throws Failure `usage.invalid` for anything that is no number of `what`, "a marker". */
export function numberOf(id: number | undefined, what: "a marker" | "an injection"): number {
  if (id !== undefined && Number.isSafeInteger(id) && id > 0) return id;
  const list = what === "a marker" ? "markers" : "injections";
  throw new Failure("usage.invalid", `${what} is named by its number`, { hint: `see phorest ${list} list` });
}
