// Established experiments as they are found: backups, packed files, torn ones, images without entries.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { importExperiment } from "../../src/manifest/established-import.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { openManifest } from "./experiment.ts";
import { NOON_US } from "./frames.ts";

const second = (number: number) => String(number).padStart(2, "0");
/** Names are in the local time of the lab, two hours before UTC. */
const nameOf = (number: number) => `image_20250806_1225${second(number)}_000000_cam0.png`;
const timeOf = (number: number) => `2025-08-06T12:25:${second(number)}.001500+02:00`;

function entry(number: number, changes: Record<string, unknown> = {}) {
  return {
    entry_timestamp_iso: `2025-08-06T12:25:${second(number)}.500000+02:00`,
    collection_error: false,
    collection_error_msg: null,
    camera_data: {
      type: "image",
      filename: nameOf(number),
      filepath: "data",
      timestamp_iso: timeOf(number),
      camera_index: 0,
      error_flag: false,
      error_message: null,
    },
    temperature_data: null,
    processing_status: "processed",
    processing_timestamp_iso: timeOf(number + 1),
    processing_error: false,
    processing_error_msg: null,
    compression_attempted: false,
    image_synced: false,
    ...changes,
  };
}

function result(number: number, position = number): string {
  const summary = { Mean: 1, STD: 0, LQ: 1, Median: position, UQ: 1, Max: 1, Min: 1, Smoothness: 0 };
  const fit = { amplitude: summary, mu: summary, sigma: summary, offset: summary, error: summary };
  return JSON.stringify({
    manifest_entry_timestamp: timeOf(number),
    image_timestamp: timeOf(number),
    temperature_timestamp: null,
    image_filename: nameOf(number),
    processing_timestamp_iso: timeOf(number + 1),
    processing_successful: true,
    processing_error_message: null,
    image_analysis: [
      { brightness: 1, contrast: 1 },
      { "ROI-label": "001A_N", "Analysis-method": "gaussian", ...fit },
    ],
    temperature_readings: null,
  });
}

/** As Python's json.dump with indent=4. */
const text = (entries: readonly unknown[]) => JSON.stringify(entries, null, 4);
const lines = (...results: string[]) => results.map((line) => `${line}\n`).join("");
const images = (...numbers: number[]) => Object.fromEntries(numbers.map((number) => [`data/${nameOf(number)}`, "x"]));

function experiment(files: Readonly<Record<string, string | Buffer>>): string {
  const root = temporaryDirectory("established-");
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

async function imported(files: Readonly<Record<string, string | Buffer>>, from = "") {
  const root = experiment(files);
  const manifest = openManifest(temporaryDirectory());
  const summary = await importExperiment(manifest, join(root, from), NOON_US);
  const entries = [...manifest.history.entries()];
  return {
    summary,
    entries,
    numbers: entries.map(({ filename = "" }) => Number(/_1225(\d\d)_/.exec(filename)?.[1])),
    statuses: entries.map(({ status }) => status),
    findings: summary.findings.map(({ kind, count, first }) => [count, kind, first.replace(`${root}/`, "")]),
    positions: manifest.outcomes.after(0, 99).map(({ measured }) => measured?.position[0]),
  };
}

const LIVE = "data/metadata_manifest.json";
const RESULTS = "results/processing_results.jsonl";

describe("a damaged metadata_manifest.json", () => {
  const whole = text([entry(1), entry(2), entry(3)]);
  const second = whole.indexOf('"filename"', whole.indexOf(nameOf(1)) + 50);

  test.each([
    ["with a torn end", whole.slice(0, whole.length - 400), [1, 2], "data/metadata_manifest.json, entry 3"],
    [
      "torn in the middle",
      whole.slice(0, second) + whole.slice(whole.indexOf('{\n        "entry', second)),
      [1, 3],
      "data/metadata_manifest.json, entry 2",
    ],
    [
      "with zeros in an entry",
      whole.replace(nameOf(2), "\0".repeat(40)),
      [1, 3],
      "data/metadata_manifest.json, entry 2",
    ],
  ])("%s gives its whole entries", async (_, damaged, numbers, first) => {
    const taken = await imported({ [LIVE]: damaged, ...images(...numbers) });
    expect(taken.numbers).toEqual(numbers);
    expect(taken.findings).toEqual([[1, "entries torn or damaged, left out", first]]);
  });

  test.each([
    ["a byte order mark and carriage returns", `\uFEFF${whole.replaceAll("\n", "\r\n")}`],
    ["NaN and Infinity", whole.replace('"image_synced": false', '"image_synced": false,\n"x": NaN, "y": [-Infinity]')],
    ["a torn end after its last entry", whole.trimEnd().slice(0, -1)],
  ])("with %s is whole", async (_, odd) => {
    const taken = await imported({ [LIVE]: odd, ...images(1, 2, 3) });
    expect(taken).toMatchObject({
      numbers: [1, 2, 3],
      statuses: ["processed", "processed", "processed"],
      findings: [],
    });
  });

  test("takes what is usable of entries with odd values", async () => {
    const odd = [
      entry(1, { camera_data: { ...entry(1).camera_data, camera_index: "IMAGE_IMPORTER" } }),
      entry(2, { temperature_data: { timestamp_iso: "?", data: { Lid: 21.5, Air: "Error", Bath: null } } }),
      entry(3, { processing_status: "skip" }),
      entry(4, { processing_status: "done", collection_error: "no" }),
      entry(5, { camera_data: { ...entry(5).camera_data, filename: 5 } }),
      entry(6, { entry_timestamp_iso: null }),
      { ...entry(7), entry_timestamp_iso: null, camera_data: null },
      null,
    ];
    const taken = await imported({ [LIVE]: text(odd), ...images(1, 2, 3, 4, 6) });
    expect(taken.numbers).toEqual([1, 2, 3, 4, 6]);
    expect(taken.statuses).toEqual(["processed", "processed", "pending", "pending", "processed"]);
    expect(taken.findings).toEqual([
      [1, 'entries marked "skip", left out', `${LIVE}, entry 3`],
      [1, "entries with an unknown status, taken as pending", `${LIVE}, entry 4`],
      [3, "entries not usable, left out", expect.stringContaining(`${LIVE}, entry 5: camera_data.filename`)],
      [1, "images without an entry, added as pending and dated by their names", nameOf(3)],
    ]);
  });
});

describe("backups", () => {
  test("are read with the live file, packed or not: their entries are not in it any more", async () => {
    const taken = await imported({
      "backup/data/metadata_manifest_20250806_122503.json.gz": gzipSync(text([entry(1), entry(2)])),
      "backup/data/metadata_manifest_20250806_122505.json": text([entry(3)]),
      [LIVE]: text([entry(5, { processing_status: "pending" })]),
      "backup/results/processing_results_20250806_122503.jsonl.gz": gzipSync(lines(result(1), result(2))),
      "backup/results/processing_results_20250806_122505.jsonl": lines(result(3)),
      [RESULTS]: "",
      ...images(1, 2, 3, 5),
    });
    expect(taken.summary).toMatchObject({ entries: 4, results: 3, processedWithoutResult: 0, missing: [] });
    expect(taken).toMatchObject({ numbers: [1, 2, 3, 5], findings: [] });
    expect(taken.statuses).toEqual(["processed", "processed", "processed", "pending"]);
    expect([...taken.positions].sort()).toEqual([1, 2, 3]);
  });

  test("that are newer than the live file win entry by entry, and flags add up", async () => {
    const pending = { processing_status: "pending", processing_timestamp_iso: null, image_synced: true };
    const taken = await imported({
      "backup/metadata_manifest_20250806_122505.json": text([entry(1), entry(2), entry(3)]),
      [LIVE]: text([entry(1, pending), entry(2, { ...pending, processing_status: "failed" })]),
      ...images(1, 2, 3),
    });
    expect(taken.statuses).toEqual(["processed", "processed", "processed"]);
    expect(taken.entries.map(({ imageSynced }) => imageSynced)).toEqual([true, true, false]);
    expect(taken.findings).toEqual([
      [2, "entries there more than once, of which the one that got furthest was taken", nameOf(1)],
    ]);
  });

  test("that give an image another time than the live file do not count, and that is said", async () => {
    const own = entry(1);
    const earlier = { ...own, camera_data: { ...own.camera_data, timestamp_iso: "2025-08-06T12:20:00+02:00" } };
    const taken = await imported({
      "backup/metadata_manifest_20250806_122505.json": text([earlier]),
      [LIVE]: text([own, entry(2)]),
      ...images(1, 2),
    });
    expect(taken.entries.map(({ capturedAtUs }) => capturedAtUs)).toEqual(
      [1, 2].map((n) => Date.parse(timeOf(n)) * 1000 + 500),
    );
    expect(taken.findings).toEqual([
      [
        1,
        "entries with another time for an image than a later entry has, left out",
        `${nameOf(1)}: 2025-08-06T10:20:00.000000Z, now 2025-08-06T10:25:01.001500Z`,
      ],
    ]);
  });

  test("stand in for a live file that is lost or unreadable, and are found from the data directory too", async () => {
    const files = {
      "backup/data/metadata_manifest_20250806_122505.json.gz": gzipSync(text([entry(1)])).subarray(0, 150),
      "backup/data/metadata_manifest_20250806_122506.json.gz": "no gzip",
      "backup/data/metadata_manifest_20250806_122507.json": text([entry(2)]),
      "backup/other/metadata_manifest_20250806_122507.json": text([entry(9)]),
      "backup/results/processing_results_20250806_122505.jsonl.gz": gzipSync(lines(result(2))),
      [LIVE]: "",
      "data/metadata_manifest_FILTERED.json": text([entry(3)]),
      "data/metadata_manifest.json.tmp": "[",
      "data/metadata_manifest.json.lock": "",
      ...images(2),
    };
    const taken = await imported(files, "data");
    expect(taken.numbers).toEqual([2]);
    expect(taken.positions).toEqual([2]);
    expect(taken.findings.map(([count, kind]) => [count, kind])).toEqual([
      [2, "files unfinished or filtered, not read"],
      [2, "metadata files not readable, left out"],
      [1, "metadata files empty"],
    ]);
  });
});

describe("results", () => {
  test("are taken around torn lines; those without an entry and those that repeat are counted", async () => {
    const torn = result(2);
    const taken = await imported({
      [LIVE]: text([1, 2, 3, 4].map((number) => entry(number))),
      [RESULTS]: `\uFEFF${[
        result(1),
        // The next record was written behind the tear.
        torn.slice(0, 300) + result(3).replace('"Max":1', '"Max":NaN'),
        torn.slice(100),
        "",
        result(9),
        result(1, 99),
        result(4).slice(0, 200),
      ].join("\r\n")}`,
      ...images(1, 2, 3, 4),
    });
    expect(taken.positions).toEqual([1, 3]);
    expect(taken.summary).toMatchObject({ results: 2, resultLinesSkipped: 4, processedWithoutResult: 2 });
    expect(taken.findings).toEqual([
      [1, "results of no entry, left out", `${RESULTS}, line 5`],
      [1, "results there more than once, of which the first was taken", `${RESULTS}, line 6`],
      [3, "lines of results torn or not usable, left out", `${RESULTS}, line 2`],
    ]);
  });

  test("that name a page and have the time of another never replace the right ones", async () => {
    const stack = { filename: "stack.tif", filepath: "data", camera_index: 0 };
    const page = (number: number) =>
      entry(number, { camera_data: { ...stack, page: number, timestamp_iso: timeOf(number) } });
    const of = (number: number, isAt: number, position: number) =>
      JSON.stringify({
        ...JSON.parse(result(isAt, position)),
        ...{ image_filename: stack.filename, page: number },
      });
    const taken = await imported({
      [LIVE]: text([1, 2, 3, 4].map(page)),
      [RESULTS]: lines(of(2, 3, 99), of(1, 1, 1), of(2, 2, 2), of(1, 9, 98), of(4, 3, 97), of(3, 8, 3)),
    });
    expect(taken.positions).toEqual([1, 2, 3]);
    expect(taken.summary).toMatchObject({ results: 3, resultLinesSkipped: 3, processedWithoutResult: 1 });
    const [isOther, isNotThat] = [
      "results whose time is that of another page",
      "results whose time is not that of their",
    ];
    expect(taken.findings.filter(([, kind]) => String(kind).startsWith("results"))).toEqual([
      [2, `${isOther} than they name, left out`, `${RESULTS}, line 1`],
      [1, `${isNotThat} frame, left out because the frame has another result`, `${RESULTS}, line 4`],
      [1, `${isNotThat} frame, taken because the frame has no other result`, `${RESULTS}, line 6`],
    ]);
  });

  test.each([
    ["whose entry is torn", text([entry(1), entry(2)]).replace(nameOf(2), "\0"), images(1, 2)],
    ["whose entry waits", text([entry(1), entry(2, { processing_status: "processing" })]), images(1, 2)],
    [
      "whose entry waits and whose image is lost",
      text([entry(1), entry(2, { processing_status: "pending" })]),
      images(1),
    ],
  ])("of a frame %s settle it: it is measured once", async (_, live, pictures) => {
    const taken = await imported({ [LIVE]: live, [RESULTS]: lines(result(1), result(2)), ...pictures });
    expect(taken).toMatchObject({ numbers: [1, 2], statuses: ["processed", "processed"], positions: [1, 2] });
    expect(taken.summary).toMatchObject({ pending: 0, failed: 0, processed: 2, processedWithoutResult: 0 });
    const settled = [1, "frames that waited although there is a result of them, taken as processed", nameOf(2)];
    expect(taken.findings).toContainEqual(settled);
  });

  test("a packed file that is cut off or damaged gives what comes before", async () => {
    // Of such a size that the damage is behind the first lines.
    const many = lines(...Array.from({ length: 50 }, (_, number) => result(number)));
    const packed = gzipSync(many);
    const files = { [LIVE]: text(Array.from({ length: 50 }, (_, number) => entry(number))) };
    const cut = await imported({ ...files, [`${RESULTS}.gz`]: packed.subarray(0, packed.length - 60) });
    expect(cut.summary.results).toBeGreaterThan(10);
    const noGzip = await imported({ ...files, [`${RESULTS}.gz`]: "text" });
    expect(noGzip.findings.at(-1)).toEqual([1, "files of results damaged, read up to the damage", `${RESULTS}.gz`]);
  });

  test("a directory in place of a file is named and costs only that file", async () => {
    const older = "data/metadata_manifest_20250806_100000.json";
    const files = { [LIVE]: text([entry(1)]), [`${older}/x`]: "", [`${RESULTS}/x`]: "", ...images(1) };
    const { numbers, findings } = await imported(files);
    expect(numbers).toEqual([1]);
    expect(findings).toContainEqual([
      1,
      "metadata files not readable, left out",
      `${older}: a directory, not a metadata manifest`,
    ]);
    expect(findings).toContainEqual([1, "files of results that are no files or cannot be read, left out", RESULTS]);
  });

  test("the names and the one list of the first months are read", async () => {
    const list = `[\n${[result(1), result(2)].join(",\n")}\n]`;
    const taken = await imported({
      "data/processing_manifest.json": text([entry(1), entry(2)]),
      "results/processing_results.json": list,
      ...images(1, 2),
    });
    expect(taken).toMatchObject({ numbers: [1, 2], positions: [1, 2], findings: [] });
  });
});

describe("images", () => {
  test("without an entry are queued, dated by their names as the entries are; others are named", async () => {
    const taken = await imported({
      [LIVE]: text([entry(1), entry(3)]),
      ...images(1, 2, 3),
      [`data/${nameOf(5)}.gz`]: gzipSync("x"),
      "data/dummy_image.tif": "x",
    });
    expect(taken.numbers).toEqual([1, 2, 3, 5]);
    expect(taken.statuses).toEqual(["processed", "pending", "processed", "pending"]);
    expect(taken.entries[1]?.capturedAtUs).toBe(Date.UTC(2025, 7, 6, 10, 25, 2) * 1000);
    expect(taken.findings).toEqual([
      [1, "images without an entry and without a time in their names, left out", "dummy_image.tif"],
      [2, "images without an entry, added as pending and dated by their names", nameOf(2)],
    ]);
  });

  test("of a kind that phorest does not read are named, with what to do", async () => {
    const { findings } = await imported({
      [LIVE]: text([entry(1)]),
      ...images(1),
      "data/overview.gif": "GIF89a and so on",
      "data/notes.txt": "GIF is a kind of file",
    });
    expect(findings).toEqual([
      [
        1,
        "files of a kind that phorest does not read, left out",
        expect.stringMatching(/^overview\.gif is a GIF file: \w/),
      ],
    ]);
  });

  test.each([true, false])("are one frame each, also when an entry is found later; copied: %s", async (copied) => {
    const whole = text([entry(1), entry(2)]);
    const root = experiment({ [LIVE]: whole.replace(nameOf(2), "\0"), ...images(1, 2) });
    const manifest = openManifest(temporaryDirectory());
    const options = copied ? { adopt: { keepFreeBytes: 0 } } : {};
    await importExperiment(manifest, root, NOON_US, options);
    writeFileSync(join(root, LIVE), whole);
    expect(await importExperiment(manifest, root, NOON_US, options)).toMatchObject({ added: 0, adopted: 0 });
    expect([...manifest.history.entries()].map(({ filename }) => filename)).toEqual([nameOf(1), nameOf(2)]);
  });

  test("are found in the form that is there, packed or not, and missing ones are counted", async () => {
    const { camera_data: camera } = entry(3);
    const taken = await imported({
      [LIVE]: text([entry(1), entry(2), entry(3, { camera_data: { ...camera, filename: `${nameOf(3)}.gz` } })]),
      [`data/${nameOf(1)}.gz`]: gzipSync("x"),
      ...images(3),
    });
    expect(taken.entries.map(({ filename }) => filename)).toEqual([`${nameOf(1)}.gz`, nameOf(2), nameOf(3)]);
    expect(taken.summary).toMatchObject({ missing: [nameOf(2)], added: 3 });
  });

  test("a second import adds nothing, whatever is damaged", async () => {
    const root = experiment({
      [LIVE]: text([entry(1), entry(2)]).slice(0, -300),
      "backup/data/metadata_manifest_20250806_122505.json.gz": gzipSync(text([entry(3)])),
      [RESULTS]: lines(result(1), result(3)).slice(0, -20),
      ...images(1, 2, 3, 4),
    });
    const manifest = openManifest(temporaryDirectory());
    const first = await importExperiment(manifest, root, NOON_US);
    expect(first).toMatchObject({ added: 4, results: 1 });
    expect(await importExperiment(manifest, root, NOON_US)).toMatchObject({ entries: 2, added: 0, results: 0 });
  });
});
