import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { builtWorkers } from "./test/support/built-program.ts";

// Three kinds of test files, told apart by their names: NAME.slow.test.ts starts the program, a server or a browser, mounts a disk
// or computes for seconds; NAME.mocked.test.ts replaces modules of Node.js (`vi.mock`); NAME.test.ts does none of that.
// `npm run test:quick` runs all but the slow ones, `npm test` all.
const SLOW = "test/**/*.slow.test.ts";
const MOCKED = "test/**/*.mocked.test.ts";

/** What holds for all tests that are not slow. */
const QUICK = {
  setupFiles: ["test/support/leftovers.ts"],
  // A test that checks nothing fails.
  expect: { requireAssertions: true },
  // What only slow tests may use refuses to work: see test/support/slow-only.ts.
  env: { PHOREST_QUICK_TESTS: "1" },
};

/** Slow files first: the quick ones fill up the time at the end, in which a worker would wait for the last slow file. */
class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isSlow = ({ project }: TestSpecification) => project.name === "slow";
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))];
  }
}

export default defineConfig({
  test: {
    // Real processes, disks and pictures: generous, because two slow cores run them all.
    testTimeout: 120_000,
    hookTimeout: 60_000,
    pool: "forks",
    // One more than the cores of the smallest machine: slow tests keep a core busy in the program that they start, and wait in between.
    maxWorkers: 3,
    sequence: { sequencer: SlowFirst },
    projects: [
      {
        extends: true,
        test: {
          ...QUICK,
          name: "quick",
          include: ["test/**/*.test.ts"],
          exclude: [SLOW, MOCKED],
          // Files share a process and what it has loaded: loading takes longer than most of their tests.
          isolate: false,
        },
      },
      { extends: true, test: { ...QUICK, name: "mocked", include: [MOCKED] } },
      {
        extends: true,
        plugins: [builtWorkers()],
        test: { name: "slow", include: [SLOW], globalSetup: ["test/support/built-program.ts"] },
      },
    ],
  },
});
