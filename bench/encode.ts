// Measures the cost of storing a frame: PNG levels and filters, TIFF and BMP, as time on one core against bytes, for a simulated
// picture in 8 and 16 bits; and the time until the chosen format is durable. encode.ts is based on this table.
// Run: npx tsx bench/encode.ts [--repeats N]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { encodePicture } from "../src/image/encode.ts";
import type { Picture } from "../src/image/picture.ts";
import { createSimulator } from "../src/simulator/simulator.ts";
import { writeDurably } from "../src/system/files.ts";

interface Trial {
  readonly bits: number;
  readonly form: string;
  readonly ms: number;
  readonly megabytes: number;
}

const at = process.argv.indexOf("--repeats");
const repeats = at < 0 ? 5 : Number(process.argv[at + 1]);
sharp.concurrency(1);

/** Returns the minimum of `repeats` times: on a shared machine, only this shows the cost of the work itself. */
async function least(work: () => Promise<Uint8Array>): Promise<{ ms: number; bytes: number }> {
  let [ms, bytes] = [Number.POSITIVE_INFINITY, 0];
  for (let n = 0; n < repeats; n++) {
    const startedMs = performance.now();
    bytes = (await work()).length;
    ms = Math.min(ms, performance.now() - startedMs);
  }
  return { ms, bytes };
}

function png({ pixels, width, height, bitDepth }: Picture, compressionLevel: number, adaptiveFiltering: boolean) {
  return sharp(pixels, { raw: { width, height, channels: 1 } })
    .toColourspace(bitDepth === 16 ? "grey16" : "b-w")
    .png({ compressionLevel, adaptiveFiltering })
    .toBuffer();
}

const trials: Trial[] = [];
const durable: { bits: number; form: string; ms: number }[] = [];
const directory = mkdtempSync(join(tmpdir(), "phorest-bench-"));
try {
  for (const bitDepth of [8, 16] as const) {
    const picture = createSimulator({ bitDepth }).render(0, 1);
    const add = async (form: string, work: () => Promise<Uint8Array>) => {
      const { ms, bytes } = await least(work);
      const trial = { bits: bitDepth, form, ms: Math.round(ms), megabytes: Math.round(bytes / 1e4) / 100 };
      trials.push(trial);
      console.log(`${bitDepth} bits ${form.padEnd(22)} ${String(trial.ms).padStart(5)} ms ${trial.megabytes} MB`);
    };
    for (const level of [0, 1, 2, 3, 4, 6, 9]) {
      await add(`png ${level} unfiltered`, () => png(picture, level, false));
      if (level > 0) await add(`png ${level} adaptive`, () => png(picture, level, true));
    }
    await add("tiff", () => encodePicture(picture, "tiff"));
    if (bitDepth === 8) await add("bmp", () => encodePicture(picture, "bmp"));
    for (const form of ["png", "tiff"]) {
      const { ms } = await least(async () => {
        const bytes = await encodePicture(picture, form);
        await writeDurably(join(directory, `picture.${form}`), bytes);
        return bytes;
      });
      durable.push({ bits: bitDepth, form, ms: Math.round(ms) });
      console.log(`${bitDepth} bits ${form}: encoded and durable in ${Math.round(ms)} ms`);
    }
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
console.log(JSON.stringify({ bench: "encode", repeats, trials, durable }));
