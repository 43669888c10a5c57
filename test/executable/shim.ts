// A system that refuses to load the kernel with words of its own: dlopen and dlerror of the C library, put before the real ones.
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export const HAS_COMPILER = spawnSync("cc", ["--version"]).error === undefined;

const SOURCE = `#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
static int refused;
void* dlopen(const char* path, int flags) {
  void* (*real)(const char*, int) = (void* (*)(const char*, int))dlsym(RTLD_NEXT, "dlopen");
  refused = path && strstr(path, "phorest_kernel.node");
  return refused ? NULL : real(path, flags);
}
char* dlerror(void) {
  char* (*real)(void) = (char* (*)(void))dlsym(RTLD_NEXT, "dlerror");
  if (!refused) return real();
  refused = 0;
  return getenv("REFUSAL");
}
`;

/** What has to be in the environment of a program so that its loading of the kernel fails with `words`. */
export function refusing(directory: string, words: string): NodeJS.ProcessEnv {
  const [source, library] = [join(directory, "refusing.c"), join(directory, "refusing.so")];
  writeFileSync(source, SOURCE);
  execFileSync("cc", ["-shared", "-fPIC", "-o", library, source]);
  return { LD_PRELOAD: library, REFUSAL: words };
}
