import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import yargs from "yargs";
import { analyseCommand } from "../../src/commands/analyse.ts";
import { checkRoisCommand } from "../../src/commands/check-rois.ts";
import { formatRoiManifest, type Roi } from "../../src/measurement/roi.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const WIDTH = 240;
const HEIGHT = 120;
const ROIS: Roi[] = [
  { label: "010A_N", flip: true, y: 60, x: 20, height: 40, width: 181 },
  { label: "010A_S", flip: false, y: 10, x: 20, height: 40, width: 181 },
];
const directory = temporaryDirectory("phorest-analyse-");
const roisPath = join(directory, "ROI_manifest.json");
const emptyDirectory = temporaryDirectory("phorest-empty-");
const pictureDirectory = join(directory, "Bilder für heute");

/** A picture with one bright band, its centre at column `centre`. */
async function bandPicture(path: string, centre: number): Promise<void> {
  const pixels = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, at) => {
    const [row, column] = [Math.floor(at / WIDTH), at % WIDTH];
    return Math.round(60 + 120 * Math.exp(-((column - centre) ** 2) / (2 * 12 ** 2)) + ((row * 7 + column * 13) % 5));
  });
  await sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 1 } })
    .toColourspace("b-w")
    .png()
    .toFile(path);
}

/** Runs a command as the command line would, from a directory without a configuration; returns standard error. */
async function run(...words: string[]): Promise<string> {
  const told: string[] = [];
  vi.spyOn(process.stderr, "write").mockImplementation((text) => told.push(String(text)) > 0);
  vi.spyOn(process, "cwd").mockReturnValue(directory);
  await yargs(words)
    .command(analyseCommand)
    .command(checkRoisCommand)
    .fail((message, error) => {
      throw error ?? new Error(message);
    })
    .exitProcess(false)
    .parseAsync();
  return told.join("");
}

/** A band in 12 bits of 16 that reaches beyond the top, or nearly so. */
async function deepPicture(path: string, height: number): Promise<void> {
  const pixels = Uint16Array.from({ length: WIDTH * HEIGHT }, (_, at) => {
    const [row, column] = [Math.floor(at / WIDTH), at % WIDTH];
    const value = 900 + height * Math.exp(-((column - 100) ** 2) / (2 * 12 ** 2)) + ((row * 7 + column * 13) % 53);
    return Math.min(4095, Math.round(value));
  });
  await sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 1 } })
    .toColourspace("grey16")
    .png()
    .toFile(path);
}

const recordsIn = (path: string) =>
  readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

beforeAll(async () => {
  writeFileSync(roisPath, formatRoiManifest({ imageAngle: 0, rois: ROIS }));
  mkdirSync(pictureDirectory);
  for (const [name, centre] of [
    ["a.png", 100],
    ["b 图.png", 104],
    ["d.png", 112],
  ] as const) {
    await bandPicture(join(pictureDirectory, name), centre);
  }
});

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

describe("phorest analyse", () => {
  it("measures a directory in the order of names, one record each, positions counted from the middle when flipped", async () => {
    const out = join(directory, "results");
    const told = await run(
      "analyse",
      pictureDirectory,
      "--rois",
      roisPath,
      "--method",
      "gaussian",
      "--sub-rois",
      "0",
      "--out",
      out,
      "--jobs",
      "2",
    );
    const records = recordsIn(join(out, "processing_results.jsonl"));
    expect(records.map(({ image_filename }) => image_filename)).toEqual(["a.png", "b 图.png", "d.png"]);
    records.forEach((record, index) => {
      const centre = [100, 104, 112][index] ?? 0;
      expect(record).toMatchObject({
        processing_successful: true,
        processing_error_message: null,
        temperature_readings: null,
      });
      const [exposure, north, south] = record.image_analysis;
      expect(exposure.brightness).toBeGreaterThan(60);
      expect(north).toMatchObject({ "ROI-label": "010A_N", "Analysis-method": "gaussian" });
      expect(Math.abs(south.mu.Median - (centre - 20))).toBeLessThan(0.1);
      expect(Math.abs(north.mu.Median - (180 - (centre - 20)))).toBeLessThan(0.1);
      expect(south.mu).not.toHaveProperty("Values");
      expect(record.resonances[0].flags).toEqual([]);
      expect(record.resonances[0].quality).toBeGreaterThan(0.9);
      expect(record.resonances[0].standard_error).toBeLessThan(0.1);
    });
    expect(told).toContain("measured 3 of 3 images");
    expect(process.exitCode).toBeUndefined();
  });

  it("reports fano with the established signs where they are asked for, at the same position", async () => {
    const first = async (...words: string[]) => {
      const jsonl = join(directory, `fano-${words.join("")}.jsonl`);
      await run(
        "analyse",
        join(pictureDirectory, "a.png"),
        "--rois",
        roisPath,
        "--method",
        "fano",
        "--jsonl",
        jsonl,
        ...words,
      );
      const record = recordsIn(jsonl)[0];
      const { amplitude, assymetry, offset } = record.image_analysis[1];
      return { amplitude, assymetry, offset, resonances: record.resonances };
    };
    const [canonical, established] = [await first(), await first("--fano-sign", "established")];
    expect(established.resonances).toEqual(canonical.resonances);
    // Of a peak the established system reports the form with a negative amplitude and a small asymmetry.
    expect(canonical.amplitude.Median).toBeGreaterThanOrEqual(0);
    expect(established.amplitude.Median).toBeLessThan(-50);
    expect(Math.abs(established.assymetry.Median)).toBeLessThan(1);
    const [top, base] = [established.offset.Median, canonical.amplitude.Median + canonical.offset.Median];
    expect(top + established.amplitude.Median).toBeCloseTo(base, 1);
  });

  it("goes on after a bad picture, records why, and ends with exit code 3", async () => {
    const bad = join(directory, "bad.png");
    writeFileSync(bad, "text");
    const missing = join(directory, "small.png");
    await sharp(new Uint8Array(100), { raw: { width: 10, height: 10, channels: 1 } }).toFile(missing);
    const jsonl = join(directory, "mixed.jsonl");
    const told = await run(
      "analyse",
      bad,
      missing,
      join(pictureDirectory, "a.png"),
      "--rois",
      roisPath,
      "--jsonl",
      jsonl,
    );
    const records = recordsIn(jsonl);
    expect(records.map(({ processing_successful }) => processing_successful)).toEqual([false, false, true]);
    expect(records[0].processing_error_message).toMatch(/bad\.png: not an image \(/);
    expect(records[1].processing_error_message).toMatch(/ROI 010A_N is partly outside the image of 10 x 10/);
    expect(records[0].image_analysis).toBeNull();
    expect(told).toContain("bad.png: not an image");
    expect(process.exitCode).toBe(3);
  });

  it("reduces to one row by the established default, and keeps every row's values with --debug", async () => {
    const jsonl = join(directory, "debug.jsonl");
    await run("analyse", join(pictureDirectory, "a.png"), "--rois", roisPath, "--debug", "--jsonl", jsonl);
    expect(recordsIn(jsonl)[0].image_analysis[1].mu.Values).toHaveLength(1);
    const all = join(directory, "all.jsonl");
    await run(
      "analyse",
      join(pictureDirectory, "a.png"),
      "--rois",
      roisPath,
      "--method",
      "max_intensity",
      "--sub-rois",
      "0",
      "--debug",
      "--jsonl",
      all,
    );
    expect(recordsIn(all)[0].image_analysis[2].max_intensity.Values).toHaveLength(40);
  });

  it("writes the records to standard output when told nothing else", async () => {
    const lines: string[] = [];
    vi.spyOn(process.stdout, "write").mockImplementation((text: unknown, ...rest: unknown[]) => {
      lines.push(String(text));
      const written = rest.at(-1);
      if (typeof written === "function") written();
      return true;
    });
    await run("analyse", join(pictureDirectory, "a.png"), "--rois", roisPath, "--jsonl", "-");
    expect(JSON.parse(lines.join("")).image_filename).toBe("a.png");
  });

  it.each<{ what: string; words: string[]; code: string; message: RegExp }>([
    {
      what: "a path that is not there",
      words: ["nowhere"],
      code: "usage.invalid",
      message: /nowhere: no such file or directory/,
    },
    {
      what: "a directory without pictures",
      words: [emptyDirectory],
      code: "usage.invalid",
      message: /no image in this directory/,
    },
    {
      what: "no ROI manifest",
      words: [pictureDirectory, "--rois", "none.json"],
      code: "rois.missing",
      message: /none\.json/,
    },
    {
      what: "half a sub-ROI",
      words: [pictureDirectory, "--sub-rois", "1.5"],
      code: "usage.invalid",
      message: /--sub-rois/,
    },
    { what: "no job", words: [pictureDirectory, "--jobs", "0"], code: "usage.invalid", message: /--jobs/ },
  ])("refuses $what before anything is started", async ({ words, code, message }) => {
    const jsonl = join(directory, "refused.jsonl");
    const rois = words.includes("--rois") ? [] : ["--rois", roisPath];
    const refused = run("analyse", ...words, ...rois, "--jsonl", jsonl);
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(existsSync(jsonl)).toBe(false);
  });

  it("asks what to do where the configuration tracks beside the method, which a record has no place for", async () => {
    const file = join(emptyDirectory, "tracking.toml");
    writeFileSync(file, '[Data_Analysis]\nmethod = "gaussian"\nalso = ["tracking"]\n');
    const jsonl = join(directory, "alone.jsonl");
    const words = ["analyse", pictureDirectory, "--rois", roisPath, "--config", file, "--jsonl", jsonl];
    await expect(run(...words)).rejects.toMatchObject({
      code: "usage.invalid",
      message: expect.stringMatching(
        /^analyse writes one method per record, but Data_Analysis\.also adds tracking to gaussian/,
      ),
    });
    expect(existsSync(jsonl)).toBe(false);
    await run(...words, "--no-also");
    expect(recordsIn(jsonl).length).toBeGreaterThan(0);
  });

  it("never writes into a file that is there already", async () => {
    const jsonl = join(directory, "kept.jsonl");
    writeFileSync(jsonl, "precious\n");
    await expect(run("analyse", pictureDirectory, "--rois", roisPath, "--jsonl", jsonl)).rejects.toMatchObject({
      code: "usage.invalid",
    });
    expect(readFileSync(jsonl, "utf8")).toBe("precious\n");
  });
});

describe("phorest check-rois", () => {
  it("outlines the ROIs where they lie on the rotated picture, orange where flipped and blue where not", async () => {
    const rotated = join(directory, "rotated.json");
    writeFileSync(
      rotated,
      formatRoiManifest({ imageAngle: 90, rois: [{ label: "x", flip: false, y: 50, x: 110, height: 40, width: 30 }] }),
    );
    const out = join(directory, "rois.png");
    await run("check-rois", join(pictureDirectory, "a.png"), "--rois", rotated, "--out", out);
    const { data, info } = await sharp(out).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([WIDTH, HEIGHT]);
    const coloured: [number, number][] = [];
    for (let at = 0; at < WIDTH * HEIGHT; at++) {
      const [red = 0, , blue = 0] = data.subarray(at * info.channels, at * info.channels + 3);
      if (Math.abs(blue - red) > 60) coloured.push([at % WIDTH, Math.floor(at / WIDTH)]);
    }
    // Turned by 90 degrees about (120, 60): (x, y) of the rotated picture lies at (120 + (y - 60), 60 - (x - 120)).
    const columns = coloured.map(([column]) => column);
    const rows = coloured.map(([, row]) => row);
    expect(
      [Math.min(...columns), Math.max(...columns)].map((edge, side) => Math.abs(edge - [109.5, 149.5][side]!) <= 2.5),
    ).toEqual([true, true]);
    expect(
      [Math.min(...rows), Math.max(...rows)].map((edge, side) => Math.abs(edge - [40.5, 70.5][side]!) <= 2.5),
    ).toEqual([true, true]);
  });

  it("says which ROIs leave the picture", async () => {
    const outside = join(directory, "outside.json");
    writeFileSync(
      outside,
      formatRoiManifest({ imageAngle: 0, rois: [{ label: "far", flip: true, y: 0, x: 200, height: 40, width: 181 }] }),
    );
    const told = await run(
      "check-rois",
      join(pictureDirectory, "a.png"),
      "--rois",
      outside,
      "--out",
      join(directory, "o.png"),
    );
    expect(told).toContain("1 of them are partly outside the image (first: far)");
  });
});

describe("a part of a series", () => {
  const HOUR_MS = Date.UTC(2026, 2, 4, 10);
  const series = temporaryDirectory("phorest-series-");
  const imagesOf = (file: string) => recordsIn(file).map((record) => record.image_filename);

  beforeAll(async () => {
    for (let minute = 0; minute < 6; minute += 1) {
      const path = join(series, `${minute}.png`);
      await bandPicture(path, 100 + minute);
      utimesSync(path, new Date(HOUR_MS + minute * 60_000), new Date(HOUR_MS + minute * 60_000));
    }
  });

  it("is measured by --every, --from, --to and --limit, and only the ROIs of --roi; the rest is counted", async () => {
    const out = join(directory, "part.jsonl");
    const window = ["--from", "2026-03-04T11:01+01:00", "--to", "2026-03-04T10:05"];
    const given = ["analyse", series, "--rois", roisPath, "--jsonl", out, ...window, "--every", "2", "--limit", "2"];
    const told = await run(...given, "--roi", "*_s");
    expect(imagesOf(out)).toEqual(["1.png", "3.png"]);
    expect(recordsIn(out)[0].resonances.map((roi: Record<string, unknown>) => roi["ROI-label"])).toEqual(["010A_S"]);
    expect(told).toContain("left out 1 of 2 ROIs (--roi)\n");
    expect(told).toContain("left out 4 of 6 frames: 1 before from, 2 skipped by every 2, 1 beyond the limit of 2\n");
  });

  it.each([
    [["--from", "2027-01-01"], /^no frame from 2027-01-01T00:00:00.000000Z: the 6 frames are from 2026-03-04T10:00/],
    [["--from", "2026-03-05", "--to", "2026-03-04"], /^--to 2026-03-04 is before --from 2026-03-05/],
    [["--from", "yesterday"], /^--from needs a date or time/],
    [["--every", "0"], /^--every needs a whole number of at least 1, not "0"/],
    [["--every", "1.5"], /^--every needs a whole number/],
    [["--limit", "-1"], /^--limit needs a whole number/],
    [["--roi", "11*"], /^--roi: no ROI is named "11\*"/],
  ])("%j is refused before anything is written", async (options, message) => {
    const out = join(temporaryDirectory("phorest-none-"), "none.jsonl");
    await expect(run("analyse", series, "--rois", roisPath, "--jsonl", out, ...options)).rejects.toThrow(message);
    expect(existsSync(out)).toBe(false);
  });

  it("check-rois --keep writes an ROI manifest of some ROIs, and overwrites no other file", async () => {
    const few = join(directory, "few.json");
    const told = await run("check-rois", "--rois", roisPath, "--keep", "010a_n", "--out", few);
    expect(told).toBe(`wrote 1 of 2 ROIs to ${few}; left out 1\n`);
    expect(JSON.parse(readFileSync(few, "utf8"))).toEqual(
      JSON.parse(formatRoiManifest({ imageAngle: 0, rois: ROIS.slice(0, 1) })),
    );
    await expect(run("check-rois", "--rois", roisPath, "--keep", "*_S", "--out", few)).rejects.toThrow(
      "exists already",
    );
    await expect(run("check-rois", "--rois", roisPath, "--keep", "*_S", "--out", roisPath)).rejects.toThrow(
      "exists already",
    );
    await run("check-rois", "--rois", roisPath, "--keep", "*_S");
    expect(Object.keys(JSON.parse(readFileSync(join(directory, "ROI_manifest_kept.json"), "utf8")))).toEqual([
      "ROI_010A_S",
      "image_angle",
    ]);
    await expect(run("check-rois", "--rois", roisPath)).rejects.toThrow("give an image to draw on, or --keep");
  });
});

describe("pictures of 12 bits in 16", () => {
  const flagged = (record: { resonances: { flags: string[] }[] }) =>
    record.resonances.filter(({ flags }) => flags.includes("saturated")).length;

  it("are saturated where their camera was, by themselves and with --bits", async () => {
    const deep = temporaryDirectory("phorest-deep-");
    await deepPicture(join(deep, "a.png"), 2000);
    await deepPicture(join(deep, "b.png"), 5000);
    await deepPicture(join(deep, "c.png"), 2000);
    for (const [way, expected] of [
      [[], [0, 2, 0]],
      [
        ["--bits", "12"],
        [0, 2, 0],
      ],
      [
        ["--bits", "14"],
        [0, 0, 0],
      ],
    ] as const) {
      const path = join(deep, `${way.join("")}.jsonl`);
      await run("analyse", deep, "--rois", roisPath, "--method", "gaussian", "--jsonl", path, ...way);
      expect(recordsIn(path).map(flagged), way.join(" ")).toEqual(expected);
    }
    const wrong = run("analyse", deep, "--rois", roisPath, "--jsonl", join(deep, "no.jsonl"), "--bits", "7");
    await expect(wrong).rejects.toThrow("--bits must be 0 or 8 to 16, not 7");
  });
});
