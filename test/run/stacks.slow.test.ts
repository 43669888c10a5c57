// Files with several frames through the whole program: each page is a frame, measured exactly once, with the same numbers as
// the same pictures in separate files; the file is one thing.
import { existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import type { Picture } from "../../src/image/picture.ts";
import { formatRoiManifest } from "../../src/measurement/roi.ts";
import { createSimulator } from "../../src/simulator/simulator.ts";
import { writeTiff } from "../image/picture-writers.ts";
import { type StackOptions, writeStack } from "../image/stack-writer.ts";
import { experiment, phorest, start } from "./program.ts";

const simulator = createSimulator({ width: 640, height: 480 });
const pictures: readonly Picture[] = Array.from({ length: 6 }, (_, at) => simulator.render(at, at * 30));

type Source = "folder" | "file_importer";

function settings(source: Source, more = ""): string {
  return `
[Camera]
camera_type = "${source}"
watch_dir = "incoming"
folder_stable_seconds = 0.1
${more}
[Services]
enable_camera = true
[Web]
enabled = false
[Report]
plot = false
[Timing]
collector_interval_seconds = 0.05
communicator_interval_seconds = 0.1
`;
}

/** An experiment with files where its source finds them. */
function withFiles(source: Source, files: Readonly<Record<string, Uint8Array>>, more = ""): string {
  const directory = experiment(settings(source, more));
  for (const name of ["data", "incoming", "generated_files"]) mkdirSync(join(directory, name));
  writeFileSync(join(directory, "generated_files", "ROI_manifest.json"), formatRoiManifest(simulator.roiManifest()));
  const place = join(directory, source === "folder" ? "incoming" : "data");
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(place, name), bytes);
  return directory;
}

const stackOf = (frames: readonly Picture[], options?: StackOptions) => writeStack(frames, options);

function query<Row>(directory: string, sql: string): Row[] {
  const db = new Database(join(directory, "data", "phorest.sqlite"), { readonly: true });
  try {
    return db.prepare<[], Row>(sql).all();
  } finally {
    db.close();
  }
}

const RESULTS = `SELECT r.roi, r.position, r.standard_error, r.quality, r.flags FROM result r JOIN entry e ON e.id = r.entry_id
  ORDER BY e.id, r.roi`;
const RUN = ["run", "--until-idle"];

describe.each<Source>(["folder", "file_importer"])("%s", (source) => {
  test("measures every page of a stack as if each were a file of its own", async () => {
    const separate = Object.fromEntries(pictures.map((picture, at) => [`${at}.tif`, writeTiff(picture)]));
    const [stack, files] = [withFiles(source, { "six.tif": stackOf(pictures) }), withFiles(source, separate)];
    for (const directory of [stack, files]) {
      const { code, stderr } = await phorest(RUN, directory);
      expect(code, stderr).toBe(0);
    }
    const entries = query(stack, "SELECT filename, page, status FROM frame ORDER BY entry");
    expect(entries).toEqual(pictures.map((_, page) => ({ filename: "six.tif", page, status: "processed" })));
    expect(query(stack, RESULTS)).toEqual(query(files, RESULTS));
    expect(query(stack, "SELECT count(bytes) AS files, count(sha256) AS hashes FROM entry")).toEqual([
      { files: 1, hashes: 1 },
    ]);
    const { stdout } = await phorest(["export", "--format", "results-jsonl"], stack);
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map(({ image_filename, page }) => [image_filename, page])).toEqual(
      pictures.map((_, page) => ["six.tif", page]),
    );
  });

  test("uses the whole pages of a file that is cut off, and names the rest once", async () => {
    const directory = withFiles(source, { "cut.tif": stackOf(pictures) });
    const file = join(directory, source === "folder" ? "incoming" : "data", "cut.tif");
    truncateSync(file, Math.round(readFileSync(file).length * 0.6));
    const { stderr } = await phorest(RUN, directory);
    const entries = query<{ page: number; status: string }>(directory, "SELECT page, status FROM frame ORDER BY entry");
    expect(entries).toEqual([0, 1, 2].map((page) => ({ page, status: "processed" })));
    const said = stderr.split("\n").filter((line) => /cut\.tif: /.test(line) && / ERROR /i.test(line));
    expect(said, stderr).toHaveLength(1);
    expect(query(directory, "SELECT count(*) AS n FROM entry WHERE collection_error IS NOT NULL")).toEqual([{ n: 1 }]);
  });
});

test("a program that is killed in the middle of a stack of 125 pages measures each page exactly once", async () => {
  const frames = Array.from({ length: 125 }, (_, at) => pictures[at % pictures.length] as Picture);
  const directory = withFiles("folder", { "many.tif": stackOf(frames) });
  const { child, ended } = start(RUN, directory);
  let measured = 0;
  child.stderr?.on("data", (chunk: Buffer) => {
    measured += chunk.toString().match(/many\.tif, page \d+: measured/g)?.length ?? 0;
    if (measured >= 20) child.kill("SIGKILL");
  });
  expect((await ended).signal).toBe("SIGKILL");
  const before = query<{ n: number }>(directory, "SELECT count(*) AS n FROM outcome")[0]?.n ?? 0;
  expect(before).toBeGreaterThanOrEqual(20);
  expect(before).toBeLessThan(125);
  expect(existsSync(join(directory, "data", "many.tif"))).toBe(true);

  const { code, stderr } = await phorest(RUN, directory);
  expect(code, stderr).toBe(0);
  const pages = query<{ page: number; outcomes: number; status: string }>(
    directory,
    `SELECT e.page, e.status, (SELECT count(*) FROM outcome o WHERE o.entry_id = e.id) AS outcomes FROM entry e ORDER BY e.page`,
  );
  expect(pages).toEqual(frames.map((_, page) => ({ page, status: "processed", outcomes: 1 })));
  const csv = readFileSync(join(directory, "results", "communicating_results.csv"), "utf8")
    .trim()
    .split("\n");
  const rois = simulator.roiManifest().rois.length;
  expect(csv).toHaveLength(125 * rois + 1);
  const names = csv[0]?.split(",") ?? [];
  const measuredPages = csv.slice(1).map((line) => line.split(",")[names.indexOf("page")]);
  expect(new Set(measuredPages).size).toBe(125);
});

test("a stack that was copied and not yet recorded when the program was killed is found with all its pages", async () => {
  const directory = withFiles("folder", {});
  writeFileSync(join(directory, "data", "left.tif"), stackOf(pictures));
  const { code, stderr } = await phorest(RUN, directory);
  expect(code, stderr).toBe(0);
  expect(query(directory, "SELECT page, status FROM frame ORDER BY entry")).toEqual(
    pictures.map((_, page) => ({ page, status: "processed" })),
  );
});
