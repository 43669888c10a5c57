// Fuzzes the decoding of pictures and the input of ROIs: first the kernel's C++ under sanitizers, then the product as a
// whole against the general reader. Ends with 1 at the first finding, which it prints.
// Run: npm run fuzz [-- --seconds N] [-- --seed N]
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { packageRoot } from "../../src/system/files.ts";
import { randomFrom } from "../image/picture-writers.ts";
import { seedPictures, tryDamaged } from "./pictures.ts";
import { tryManifest, tryNumbers } from "./rois.ts";

function option(name: string, otherwise: number): number {
  const at = process.argv.indexOf(name);
  const value = at < 0 ? otherwise : Number(process.argv[at + 1]);
  if (!(value > 0)) throw new Error(`${name}: expected a number above 0`);
  return value;
}

const seconds = option("--seconds", 600);
const seed = option("--seed", 1);
const script = join(packageRoot(), "scripts", "sanitize.mjs");
const words = [script, "--seconds", String(seconds / 2), "--seed", String(seed)];
const { status } = spawnSync(process.execPath, words, { stdio: "inherit" });
if (status !== 0) process.exit(1);

const random = randomFrom(seed);
const seeds = seedPictures();
const end = performance.now() + 500 * seconds;
let rounds = 0;
while (performance.now() < end) {
  const finding = await tryDamaged(seeds, random);
  if (finding !== undefined) {
    console.error(`read differently: ${finding}`);
    process.exit(1);
  }
  tryManifest(random);
  tryNumbers(random);
  rounds++;
}
console.log(`fuzz: ${rounds} damaged pictures, ROI manifests and ROI lists, nothing found (seed ${seed})`);
