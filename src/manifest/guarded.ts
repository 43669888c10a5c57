// Wraps an open SQLite file so that all its errors are Failures: callers see a code of failure-data.ts, never an error of SQLite
// itself.
import type Database from "better-sqlite3";
import { databaseFailure } from "../failure/database-failure.ts";
import { decodeFailure, Failure } from "../failure/failure.ts";

/** Converts an error of SQLite to a Failure; returns anything else unchanged. */
function asFailure(thrown: unknown, path: string): unknown {
  if (!(thrown instanceof Error) || !("code" in thrown) || typeof thrown.code !== "string") return thrown;
  const failure = databaseFailure({ code: thrown.code, message: thrown.message }, path);
  return failure === undefined ? thrown : decodeFailure(failure, thrown);
}

/** Runs `work` on the database; converts errors of SQLite to Failures. */
export type Attempt = <T>(work: () => T) => T;

/** Returns an Attempt for the database `path`. `failed` is called with each Failure before it is thrown. */
export function attemptOn(path: string, failed: (thrown: unknown) => void): Attempt {
  return (work) => {
    try {
      return work();
    } catch (error) {
      const thrown = asFailure(error, path);
      failed(thrown);
      throw thrown;
    }
  };
}

/** Routes all later calls on `db` through `attempt`. Returns `db`. */
export function guard(db: Database.Database, attempt: Attempt): Database.Database {
  replace(db, "prepare", attempt, (statement) => guardStatement(statement as Database.Statement, attempt));
  replace(db, "pragma", attempt);
  replace(db, "exec", attempt);
  return db;
}

function guardStatement(statement: Database.Statement, attempt: Attempt): Database.Statement {
  replace(statement, "run", attempt);
  replace(statement, "get", attempt);
  replace(statement, "all", attempt);
  replace(statement, "iterate", attempt, (rows) => guardRows(rows as IterableIterator<unknown>, attempt));
  return statement;
}

/** Rows are read one by one, and any of them may meet the damage. */
function* guardRows(rows: IterableIterator<unknown>, attempt: Attempt): Generator<unknown> {
  try {
    for (;;) {
      const { done, value } = attempt(() => rows.next());
      if (done === true) return;
      yield value;
    }
  } finally {
    rows.return?.();
  }
}

type Verb = (...values: unknown[]) => unknown;

/** Replaces a method that the library's object inherits by the guarded one. */
function replace<T extends object>(
  target: T,
  verb: keyof T,
  attempt: Attempt,
  dress: (result: unknown) => unknown = (result) => result,
): void {
  const own = target[verb] as Verb;
  const value = (...values: unknown[]) => attempt(() => dress(Reflect.apply(own, target, values)));
  Object.defineProperty(target, verb, { value, configurable: true });
}

/** Whether `thrown` means that the database cannot be trusted any more. */
export function isDamage(thrown: unknown): thrown is Failure {
  return thrown instanceof Failure && thrown.code === "manifest.corrupt";
}
