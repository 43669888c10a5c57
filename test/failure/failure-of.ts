// For tests of what is refused.
import { Failure } from "../../src/failure/failure.ts";

/** The Failure that `work` throws; any other error is thrown on, and none is an error too. */
export function failureOf(work: () => unknown): Failure {
  try {
    work();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error("it did not fail");
}
