// The executable for arm64, emulated: that it starts, and that what NEON computes is what the other processors compute.
// Emulation is some fifty times slower, so that nothing is run here that the program gives a limited time.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageVersion } from "../../src/system/files.ts";
import { Alone, madeFor } from "./alone.ts";
import { EMULATOR, LIBRARIES, lackingForArm64 } from "./emulated.ts";
import { positionsOf } from "./positions.ts";
import { expectOldGlibc } from "./symbols.ts";

const made = madeFor("arm64");
/** What an analysis may take, emulated on a machine that does other things too. */
const EMULATED_MS = 1_800_000;

const lacking = existsSync(made) ? lackingForArm64() : `${made} not found: npm run package -- --arch arm64`;
const canRun = lacking === undefined && process.arch === "x64";
if (lacking !== undefined) process.stderr.write(`the executable for arm64 is not tried: ${lacking}\n`);

describe.skipIf(!canRun)("the executable for arm64, emulated", () => {
  let x64: Alone;
  let arm64: Alone;
  beforeAll(() => {
    x64 = new Alone(madeFor("x64"));
    arm64 = new Alone(made, [EMULATOR, "-L", LIBRARIES]);
  });
  afterAll(() => {
    x64.remove();
    arm64.remove();
  });

  it("unpacks itself and answers --version", () => {
    const { status, stdout } = arm64.run(["--version"], arm64.experiment());
    expect([status, stdout]).toEqual([0, `${packageVersion()}\n`]);
  });

  it("needs no newer glibc and libstdc++ than RHEL 9 has", () => {
    expectOldGlibc(arm64.program, arm64.cache, "aarch64-linux-gnu-objdump");
  });

  it.each(["gaussian", "joint", "tracking"])(
    "measures by %s what x86-64 measures without vector units",
    (method) => {
      const directory = x64.experiment();
      const simulate = ["simulate", "chips", "--frames", "3", "--size", "640x480"];
      expect(x64.run(simulate, directory).status).toBe(0);
      const [rois = ""] = readdirSync(join(directory, "chips")).filter((name) => /roi/i.test(name));
      const words = [
        "analyse",
        "chips",
        "--rois",
        join("chips", rois),
        "--method",
        method,
        "--jobs",
        "1",
        "--jsonl",
        "-",
      ];
      const plain = x64.run(words, directory, { ...x64.settings, PHOREST_VECTOR_UNIT: "baseline" });
      const neon = arm64.run(words, directory);
      expect([plain.status, neon.status], plain.stderr + neon.stderr).toEqual([0, 0]);
      const [expected, found] = [positionsOf(plain.stdout), positionsOf(neon.stdout)];
      expect(expected.length).toBeGreaterThan(10);
      expect(found).toHaveLength(expected.length);
      const apart = found.map((position, i) => Math.abs(position - (expected[i] ?? Number.NaN)));
      process.stderr.write(
        `arm64, ${method}: ${apart.length} positions at most ${Math.max(...apart)} px from x86-64\n`,
      );
      expect(Math.max(...apart)).toBeLessThan(1e-5);
    },
    EMULATED_MS,
  );
});
