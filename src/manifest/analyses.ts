// Analyses: with what something was measured (method, settings, kernel), and the ROI manifests they measure by.
import { createHash } from "node:crypto";
import { Failure } from "../failure/failure.ts";
import type { Method } from "../measurement/method.ts";
import type { Roi, RoiManifest } from "../measurement/roi.ts";
import { IS_OF_ANALYSIS } from "./along-curves.ts";
import type { Connection } from "./connection.ts";

export interface NewAnalysis {
  readonly method: Method;
  /** All else that decides the numbers, as JSON. */
  readonly settings: string;
  /** Absent where frames could not be measured because there was none. */
  readonly roiManifestId?: number | undefined;
  readonly kernelVersion: string;
}

export interface Analysis extends NewAnalysis {
  readonly analysisId: number;
  /** As people call it; no two have the same. */
  readonly name: string;
  /** When `phorest remeasure` began it, microseconds since the epoch; undefined: frames are measured by it as they are captured. */
  readonly remeasuredAtUs: number | undefined;
  /** In the order of the ROI manifest. */
  readonly labels: readonly string[];
}

type AnalysisRow = Omit<Analysis, "labels" | "roiManifestId" | "name" | "remeasuredAtUs"> & {
  readonly roiManifestId: number | null;
  readonly name: string | null;
  readonly remeasuredAtUs: number | null;
};

/** Frames that an analysis has measured, or has failed to measure. */
export interface AnalysisExtent {
  readonly measured: number;
  readonly failed: number;
  /** Of the captures of its frames, microseconds since the epoch. */
  readonly firstUs: number | undefined;
  readonly lastUs: number | undefined;
  /** The analysis that it was measured along with, whose frames these are; undefined: it has its own. */
  readonly alongWith: number | undefined;
}

/**
 * The same for analyses whose results continue each other. A new analysis of tracking has a reference of its own: joined, its curve
 * would step where the kernel changed.
 */
function measureKey({ method, settings, roiManifestId, kernelVersion }: NewAnalysis): string {
  return JSON.stringify([method, settings, roiManifestId, ...(method === "tracking" ? [kernelVersion] : [])]);
}

/** `base`, with the first number that makes the name unique if it is taken. */
function freeName(base: string, taken: ReadonlySet<string>): string {
  for (let number = 2, name = base; ; number += 1) {
    if (!taken.has(name)) return name;
    name = `${base} ${number}`;
  }
}

/** What tells analyses with the same settings apart that measure frames again. */
export interface AgainOptions {
  /** As a person called it; undefined: by its method. */
  readonly name: string | undefined;
  /** The analysis that a tracking is measured along with. */
  readonly alongWith?: number;
}

/** An analysis, and the number of frames that it succeeded on. */
export interface MeasuredAnalysis extends Analysis {
  readonly frames: number;
  /** The analysis that all its frames were measured along with, whose outcomes they have; undefined: it has its own. */
  readonly alongWith: number | undefined;
}

/** A frame that another analysis measured than the frame before; times in µs. */
export interface AnalysisSwitch {
  readonly atUs: number;
  readonly before: number;
  readonly after: number;
  /** Some frames earlier and later. */
  readonly fromUs: number;
  readonly toUs: number;
}

/** Frames on each side of a switch that are compared. */
const SEAM_FRAMES = 8;

interface Counted {
  /** Of the outcomes that were counted. */
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

  /** The row of an analysis, made if it is new: the same method, settings, ROI manifest and kernel are one analysis. */
  ensure(analysis: NewAnalysis): number {
    const { method, settings, roiManifestId = null, kernelVersion } = analysis;
    return this.#ensure(analysis, [method, settings, roiManifestId, kernelVersion]);
  }

  /**
   * The row of an analysis that measures frames again, made if it is new: always separate from the analyses of runs.
   * Failure `usage.invalid` where an analysis with other settings has the name.
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
   * The row of an analysis that must not continue one with the same settings, made if it is new: `mark` tells it apart. Without a
   * name, or where the name is taken, it gets another one.
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
        name: name === undefined ? undefined : freeName(name, this.#names()),
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
          name: again?.name ?? freeName(method, this.#names()),
        });
      return Number(lastInsertRowid);
    });
  }

  #names(): Set<string> {
    return new Set(this.all().map(({ name }) => name));
  }

  /** All analyses, oldest first. */
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
        // One that a repair has found without its record has no name of its own.
        name: row.name ?? `${row.method} (analysis ${row.analysisId})`,
        remeasuredAtUs: row.remeasuredAtUs ?? undefined,
        roiManifestId: row.roiManifestId ?? undefined,
        labels: labels.all(row.roiManifestId),
      }));
  }

  /**
   * The analysis that is shown by default: the newest that has measured every frame that any has, else the one that
   * the last frames of a run were measured by. Undefined while nothing is measured.
   */
  inForce(): Analysis | undefined {
    return this.#counted().inForce;
  }

  /** Those that have measured frames, oldest first, each with the number of frames that it succeeded on. */
  measured(): readonly MeasuredAnalysis[] {
    return this.#counted().measured;
  }

  /** Counting looks at every outcome, so it is done again only where one was added or removed. */
  #counted(): Counted {
    const { db } = this.#connection;
    const key = db
      .prepare<[], unknown>(`
        SELECT (SELECT count(*) FROM analysis), (SELECT max(id) FROM outcome), (SELECT max(id) FROM outcome WHERE id < 0),
          (SELECT min(id) FROM outcome WHERE id > 0), (SELECT max(id) FROM archive WHERE moved_at_us IS NOT NULL)`)
      .raw()
      .get();
    const counted = JSON.stringify(key);
    if (this.#known?.key === counted) return this.#known;
    const counts = db
      .prepare<[], { id: number; frames: number; measured: number }>(
        "SELECT analysis_id AS id, count(*) AS frames, sum(ok) AS measured FROM outcome GROUP BY analysis_id ORDER BY id",
      )
      .all();
    const all = new Map(this.all().map((analysis) => [analysis.analysisId, analysis]));
    const found = counts.filter(({ measured }) => measured > 0);
    const own = new Map(found.map(({ id, measured }) => [id, measured]));
    const along = this.#countAlong();
    const measured = [...all.values()].flatMap((analysis) => {
      const frames = along.get(analysis.analysisId) ?? own.get(analysis.analysisId) ?? 0;
      const alongWith = own.has(analysis.analysisId) ? undefined : this.#carrierOf(analysis.analysisId);
      return frames === 0 ? [] : [{ ...analysis, frames, alongWith }];
    });
    const shown = found.length < 2 ? found[0]?.id : (this.#newestComplete(found) ?? this.#lastOfRun());
    this.#known = { key: counted, measured, inForce: shown === undefined ? undefined : all.get(shown) };
    return this.#known;
  }

  /** Of the analyses that were measured along with another: how many frames they have. */
  #countAlong(): ReadonlyMap<number, number> {
    const { db } = this.#connection;
    const ids = db.prepare<[], number>("SELECT DISTINCT tracking_id FROM companion").pluck().all();
    const count = db
      .prepare<[{ id: number }], number>(`SELECT count(*) FROM outcome o WHERE ${IS_OF_ANALYSIS}`)
      .pluck();
    return new Map(ids.map((id) => [id, count.get({ id }) ?? 0]));
  }

  /** The newest analysis that another one was measured along with. */
  #carrierOf(analysisId: number): number | undefined {
    return this.#connection.db
      .prepare<[number], number>("SELECT analysis_id FROM companion WHERE tracking_id = ? ORDER BY analysis_id DESC")
      .pluck()
      .get(analysisId);
  }

  /** Failed frames count: an analysis that could not measure a frame has dealt with it. */
  #newestComplete(counts: readonly { readonly id: number; readonly frames: number }[]): number | undefined {
    const { db } = this.#connection;
    const all = db.prepare<[], number>("SELECT count(DISTINCT entry_id) FROM outcome").pluck().get();
    return counts.findLast(({ frames }) => frames === all)?.id;
  }

  #lastOfRun(): number | undefined {
    return this.#connection.db
      .prepare<[], number>("SELECT analysis_id FROM outcome WHERE ok = 1 ORDER BY id DESC LIMIT 1")
      .pluck()
      .get();
  }

  /**
   * The analyses whose results may stand in one file with those of `analysis`: of the same method, settings and ROI manifest, by
   * whichever version of the program. One of frames measured again stands alone.
   */
  sameMeasure({ analysisId, remeasuredAtUs, ...analysis }: Analysis): ReadonlySet<number> {
    if (remeasuredAtUs !== undefined) return new Set([analysisId]);
    const key = measureKey(analysis);
    const same = this.all().filter((one) => one.remeasuredAtUs === undefined && measureKey(one) === key);
    return new Set(same.map((one) => one.analysisId));
  }

  /** Where the frames of a run, in order of capture, change from one of these analyses to another. Looks at each frame. */
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

  /** What an analysis has measured, for people. Looks at each of its frames. */
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
      alongWith: own === undefined ? this.#carrierOf(analysisId) : undefined,
    };
  }

  /** The row of an ROI manifest, made if it is new. Recognised by the hash of what it says. */
  ensureRoiManifest(manifest: RoiManifest): number {
    const { db } = this.#connection;
    return this.#connection.write(() => {
      const known = db
        .prepare<[string], number>("SELECT id FROM roi_manifest WHERE sha256 = ?")
        .pluck()
        .get(manifest.sha256);
      if (known !== undefined) return known;
      const { lastInsertRowid } = db
        .prepare("INSERT INTO roi_manifest (sha256, image_angle, json) VALUES (?, ?, ?)")
        .run(manifest.sha256, manifest.imageAngle, manifest.json);
      const insert = db.prepare("INSERT INTO roi VALUES (@id, @roi, @label, @flip, @y, @x, @height, @width)");
      manifest.rois.forEach((rectangle, roi) => {
        insert.run({ ...rectangle, id: lastInsertRowid, roi, flip: rectangle.flip ? 1 : 0 });
      });
      return Number(lastInsertRowid);
    });
  }

  /** An ROI manifest as it was stored. */
  roiManifest(roiManifestId: number): RoiManifest | undefined {
    const { db } = this.#connection;
    const row = db
      .prepare<[number], { sha256: string; imageAngle: number; json: string }>(
        "SELECT sha256, image_angle AS imageAngle, json FROM roi_manifest WHERE id = ?",
      )
      .get(roiManifestId);
    if (row === undefined) return undefined;
    const rois = db
      .prepare<[number], Omit<Roi, "flip"> & { flip: number }>(
        "SELECT label, flip, y, x, height, width FROM roi WHERE roi_manifest_id = ? ORDER BY roi",
      )
      .all(roiManifestId);
    return { ...row, rois: rois.map((roi) => ({ ...roi, flip: roi.flip === 1 })) };
  }

  /** Notes that a tracking is measured along with an analysis. */
  noteCompanion(analysisId: number, trackingId: number): void {
    this.#connection.write(() =>
      this.#connection.db.prepare("INSERT OR IGNORE INTO companion VALUES (?, ?)").run(analysisId, trackingId),
    );
  }

  /** The trackings measured along with an analysis, the newest first. */
  companions(analysisId: number): number[] {
    return this.#connection.db
      .prepare<[number], number>("SELECT tracking_id FROM companion WHERE analysis_id = ? ORDER BY tracking_id DESC")
      .pluck()
      .all(analysisId);
  }
}
