// Programs with another clock, by Debian's libfaketime. Where it is absent, tests say so and are skipped, unless
// PHOREST_REQUIRE_ALL=1.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { isThere } from "./support/needed.ts";

const LIBRARIES = "/usr/lib";
const LIBRARY = readdirSync(LIBRARIES)
  .map((name) => join(LIBRARIES, name, "faketime/libfaketime.so.1"))
  .find((path) => existsSync(path));

/** Whether there is a libfaketime; says so where there is none. Throws in place of that with PHOREST_REQUIRE_ALL=1. */
export function hasFaketime(): boolean {
  return isThere("faketime (apt-get install faketime)", LIBRARY !== undefined);
}

/** The environment of a program whose wall clock is off by this (`-2m`, `-2d`); its monotonic clock is the real one. */
export const clockOffBy = (offset: string): Record<string, string> => ({
  LD_PRELOAD: LIBRARY ?? "",
  FAKETIME: offset,
  FAKETIME_DONT_FAKE_MONOTONIC: "1",
});
