// Analyses: what frames were measured with (method, settings, kernel, and ROI manifest).
import { createHash } from "node:crypto";
import { Failure } from "../failure/failure.ts";
import type { Method } from "../measurement/method.ts";
import type { RoiManifest } from "../measurement/roi.ts";
import { IS_OF_ANALYSIS } from "./along-curves.ts";
import type { Connection } from "./connection.ts";
import { carrierOf, countFrames, type FrameCount, outcomesKey } from "./frame-counts.ts";
import { ensureRoiManifest, storedRoiManifest } from "./roi-manifests.ts";

export interface NewAnalysis {
  readonly method: Method;
  /** Everything else that affects the measured values, as JSON. */
  readonly settings: string;
  /** Absent if frames could not be measured because there was no ROI manifest. */
  readonly roiManifestId?: number | undefined;
  readonly kernelVersion: string;
}

export interface Analysis extends NewAnalysis {
  readonly analysisId: number;
  /** Name shown to people; unique. */
  readonly name: string;
  /** When `phorest remeasure` created it, microseconds since the epoch; undefined: it measures frames as they are captured. */
  readonly remeasuredAtUs: number | undefined;
  /** Labels of the ROIs, in the order of the ROI manifest. */
  readonly labels: readonly string[];
}

type AnalysisRow = Omit<Analysis, "labels" | "roiManifestId" | "name" | "remeasuredAtUs"> & {
  readonly roiManifestId: number | null;
  readonly name: string | null;
  readonly remeasuredAtUs: number | null;
};

/** The frames that an analysis has measured, or has failed to measure. */
export interface AnalysisExtent {
  readonly measured: number;
  readonly failed: number;
  /** First capture time of its frames, microseconds since the epoch. */
  readonly firstUs: number | undefined;
  readonly lastUs: number | undefined;
  /** The analysis that it was measured along with, and whose frames these are; undefined: it has its own. */
  readonly alongWith: number | undefined;
}

/**
 * Returns a key that is equal for analyses whose results continue each other. A new tracking analysis has its own reference:
 * joining two would put a step into the curve where the kernel changed.
 */
function measureKey({ method, settings, roiManifestId, kernelVersion }: NewAnalysis): string {
  return JSON.stringify([method, settings, roiManifestId, ...(method === "tracking" ? [kernelVersion] : [])]);
}

/** Returns `base`, with the first number that makes it unique if it is taken. */
function freeAnalysisName(base: string, taken: ReadonlySet<string>): string {
  for (let number = 2, name = base; ; number += 1) {
    if (!taken.has(name)) return name;
    name = `${base} ${number}`;
  }
}

/** Distinguishes analyses with the same settings that measure frames again. */
export interface AgainOptions {
  /** Name chosen by the user; undefined: named after the method. */
  readonly name: string | undefined;
  /** The analysis that a tracking is measured along with. */
  readonly alongWith?: number;
}

/** An analysis and the number of frames that it measured successfully. */
export interface MeasuredAnalysis extends Analysis, FrameCount {}

/** A frame that was measured by another analysis than the frame before it. Times in µs. */
export interface AnalysisSwitch {
  readonly atUs: number;
  readonly before: number;
  readonly after: number;
  /** Time range that covers some frames before and after the switch. */
  readonly fromUs: number;
  readonly toUs: number;
}

/** Number of frames that are compared on each side of a switch. */
const SEAM_FRAMES = 8;

interface Counted {
  /** Identifies the outcomes that were counted. */
  readonly key: string;
  readonly measured: readonly MeasuredAnalysis[];
  readonly inForce: Analysis | undefined;
}

export class Analyses {
  readonly #connection: Connection;
  #known: Counted | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Returns the id of an analysis; adds a row if it is new. The same method, settings, ROI manifest and kernel are one analysis.
   */
  ensure(analysis: NewAnalysis): number {
    const { method, settings, roiManifestId = null, kernelVersion } = analysis;
    return this.#ensure(analysis, [method, settings, roiManifestId, kernelVersion]);
  }

  /**
   * Returns the id of an analysis that measures frames again; adds a row if it is new. It is always separate from the analyses of
   * runs. Throws Failure `usage.invalid` if an analysis with other settings has the name.
   */
  ensureAgain(analysis: NewAnalysis, { name, alongWith }: AgainOptions, nowUs: number): number {
    const { method, settings, roiManifestId = null, kernelVersion } = analysis;
    const identity = [method, settings, roiManifestId, kernelVersion, "again", name ?? null, alongWith ?? null];
    return this.#connection.write(() => {
      const id = this.#ensure(analysis, identity, { name, remeasuredAtUs: nowUs });
      const other = this.all().find((one) => one.name === name && one.analysisId !== id);
      if (other === undefined) return id;
      throw new Failure(
        "usage.invalid",
        `--name "${name}": analysis ${other.analysisId} (${other.method}) has this name`,
        {
          hint: "choose another name, or none",
        },
      );
    });
  }

  /**
   * Returns the id of an analysis that must not continue one with the same settings; adds a row if it is new. `mark`
   * distinguishes it. It gets another name if none is given or if the name is taken.
   */
  ensureApart(
    analysis: NewAnalysis,
    mark: string,
    { name, remeasuredAtUs }: { readonly name: string | undefined; readonly remeasuredAtUs: number | undefined },
  ): number {
    const { method, settings, roiManifestId = null, kernelVersion } = analysis;
    const identity = [method, settings, roiManifestId, kernelVersion, "apart", mark];
    return this.#connection.write(() =>
      this.#ensure(analysis, identity, {
        name: name === undefined ? undefined : freeAnalysisName(name, this.#names()),
        remeasuredAtUs,
      }),
    );
  }

  #ensure(
    { method, settings, roiManifestId, kernelVersion }: NewAnalysis,
    identity: readonly unknown[],
    again: { readonly name: string | undefined; readonly remeasuredAtUs: number | undefined } | undefined = undefined,
  ): number {
    const { db } = this.#connection;
    const fingerprint = createHash("sha256").update(JSON.stringify(identity)).digest("hex");
    return this.#connection.write(() => {
      const known = db
        .prepare<[string], number>("SELECT id FROM analysis WHERE fingerprint = ?")
        .pluck()
        .get(fingerprint);
      if (known !== undefined) return known;
      const { lastInsertRowid } = db
        .prepare(`
          INSERT INTO analysis (method, settings, roi_manifest_id, kernel_version, fingerprint, name, remeasured_at_us)
          VALUES (@method, @settings, @roiManifestId, @kernelVersion, @fingerprint, @name, @remeasuredAtUs)`)
        .run({
          ...{ method, settings, kernelVersion, fingerprint },
          roiManifestId: roiManifestId ?? null,
          remeasuredAtUs: again?.remeasuredAtUs ?? null,
          name: again?.name ?? freeAnalysisName(method, this.#names()),
        });
      return Number(lastInsertRowid);
    });
  }

  #names(): Set<string> {
    return new Set(this.all().map(({ name }) => name));
  }

  /** Returns all analyses, oldest first. */
  all(): Analysis[] {
    const { db } = this.#connection;
    const labels = db
      .prepare<[number | null], string>("SELECT label FROM roi WHERE roi_manifest_id = ? ORDER BY roi")
      .pluck();
    return db
      .prepare<[], AnalysisRow>(`
        SELECT id AS analysisId, method, settings, roi_manifest_id AS roiManifestId, kernel_version AS kernelVersion,
          name, remeasured_at_us AS remeasuredAtUs
        FROM analysis ORDER BY id`)
      .all()
      .map((row) => ({
        ...row,
        // An analysis whose record was lost and rebuilt by a repair has no name of its own.
        name: row.name ?? `${row.method} (analysis ${row.analysisId})`,
        remeasuredAtUs: row.remeasuredAtUs ?? undefined,
        roiManifestId: row.roiManifestId ?? undefined,
        labels: labels.all(row.roiManifestId),
      }));
  }

  /**
   * Returns the analysis that is shown by default: the newest one that has measured every frame that any analysis has, otherwise
   * the one that measured the last frames of a run. Undefined while nothing is measured.
   */
  inForce(): Analysis | undefined {
    return this.#counted().inForce;
  }

  /**
   * Returns the analyses that have measured frames, oldest first, each with the number of frames that it measured successfully.
   */
  measured(): readonly MeasuredAnalysis[] {
    return this.#counted().measured;
  }

  /** The counts are cached until an outcome is added or removed. */
  #counted(): Counted {
    const { db } = this.#connection;
    const key = outcomesKey(db);
    if (this.#known?.key === key) return this.#known;
    const { frames, shown } = countFrames(db);
    const all = this.all();
    const measured = all.flatMap((analysis) => {
      const counted = frames.get(analysis.analysisId);
      return counted === undefined ? [] : [{ ...analysis, ...counted }];
    });
    this.#known = { key, measured, inForce: all.find(({ analysisId }) => analysisId === shown) };
    return this.#known;
  }

  /**
   * Returns the analyses whose results may be in one file with those of `analysis`: same method, settings and ROI manifest, any
   * version of the program. An analysis that measured frames again is always on its own.
   */
  sameMeasure({ analysisId, remeasuredAtUs, ...analysis }: Analysis): ReadonlySet<number> {
    if (remeasuredAtUs !== undefined) return new Set([analysisId]);
    const key = measureKey(analysis);
    const same = this.all().filter((one) => one.remeasuredAtUs === undefined && measureKey(one) === key);
    return new Set(same.map((one) => one.analysisId));
  }

  /** Returns where the frames of a run, in order of capture, change from one of these analyses to another. Reads each frame. */
  switches(analysisIds: readonly number[]): AnalysisSwitch[] {
    return this.#connection.db
      .prepare<[{ ids: string; frames: number }], AnalysisSwitch>(`
        SELECT atUs, before, after, fromUs, toUs FROM (
          SELECT e.captured_at_us AS atUs, o.analysis_id AS after, lag(o.analysis_id) OVER frames AS before,
            lag(e.captured_at_us, @frames, 0) OVER frames AS fromUs, lead(e.captured_at_us, @frames, 9000000000000000) OVER frames AS toUs
          FROM outcome o JOIN entry e ON e.id = o.entry_id
          WHERE o.analysis_id IN (SELECT value FROM json_each(@ids)) AND o.ok = 1
          WINDOW frames AS (ORDER BY e.captured_at_us, e.id))
        WHERE before IS NOT NULL AND before <> after ORDER BY atUs`)
      .all({ ids: JSON.stringify(analysisIds), frames: SEAM_FRAMES });
  }

  /** Returns what an analysis has measured, to show to people. Reads each of its frames. */
  extent(analysisId: number): AnalysisExtent {
    const { db } = this.#connection;
    const row = db
      .prepare<[{ id: number }], { measured: number; failed: number; firstUs: number | null; lastUs: number | null }>(`
        SELECT coalesce(sum(o.ok), 0) AS measured, count(*) - coalesce(sum(o.ok), 0) AS failed,
          min(e.captured_at_us) AS firstUs, max(e.captured_at_us) AS lastUs
        FROM outcome o JOIN entry e ON e.id = o.entry_id WHERE o.analysis_id = @id OR ${IS_OF_ANALYSIS}`)
      .get({ id: analysisId });
    const own = db.prepare("SELECT 1 FROM outcome WHERE analysis_id = ? LIMIT 1").get(analysisId);
    return {
      measured: row?.measured ?? 0,
      failed: row?.failed ?? 0,
      firstUs: row?.firstUs ?? undefined,
      lastUs: row?.lastUs ?? undefined,
      alongWith: own === undefined ? carrierOf(db, analysisId) : undefined,
    };
  }

  /** Returns the id of an ROI manifest; adds a row if it is new. Manifests are compared by the hash of their content. */
  ensureRoiManifest(manifest: RoiManifest): number {
    return this.#connection.write(() => ensureRoiManifest(this.#connection.db, manifest));
  }

  /** Returns an ROI manifest as it was stored. */
  roiManifest(roiManifestId: number): RoiManifest | undefined {
    return storedRoiManifest(this.#connection.db, roiManifestId);
  }

  /** Records that a tracking is measured along with an analysis. */
  noteCompanion(analysisId: number, trackingId: number): void {
    this.#connection.write(() =>
      this.#connection.db.prepare("INSERT OR IGNORE INTO companion VALUES (?, ?)").run(analysisId, trackingId),
    );
  }

  /** Returns the trackings measured along with an analysis, newest first. */
  companions(analysisId: number): number[] {
    return this.#connection.db
      .prepare<[number], number>("SELECT tracking_id FROM companion WHERE analysis_id = ? ORDER BY tracking_id DESC")
      .pluck()
      .all(analysisId);
  }
}
