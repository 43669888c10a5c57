// A signal that comes while the program is still being loaded: the real program, which sends it to itself at that moment.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MANIFEST_FILENAME, Manifest } from "../../src/manifest/manifest.ts";
import { STOP_SIGNALS } from "../../src/system/stop-signals.ts";
import { type Ended, experiment, phorest, QUICK_CONFIG } from "./program.ts";

/** Sends `SIGNALS` when the first compiled part is loaded, long before a command begins; not in threads and children. */
const PRELOAD = `
const { dlopen } = process;
const signals = process.env.SIGNALS?.split(" ") ?? [];
delete process.env.SIGNALS;
if (require("node:worker_threads").isMainThread) process.dlopen = function (...words) {
  for (const signal of signals.splice(0)) process.kill(process.pid, signal);
  return dlopen.apply(this, words);
};
`;

function whileLoading(signals: readonly string[], words: readonly string[], directory: string): Promise<Ended> {
  const preload = join(directory, "preload.cjs");
  writeFileSync(preload, PRELOAD);
  return phorest(words, directory, { NODE_OPTIONS: `--require ${preload}`, SIGNALS: signals.join(" ") });
}

test("a run that is stopped while it is being loaded ends as every stopped run does, and records why", async () => {
  for (const [at, reason] of ["interrupted", "stop requested", "the terminal was closed"].entries()) {
    const directory = experiment(QUICK_CONFIG);
    const signal = STOP_SIGNALS[at] ?? "";
    expect(await whileLoading([signal], ["run"], directory), signal).toMatchObject({ code: 0, signal: null });
    const manifest = Manifest.open({ file: join(directory, "data", MANIFEST_FILENAME), readonly: true });
    expect(manifest.runs.last()?.endReason).toBe(reason);
    manifest.close();
  }
});

test("a second demand while loading ends at once; a closed terminal is none", async () => {
  const directory = experiment(QUICK_CONFIG);
  expect(await whileLoading(["SIGINT", "SIGINT"], ["run"], directory)).toMatchObject({ code: 130 });
  expect(await whileLoading(["SIGTERM", "SIGHUP", "SIGHUP"], ["run"], directory)).toMatchObject({ code: 0 });
});

test("other commands end with the signal, whatever words they are given", async () => {
  const directory = experiment(QUICK_CONFIG);
  for (const words of [["report"], ["report", "--out", "run"], ["status", "--roi", "run"]]) {
    expect(await whileLoading(["SIGTERM"], words, directory), words.join(" ")).toMatchObject({ signal: "SIGTERM" });
  }
});
