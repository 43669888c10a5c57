// Counts instructions per fit, which do not depend on the load of the machine: runs the kernel's fits without Node under
// valgrind, which knows no AVX-512 and therefore counts what the AVX2 unit does. Used by bench/kernel.ts.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../src/system/files.ts";

/** A program that fits rows of bytes from its standard input, and the vector unit it used. */
export interface InstructionCounter {
  count(line: string, samples: number, rows: Uint8Array): { instructions: number; unit: string };
  close(): void;
}

/** Returns undefined if valgrind is not installed. Throws if the kernel does not compile. */
export function instructionCounter(): InstructionCounter | undefined {
  if (spawnSync("valgrind", ["--version"]).status !== 0) return undefined;
  const native = join(packageRoot(), "native");
  const directory = mkdtempSync(join(tmpdir(), "phorest-bench-"));
  const program = join(directory, "time_fits");
  // The same flags as in binding.gyp.
  const flags = ["-O3", "-std=c++20", "-fPIC", "-fvisibility=hidden", "-ffp-contract=fast", `-I${native}`];
  const sources = readdirSync(join(native, "fit")).filter((name) => name.endsWith(".cc"));
  const built = spawnSync("g++", [
    ...flags,
    ...sources.map((name) => join(native, "fit", name)),
    join(native, "test", "time_fits.cc"),
    "-o",
    program,
  ]);
  if (built.status !== 0) {
    rmSync(directory, { recursive: true, force: true });
    throw new Error(`the fits do not compile:\n${built.stderr}`);
  }
  const collected = (line: string, samples: number, rows: Uint8Array, repeats: number) => {
    const words = ["--tool=callgrind", "--callgrind-out-file=/dev/null", program, line, `${samples}`, `${repeats}`];
    const { stdout, stderr } = spawnSync("valgrind", words, { input: rows, encoding: "utf8" });
    const found = /Collected : (\d+)/.exec(stderr)?.[1];
    if (found === undefined) throw new Error(`valgrind counted nothing:\n${stderr}`);
    return { instructions: Number(found), unit: stdout.split(" ")[0] ?? "" };
  };
  return {
    // The cost of one more round is that of the fits alone, without starting and reading.
    count: (line, samples, rows) => {
      const once = collected(line, samples, rows, 1);
      const twice = collected(line, samples, rows, 2);
      const fits = rows.length / samples;
      return { instructions: Math.round((twice.instructions - once.instructions) / fits), unit: twice.unit };
    },
    close: () => rmSync(directory, { recursive: true, force: true }),
  };
}
