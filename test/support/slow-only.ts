// Keeps the quick tests quick: slow helpers refuse to work in a file that is not named as slow.

/** Throws in a test file that is not named NAME.slow.test.ts. `what`: the attempted action, such as "starting the program". */
export function slowOnly(what: string): void {
  if (process.env.PHOREST_QUICK_TESTS !== "1") return;
  throw new Error(`${what} takes seconds: rename the test file to NAME.slow.test.ts, or test without it`);
}
