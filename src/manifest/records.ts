// Opens records of `phorest analyse` as an experiment: a database in a temporary directory, so that all readers of experiments
// can read them. The images stay where they are, and nothing is written next to them.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import * as z from "zod";
import { Failure } from "../failure/failure.ts";
import { captureTimeOf } from "../image/capture-name.ts";
import { pictureNameProblem } from "../image/picture-name.ts";
import { labelsOnly, type RoiManifest } from "../measurement/roi.ts";
import { wallClockUs } from "../system/clock.ts";
import type { EstablishedResult } from "./established-result.ts";
import { type PlacedResult, resultsIn, storedResult } from "./established-results.ts";
import { type Finding, Findings } from "./import-findings.ts";
import { MANIFEST_FILENAME, Manifest } from "./manifest.ts";

/** A file of records, opened. */
export interface OpenedRecords {
  readonly manifest: Manifest;
  /** What could not be used in the file. */
  readonly findings: readonly Finding[];
  /** Closes the database and removes it. */
  close(): void;
}

/** Name that `phorest analyse --out DIR` gives to the file. */
const RECORDS = "processing_results.jsonl";
const RECORDS_PER_TRANSACTION = 64;
const SENSOR_UNIT = "°C";
/** After this many frames the line shapes chosen from the data are final; see src/analysis/chosen-lines.ts. */
const LINES_FINAL = 16;

/**
 * Opens the records in `file`, or in a directory of `phorest analyse --out`. `rois`: the ROI manifest that they may have been
 * measured with; without the right one, the ROIs have no places in the images. Throws Failure `usage.invalid` if there is no
 * record of a measured frame.
 */
export async function openRecords(file: string, rois: RoiManifest | undefined): Promise<OpenedRecords> {
  const path =
    statSync(file, { throwIfNoEntry: false })?.isDirectory() === true ? resolve(file, RECORDS) : resolve(file);
  if (!existsSync(path)) {
    throw new Failure(
      "usage.invalid",
      `--records ${file}: ${path === resolve(file) ? "the file does not exist" : `it has no ${RECORDS}`}`,
      {
        hint: "`phorest analyse PICTURES --out DIR` writes DIR/processing_results.jsonl",
      },
    );
  }
  const place = mkdtempSync(join(tmpdir(), "phorest-records-"));
  const removePlace = () => rmSync(place, { recursive: true, force: true });
  try {
    const manifest = Manifest.open({ file: join(place, MANIFEST_FILENAME) });
    const close = () => {
      manifest.close();
      removePlace();
    };
    try {
      const findings = new Findings();
      await new Recorded(manifest, path, rois, findings).readAll();
      return { manifest, findings: findings.all(), close };
    } catch (error) {
      close();
      throw error;
    }
  } catch (error) {
    removePlace();
    throw error;
  }
}

/** Adds the records of one file to a database. */
class Recorded {
  readonly #manifest: Manifest;
  readonly #path: string;
  readonly #rois: RoiManifest | undefined;
  readonly #note: z.output<typeof NOTE>;
  readonly #findings: Findings;
  readonly #analyses = new Map<string, number>();
  /** Entries by the path of their image and their page. */
  readonly #entries = new Map<string, number>();
  /** Entries that carry a file, by its path. */
  readonly #files = new Map<string, number>();
  #frames = 0;

  constructor(manifest: Manifest, path: string, rois: RoiManifest | undefined, findings: Findings) {
    this.#manifest = manifest;
    this.#path = path;
    this.#rois = rois;
    this.#note = readNote(path);
    this.#findings = findings;
  }

  async readAll(): Promise<void> {
    let batch: PlacedResult[] = [];
    const store = () => {
      this.#manifest.together(() => {
        for (const placed of batch) this.#take(placed);
      });
      batch = [];
    };
    const failed = (where: string) => this.#findings.add("records of frames that could not be measured", where);
    for await (const placed of resultsIn(this.#path, this.#findings, failed)) {
      batch.push(placed);
      if (batch.length >= RECORDS_PER_TRANSACTION) store();
    }
    store();
    if (this.#frames > 0) return;
    const [first] = this.#findings.all();
    throw new Failure("usage.invalid", `--records ${this.#path}: it holds no result of \`phorest analyse\``, {
      hint: first === undefined ? "no line of it is a record" : `${first.kind}: ${first.count} (first: ${first.first})`,
    });
  }

  #take({ result, where }: PlacedResult): void {
    const capturedAtUs = result.capturedAtUs ?? captureTimeOf(result.filename);
    if (capturedAtUs === undefined) {
      this.#findings.add("records without the time of their image, left out", where);
      return;
    }
    const image = imageOf(result, dirname(this.#path));
    if (pictureNameProblem(basename(image)) !== undefined) {
      this.#findings.add("records of files that are not images, left out", where);
      return;
    }
    const processedAtUs = result.processedAtUs ?? wallClockUs();
    const entryId = this.#entryOf(result, image, capturedAtUs, processedAtUs);
    const analysisId = this.#analysisOf(result);
    if (this.#manifest.results.has(entryId, analysisId)) {
      this.#findings.add("records there more than once, of which the first was taken", where);
      return;
    }
    this.#manifest.results.add(entryId, analysisId, storedResult(result), processedAtUs);
    this.#frames += 1;
  }

  #entryOf(result: EstablishedResult, image: string, capturedAtUs: number, processedAtUs: number): number {
    const { page, timeSource, temperatures } = result;
    const key = JSON.stringify([image, page]);
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const readings = [...temperatures].map(([sensor, value]) => ({
      ...{ sensor, value, unit: SENSOR_UNIT },
      takenAtUs: capturedAtUs,
      error: undefined,
    }));
    const frame = { capturedAtUs, timeSource, readings };
    const past = { origin: "imported", status: "processed", processedAtUs } as const;
    const fileEntryId = this.#files.get(image);
    const { entries } = this.#manifest;
    const entryId =
      fileEntryId === undefined || page === undefined
        ? entries.add({ ...frame, page, filename: basename(image), filepath: dirname(image) }, past)
        : entries.addPage(fileEntryId, { ...frame, page }, past);
    if (fileEntryId === undefined) this.#files.set(image, entryId);
    this.#entries.set(key, entryId);
    return entryId;
  }

  /** Returns one analysis for each method and set of ROIs. */
  #analysisOf({ method, labels, doubt }: EstablishedResult): number {
    const key = JSON.stringify([method, labels]);
    const known = this.#analyses.get(key);
    if (known !== undefined) return known;
    const { analyses, references } = this.#manifest;
    const { rois: measuredWith, kernel, ...settings } = this.#note;
    const isSame =
      this.#rois !== undefined &&
      JSON.stringify(this.#rois.rois.map(({ label }) => label)) === JSON.stringify(labels) &&
      (measuredWith === undefined || measuredWith === this.#rois.sha256);
    const roiManifestId = analyses.ensureRoiManifest(
      isSame && this.#rois !== undefined ? this.#rois : labelsOnly(labels),
    );
    const hasLines = doubt?.lines.some((code) => code > 0) === true;
    const analysisId = analyses.ensure({
      method,
      settings: JSON.stringify({ ...settings, ...(hasLines ? { jointLine: settings.jointLine ?? "auto" } : {}) }),
      roiManifestId,
      kernelVersion: kernel ?? "unknown",
    });
    if (hasLines) references.keepChosenLines(analysisId, Uint8Array.of(LINES_FINAL, ...doubt.lines));
    this.#analyses.set(key, analysisId);
    return analysisId;
  }
}

/** What `phorest analyse` stores next to its records: the settings, the hash of the ROI manifest, and the kernel version. */
const NOTE = z.looseObject({ rois: z.string().optional(), kernel: z.string().optional() });

/** Reads the note of a file of records; empty if there is none, as next to records of another program. */
function readNote(path: string): z.output<typeof NOTE> {
  const file = measureFile(path);
  if (!existsSync(file)) return {};
  try {
    return NOTE.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return {};
    throw error;
  }
}

/**
 * Returns the image of a record. Its path is relative to the directory in which `phorest analyse` was started, which may be
 * elsewhere.
 */
function imageOf({ path, filename }: EstablishedResult, directory: string): string {
  const beside = join(directory, filename);
  const places = path === undefined ? [beside] : [resolve(path), resolve(directory, path), beside];
  return places.find((place) => existsSync(place)) ?? places[0] ?? beside;
}

/** Returns the name of the note next to a file of records. */
export function measureFile(path: string): string {
  return `${path}.measure.json`;
}
