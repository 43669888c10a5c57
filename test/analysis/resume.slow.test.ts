import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { formatRoiManifest } from "../../src/measurement/roi.ts";
import { command as phorest } from "../run/commands.ts";
import { experiment, phorest as program } from "../run/program.ts";
import { dying } from "../support/dying.ts";

const WIDTH = 640;
const HEIGHT = 480;
const PICTURES = 40;

/** A directory of pictures with a moving band, one file among them no picture, and a manifest of many ROIs. */
async function pictures(): Promise<string> {
  const root = experiment();
  const rois = Array.from({ length: 20 }, (_, i) => {
    return { label: `0${10 + i}A_N`, flip: i % 2 === 0, y: 20 * i, x: 10, height: 18, width: 600 };
  });
  writeFileSync(join(root, "rois.json"), formatRoiManifest({ imageAngle: 0, rois }));
  for (let number = 0; number < PICTURES; number++) {
    const path = join(root, `${String(number).padStart(3, "0")}.png`);
    if (number === 5) {
      writeFileSync(path, "text");
      continue;
    }
    const pixels = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, at) => {
      return 60 + 120 * Math.exp(-(((at % WIDTH) - 300 - number) ** 2) / 288) + ((at * 7) % 5);
    });
    await sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 1 } })
      .png({ compressionLevel: 1 })
      .toFile(path);
  }
  return root;
}

const analysis = (file: string, ...more: string[]) => {
  return ["analyse", ".", "--rois", "rois.json", "--sub-rois", "0", "--jobs", "1", "--jsonl", file, ...more];
};

/** A file's records without the moment each was made at. */
function timeless(path: string): string {
  return readFileSync(path, "utf8").replaceAll(/"processing_timestamp_iso":"[^"]*"/g, "");
}

const lineCount = (path: string) => (existsSync(path) ? readFileSync(path, "utf8").split("\n").length - 1 : 0);

describe("phorest analyse --resume", () => {
  it("after kill -9 in the middle gives the file that an uninterrupted analysis gives, nothing measured twice", async () => {
    const root = await pictures();
    const whole = await phorest(analysis("whole.jsonl"), root);
    expect(whole.code).toBe(3);
    const file = join(root, "killed.jsonl");
    const counts: number[] = [];
    for (const until of [3, 12]) {
      const words = analysis("killed.jsonl", "--resume");
      const killed = await program(words, root, dying({ text: "\n", times: until, file }));
      expect(killed.signal, killed.stderr).toBe("SIGKILL");
      counts.push(lineCount(file));
    }
    expect(counts[0]).toBeLessThan(counts[1] ?? 0);
    expect(counts[1]).toBeLessThan(PICTURES);
    const last = await phorest(analysis("killed.jsonl", "--resume"), root);
    expect(last.stderr).toContain(`skipped ${counts[1]} of ${PICTURES} images: already measured`);
    // The picture that could not be read was met before the kill; the exit code speaks of the whole file.
    expect(last.code).toBe(3);
    expect(timeless(file)).toBe(timeless(join(root, "whole.jsonl")));
    const again = await phorest(analysis("killed.jsonl", "--resume"), root);
    expect(again.stderr).toContain(`${PICTURES} of ${PICTURES} images: already measured`);
    expect(timeless(file)).toBe(timeless(join(root, "whole.jsonl")));
  });

  it("drops a line torn anywhere, and refuses a file that is not its own without touching it", async () => {
    const root = await pictures();
    const file = join(root, "torn.jsonl");
    await phorest(analysis("torn.jsonl"), root);
    const expected = timeless(file);
    const size = statSync(file).size;
    const lastLine = readFileSync(file, "utf8").trimEnd().split("\n").at(-1)?.length ?? 0;
    for (const cut of [1, 2, 5000, lastLine, lastLine + 1, lastLine + 2, size - 1, size]) {
      truncateSync(file, size - cut);
      expect((await phorest(analysis("torn.jsonl", "--resume"), root)).code).toBe(3);
      expect(timeless(file).length).toBe(expected.length);
      expect(timeless(file) === expected).toBe(true);
    }
    const kept = readFileSync(file, "utf8");
    const other = await phorest(analysis("torn.jsonl", "--resume", "--method", "fano"), root);
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('method "gaussian", now "fano"') });
    const broken = kept.replace("\n", "\nsomething else\n");
    writeFileSync(file, broken);
    const changed = await phorest(analysis("torn.jsonl", "--resume"), root);
    expect(changed).toMatchObject({ code: 2, stderr: expect.stringContaining("line 2 is not a record of analyse") });
    expect(readFileSync(file, "utf8")).toBe(broken);
    writeFileSync(join(root, "foreign.jsonl"), "{}\n");
    const foreign = await phorest(analysis("foreign.jsonl", "--resume"), root);
    expect(foreign).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("foreign.jsonl.measure.json is missing"),
    });
    expect(readFileSync(join(root, "foreign.jsonl"), "utf8")).toBe("{}\n");
    const nowhere = await phorest(analysis("-", "--resume"), root);
    expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringContaining("--resume needs a file") });
  });

  it("measures pictures that came later, and a picture named twice both times", async () => {
    const root = await pictures();
    const words = (...names: string[]) => [
      "analyse",
      ...names,
      "--rois",
      "rois.json",
      "--jsonl",
      "some.jsonl",
      "--resume",
    ];
    await phorest(words("001.png", "003.png"), root);
    await phorest(words("000.png", "./001.png", "003.png", "003.png"), root);
    const names = readFileSync(join(root, "some.jsonl"), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).image_filename);
    expect(names).toEqual(["001.png", "003.png", "000.png", "003.png"]);
  });
});
