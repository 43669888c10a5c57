import { defineConfig } from "vitest/config";

// Two kinds of test files, told apart by their names: NAME.slow.test.ts starts the program, a server or a browser, mounts a disk or
// computes for seconds; NAME.test.ts does none of that. `npm run test:quick` runs the second kind, `npm test` both.
const SLOW = "test/**/*.slow.test.ts";

export default defineConfig({
  test: {
    // Real processes, disks and pictures: generous, because two slow cores run them all.
    testTimeout: 120_000,
    hookTimeout: 60_000,
    pool: "forks",
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: "quick",
          include: ["test/**/*.test.ts"],
          exclude: [SLOW],
          setupFiles: ["test/support/leftovers.ts"],
          // A test that checks nothing fails.
          expect: { requireAssertions: true },
          // What only slow tests may use refuses to work: see test/support/slow-only.ts.
          env: { PHOREST_QUICK_TESTS: "1" },
        },
      },
      { extends: true, test: { name: "slow", include: [SLOW] } },
    ],
  },
});
