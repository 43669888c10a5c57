import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { builtWorkers } from "./test/support/built-program.ts";

// Three kinds of test files, told apart by their names: NAME.slow.test.ts starts the program, a server or a browser, mounts a disk
// or computes for seconds; NAME.mocked.test.ts replaces modules of Node.js (`vi.mock`); NAME.test.ts does none of that.
// `npm run test:quick` runs all but the slow ones, `npm test` all.
const SLOW = "test/**/*.slow.test.ts";
const MOCKED = "test/**/*.mocked.test.ts";

/** What a test or hook may take, ms: real processes, disks and pictures, on two slow cores that may have other work besides. */
const PATIENCE_MS = 600_000;
/** What `expect.poll` waits for, ms. */
const POLL = { timeout: 60_000 };

/** What holds for all tests that are not slow. */
const QUICK = {
  setupFiles: ["test/support/leftovers.ts"],
  // A test that checks nothing fails.
  expect: { requireAssertions: true, poll: POLL },
  // What only slow tests may use refuses to work: see test/support/slow-only.ts.
  env: { PHOREST_QUICK_TESTS: "1" },
};

/**
 * The longest files first, so that no worker waits at the end for a long one that began last; then the quick ones, which fill up
 * what is left. vitest knows how long each file took here; where it never ran them, those come first in which a test is given
 * more time than usual, because they are long by what they say of themselves.
 */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const place = ({ project, moduleId }: TestSpecification) =>
      project.name !== "slow" ? 2 : this.isLong(moduleId) ? 0 : 1;
    return sorted.toSorted((a, b) => place(a) - place(b));
  }

  private isLong(path: string): boolean {
    const isKnown = this.ctx.cache.getFileTestResults(`slow:${relative(this.ctx.config.root, path)}`) !== undefined;
    const times = readFileSync(path, "utf8").matchAll(/\btimeout: ([\d_]+)/g);
    return !isKnown && [...times].some(([, ms = ""]) => Number(ms.replaceAll("_", "")) > PATIENCE_MS);
  }
}

export default defineConfig({
  test: {
    testTimeout: PATIENCE_MS,
    hookTimeout: PATIENCE_MS,
    pool: "forks",
    // Twice the cores of the smallest machine: slow tests also wait, for disks and for intervals of the program.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
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
        test: {
          name: "slow",
          include: [SLOW],
          expect: { poll: POLL },
          setupFiles: ["test/support/removal.ts"],
          globalSetup: ["test/support/built-program.ts"],
        },
      },
    ],
  },
});
