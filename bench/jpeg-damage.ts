// Measures how often damage in JPEG pictures is detected: 500 of each kind, by the decoder's warnings and by our own count of
// blocks, and the error of positions if it is not. Run: npx tsx bench/jpeg-damage.ts [--files 500] [--json]
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { analysePicture } from "../src/analysis/resonance.ts";
import { decodeBytes } from "../src/image/decode.ts";
import { checkJpeg } from "../src/image/jpeg-check.ts";
import type { FrameResult } from "../src/measurement/method.ts";
import { parseRoiManifest } from "../src/measurement/roi.ts";
import { randomStream } from "../src/simulator/noise.ts";
import { packageRoot } from "../src/system/files.ts";

const { values: options } = parseArgs({ options: { files: { type: "string" }, json: { type: "boolean" } } });
const FILES = Number(options.files ?? 500);
const CASES = join(packageRoot(), "test/cases/oracle-pictures");
const END = Uint8Array.of(0xff, 0xd9);
/** Error above which a position counts as wrong, px. */
const WRONG_PX = 0.5;

type Damage = (bytes: Buffer, at: number, random: () => number) => Uint8Array;
const KINDS: Readonly<Record<string, Damage>> = {
  "3 KB lost": (bytes, at) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 3072)]),
  "rest lost, end marker there": (bytes, at) => Buffer.concat([bytes.subarray(0, at), END]),
  "512 bytes zeroed": (bytes, at) =>
    Buffer.concat([bytes.subarray(0, at), Buffer.alloc(512), bytes.subarray(at + 512)]),
  "one bit flipped": (bytes, at, random) => {
    const flipped = Uint8Array.from(bytes);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << Math.floor(8 * random()));
    return flipped;
  },
};

const settings = {
  method: "joint",
  subRois: 0,
  sampling: "precise",
  bitDepthScaling: "stretch",
  debug: false,
} as const;
const rois = parseRoiManifest(readFileSync(join(CASES, "img_B.manifest.json"), "utf8"), "img_B");
const random = randomStream(1);

interface Good {
  readonly bytes: Buffer;
  readonly result: FrameResult;
}

async function measured(bytes: Uint8Array): Promise<FrameResult> {
  return analysePicture(await decodeBytes(bytes, "jpeg"), rois, settings);
}

async function goodPictures(): Promise<Good[]> {
  const good: Good[] = [];
  for (const quality of [75, 85, 90, 95]) {
    for (const progressive of [false, true]) {
      const source = sharp(join(CASES, "img_B.png")).toColourspace("b-w");
      const bytes = await source.jpeg({ quality, progressive }).toBuffer();
      good.push({ bytes, result: await measured(bytes) });
    }
  }
  return good;
}

/** Returns the error of the worst position, px, among all, and among those without a flag now and before. */
function worstPx(before: FrameResult, after: FrameResult): number {
  let worst = 0;
  after.position.forEach((position, roi) => {
    if (after.flags[roi] !== 0 || before.flags[roi] !== 0) return;
    worst = Math.max(worst, Math.abs(position - (before.position[roi] ?? Number.NaN)));
  });
  return worst;
}

const good = await goodPictures();
const rows: Record<string, string | number>[] = [];
for (const [kind, damage] of Object.entries(KINDS)) {
  let [warned, caught, wrong, worst] = [0, 0, 0, 0];
  for (let nth = 0; nth < FILES; nth++) {
    const { bytes, result } = good[nth % good.length] as Good;
    const at = 700 + Math.floor(random() * (bytes.length - 700 - 3100));
    const damaged = damage(bytes, at, random);
    const warning = await sharp(damaged, { failOn: "warning" })
      .raw()
      .toBuffer()
      .catch((error: unknown) => error);
    if (warning instanceof Error) warned++;
    if (checkJpeg(damaged).damage !== "none") {
      caught++;
      continue;
    }
    const off = worstPx(result, await measured(damaged));
    if (off > WRONG_PX) wrong++;
    worst = Math.max(worst, off);
  }
  const share = (count: number) => Number(((100 * count) / FILES).toFixed(1));
  rows.push({
    kind,
    files: FILES,
    "libjpeg warns, %": share(warned),
    "refused, %": share(caught),
    "accepted with a position off by more than 0.5 px, unflagged": wrong,
    "worst, px": Number(worst.toFixed(2)),
  });
}
const large = good.at(-1)?.bytes ?? Buffer.alloc(0);
const startMs = performance.now();
for (let time = 0; time < 20; time++) checkJpeg(large);
const perSecond = (20 * large.length) / (performance.now() - startMs) / 1000;
if (options.json !== true) console.table(rows);
console.log(JSON.stringify({ bench: "jpeg-damage", megabytesPerSecond: Number(perSecond.toFixed(0)), rows }));
