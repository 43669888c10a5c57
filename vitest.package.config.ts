import { defineConfig } from "vitest/config";

// The tests of the one executable, which `npm run package` has to have made: `npm run test:package`.
export default defineConfig({
  test: {
    include: ["test/executable/**/*.check.ts"],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    pool: "forks",
    maxWorkers: 1,
  },
});
