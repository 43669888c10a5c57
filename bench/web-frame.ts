// Measures the cost of showing the last frame: npx tsx bench/web-frame.ts [--dir DIR] after `npm run build`. For each picture a
// page without any data is asked for the frame by one browser, and then by sixteen at once for the next frame. Prints one line
// per result, then all of them as one line of JSON. The pictures need 2 GB in DIR, which are removed.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import sharp, { type Sharp } from "sharp";
import { parseConfig } from "../src/config/config.ts";
import { MANIFEST_FILENAME, Manifest } from "../src/manifest/manifest.ts";
import { packageRoot } from "../src/system/files.ts";
import type { FromWeb } from "../src/web/messages.ts";
import { workerProcesses } from "../test/support/worker-processes.ts";
import { blackPng } from "../test/web/pictures.ts";

const { values: options } = parseArgs({ options: { dir: { type: "string" } } });
const [WIDTH, HEIGHT] = [9152, 6944];
const ROUNDS = 3;
const BROWSERS = 16;
/** The built version: a process that first has to compile TypeScript takes half a second more. */
const built = pathToFileURL(join(packageRoot(), "dist/src/threads/worker-handle.js")).href;
const { openThread } = (await import(built)) as typeof import("../src/threads/worker-handle.ts");
const figures: Record<string, number> = {};

function report(name: string, value: number, text: string): void {
  figures[name] = Math.round(value);
  process.stdout.write(`${name.padEnd(28)} ${text}\n`);
}

/** Returns a frame of the largest camera: bright bands with noise in the lower bits, as from a 12-bit sensor. */
function frame(channels: 1 | 4): Sharp {
  const pixels = new Uint16Array(WIDTH * HEIGHT * channels);
  let noise = 1;
  for (let at = 0; at < pixels.length; at++) {
    noise = (Math.imul(noise, 1664525) + 1013904223) >>> 0;
    const column = Math.floor(at / channels) % WIDTH;
    pixels[at] = ((column % 400 < 40 ? 2400 : 300) + (noise >>> 25)) << 4;
  }
  const raw = { width: WIDTH, height: HEIGHT, channels } as const;
  return sharp(pixels, { raw, limitInputPixels: false }).toColourspace(channels === 1 ? "grey16" : "rgb16");
}

const PICTURES: readonly [name: string, ending: string, make: () => Promise<Buffer>][] = [
  ["gray16_png", "png", () => frame(1).png({ compressionLevel: 2 }).toBuffer()],
  ["gray16_tiff", "tif", () => frame(1).tiff({ compression: "none" }).toBuffer()],
  ["gray16_lzw_tiff", "tif", () => frame(1).tiff({ compression: "lzw" }).toBuffer()],
  ["rgba16_png", "png", () => frame(4).png({ compressionLevel: 1 }).toBuffer()],
  // The largest picture that is read: 2 GiB of samples in 2 MB.
  ["rgba16_256_megapixels", "png", async () => blackPng(16_000, 100)],
  // Refused because of its header.
  ["rgba16_361_megapixels", "png", async () => blackPng(19_000, 100)],
];

/** Starts the page's thread on the manifest in `root`. */
async function serve(root: string) {
  const { config } = parseConfig("[Web]\nport = 0\n", root);
  let listening: (address: string) => void = () => undefined;
  const address = new Promise<string>((resolve) => {
    listening = resolve;
  });
  let ended = false;
  const vessel = openThread("web", {
    message: (message) => {
      const said = message as FromWeb;
      if (said.type === "listening") listening(said.address);
      if (said.type === "refused") throw new Error(said.failure.message);
    },
    lost: (how) => {
      if (!ended) process.stderr.write(`the page's thread ${how}\n`);
    },
  });
  const manifestFile = join(root, "data", MANIFEST_FILENAME);
  vessel.post({ type: "open", settings: { config, origins: {}, token: "x".repeat(43), manifestFile } });
  const end = () => {
    ended = true;
    return vessel.end();
  };
  return { address: await address, end };
}

/** Returns the time until the page has answered; on a busy machine it asks the client to wait. */
async function look(address: string): Promise<{ ms: number; status: number }> {
  const startMs = performance.now();
  for (;;) {
    const answer = await fetch(`${address}api/frame`);
    await answer.text();
    if (answer.status !== 503) return { ms: performance.now() - startMs, status: answer.status };
  }
}

/** Returns the peak memory of a process that decodes pictures, MB, and its processor time so far, ms. */
function costs(): { mb: number; cpuMs: number } {
  const all = workerProcesses(process.pid, "pictures").map((pid) => {
    const kb = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
    const ticks = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ").slice(11, 13) ?? [];
    return { mb: kb / 1000, cpuMs: 10 * ticks.reduce((sum, one) => sum + Number(one), 0) };
  });
  return { mb: Math.max(...all.map(({ mb }) => mb)), cpuMs: Math.max(...all.map(({ cpuMs }) => cpuMs)) };
}

async function bench(root: string): Promise<void> {
  mkdirSync(join(root, "data"), { recursive: true });
  const manifest = Manifest.open({ file: join(root, "data", MANIFEST_FILENAME) });
  let frames = 0;
  const put = (picture: Buffer, ending: string) => {
    frames += 1;
    const filename = `image_${frames}.${ending}`;
    writeFileSync(join(root, "data", filename), picture);
    manifest.entries.add({ capturedAtUs: frames, filename, readings: [] });
    return () => rmSync(join(root, "data", filename));
  };
  for (const [name, ending, make] of PICTURES) {
    const picture = await make();
    const took: number[] = [];
    const together: number[] = [];
    const cpu: number[] = [];
    let [alone, peak, status] = [0, 0, 0];
    for (let round = 0; round < ROUNDS; round++) {
      const removeFirst = put(picture, ending);
      const page = await serve(root);
      const first = await look(page.address);
      took.push(first.ms);
      status = first.status;
      const { mb, cpuMs } = costs();
      alone = Math.max(alone, mb);
      cpu.push(cpuMs);
      // A second page, so that none of them gets the previous frame.
      const other = await serve(root);
      const removeSecond = put(picture, ending);
      const many = await Promise.all(Array.from({ length: BROWSERS }, async () => (await look(other.address)).ms));
      together.push(Math.max(...many));
      peak = Math.max(peak, costs().mb);
      await Promise.all([page.end(), other.end()]);
      removeFirst();
      removeSecond();
    }
    const least = Math.min(...took);
    report(`${name}_ms`, least, `${Math.round(least)} ms to the answer (${status}), process started for it`);
    report(`${name}_cpu_ms`, Math.min(...cpu), `${Math.round(Math.min(...cpu))} ms of processor time in that process`);
    const slowest = Math.min(...together);
    report(`${name}_${BROWSERS}_ms`, slowest, `${Math.round(slowest)} ms until ${BROWSERS} at once have theirs`);
    report(`${name}_peak_mb`, alone, `${Math.round(alone)} MB at most in the process that decodes`);
    report(`${name}_${BROWSERS}_peak_mb`, peak, `${Math.round(peak)} MB at most with ${BROWSERS} at once`);
  }
  manifest.close();
}

const root = mkdtempSync(join(options.dir ?? tmpdir(), "phorest-bench-"));
try {
  await bench(root);
} finally {
  rmSync(root, { recursive: true, force: true });
}
process.stdout.write(`${JSON.stringify({ bench: "web-frame", figures })}\n`);
