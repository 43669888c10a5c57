import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Manifest } from "../../src/manifest/manifest.ts";
import { endRepair, repair } from "../../src/manifest/repair.ts";
import type { SalvageOptions } from "../../src/manifest/salvage.ts";
import { temporaryDirectory as scratch } from "../support/temporary-directory.ts";
import { contentOf, DAMAGES, damagePage, fill, PAGE_BYTES, pagesByRole, ROI_MANIFEST, type Table } from "./damage.ts";
import { manifestFile, NOON_US } from "./frames.ts";

const FRAMES = 40;
const OPTIONS: SalvageOptions = {
  nowUs: NOON_US,
  roiManifests: [ROI_MANIFEST],
  method: "gaussian",
  continued: [],
  rewritten: ["csv"],
};

let model = "";
let roles: ReadonlyMap<string, number>;
beforeAll(() => {
  model = mkdtempSync(join(tmpdir(), "phorest-salvage-"));
  fill(model, FRAMES);
  roles = pagesByRole(manifestFile(model));
});
afterAll(() => rmSync(model, { recursive: true, force: true }));

/** A directory with a copy of the model's database, changed by `inflict`. */
function damaged(inflict: (file: string) => void): string {
  const file = manifestFile(scratch());
  copyFileSync(manifestFile(model), file);
  inflict(file);
  return file;
}

function pageOf(role: string): number {
  const page = roles.get(role);
  if (page === undefined) throw new Error(`no page is ${role}`);
  return page;
}

/** Rows of the model that are not the same in `file`, by table; those of frames that are measured again do not count. */
function lostRows(file: string): Partial<Record<Table, number>> {
  const db = new Database(file, { readonly: true });
  const pending = new Set(
    db.prepare<[], number>("SELECT id FROM entry WHERE status = 'pending'").pluck().all().map(String),
  );
  db.close();
  const now = contentOf(file);
  const lost: Partial<Record<Table, number>> = {};
  for (const [table, rows] of contentOf(manifestFile(model))) {
    for (const [key, row] of rows) {
      // Entries, outcomes and what belongs to them have the same number here.
      const isAgain =
        ["entry", "outcome", "detail", "displacement", "result"].includes(table) &&
        pending.has(key.split("/")[0] ?? "");
      if (!isAgain && now.get(table)?.get(key) !== row) lost[table] = (lost[table] ?? 0) + 1;
    }
  }
  return lost;
}

describe("a repair saves every row of a page that is not damaged", () => {
  const cases: [string, Table | "nothing"][] = [
    ["entry", "nothing"],
    ["entry leaf", "entry"],
    ["outcome", "nothing"],
    ["outcome leaf", "nothing"],
    ["detail", "nothing"],
    ["detail leaf", "nothing"],
    ["result", "nothing"],
    ["result leaf", "nothing"],
    ["reading", "reading"],
    ["run", "run"],
    ["run overflow", "run"],
    ["analysis", "analysis"],
    ["roi", "nothing"],
    ["roi_manifest", "nothing"],
    ["displacement", "displacement"],
    ["entry_file", "nothing"],
    ["entry_time", "nothing"],
    ["sqlite_autoindex_outcome_1", "nothing"],
    ["counter", "nothing"],
    ["sqlite_sequence", "nothing"],
    ["output", "nothing"],
  ];
  for (const [role, touched] of cases) {
    // Half a page matters where rows are in it.
    const kinds = Object.entries(DAMAGES).filter(([kind]) => role.includes(" ") || !kind.includes("half"));
    for (const [kind, damage] of kinds) {
      test(`${role} ${kind}`, () => {
        const file = damaged((copy) => damagePage(manifestFile(model), copy, pageOf(role), damage));
        const { tables } = repair(file, OPTIONS);
        for (const table of Object.keys(lostRows(file))) expect(table).toBe(touched);
        expect(tables.find(({ table }) => table === "entry")?.saved).toBe(FRAMES);
        // The repaired one is a manifest like any other.
        const manifest = Manifest.open({ file });
        const counts = manifest.history.counts();
        expect(counts).toMatchObject({ total: FRAMES, processing: 0, failed: 0 });
        expect(counts.processed + counts.pending).toBe(FRAMES);
        expect(manifest.checks.integrityProblems()).toEqual([]);
        manifest.close();
      });
    }
  }

  test.each([1, 2, 3])("page %i: of the file's header and of the list of its tables", (page) => {
    const file = damaged((copy) => damagePage(manifestFile(model), copy, page, () => Buffer.alloc(PAGE_BYTES, 0xff)));
    repair(file, OPTIONS);
    expect(lostRows(file)).toEqual({});
  });

  test("a file cut off in the middle", () => {
    const file = damaged((copy) => truncateSync(copy, Math.floor(readFileSync(copy).length / 2) - 100));
    const { tables } = repair(file, OPTIONS);
    expect(tables.find(({ table }) => table === "entry")?.saved).toBeGreaterThan(FRAMES / 4);
    const manifest = Manifest.open({ file });
    expect(manifest.checks.integrityProblems()).toEqual([]);
    manifest.close();
  });

  test("what is only in the log beside the file, up to where the log is damaged", () => {
    const directory = scratch();
    const file = manifestFile(directory);
    copyFileSync(manifestFile(model), file);
    const writer = Manifest.open({ file });
    for (let i = 0; i < 5; i += 1)
      writer.entries.add({ capturedAtUs: NOON_US + (100 + i) * 1e6, filename: `late_${i}.png` });
    const log = readFileSync(`${file}-wal`);
    const whole = readFileSync(file);
    writer.close();
    writeFileSync(file, whole);
    damagePage(file, file, pageOf("entry_time"), () => Buffer.alloc(PAGE_BYTES, 0xff));
    writeFileSync(`${file}-wal`, log.fill(0xff, log.length - 2000));
    const { kept } = repair(file, OPTIONS);
    expect(existsSync(`${kept}-wal`)).toBe(true);
    expect(existsSync(`${file}-wal`)).toBe(false);
    const manifest = Manifest.open({ file, readonly: true });
    expect([...manifest.history.entries()].filter(({ filename }) => filename?.startsWith("late_"))).toHaveLength(4);
    manifest.close();
  });
});

describe("results that are lost in part", () => {
  test("are measured again where the picture is here, and nothing else is", () => {
    const file = damaged((copy) =>
      damagePage(manifestFile(model), copy, pageOf("detail leaf"), () => Buffer.alloc(PAGE_BYTES)),
    );
    const { requeued, incomplete } = repair(file, OPTIONS);
    // As many as a page holds.
    expect(requeued).toBeGreaterThan(0);
    expect(requeued).toBeLessThan(FRAMES / 4);
    expect(incomplete).toBe(0);
    const manifest = Manifest.open({ file });
    expect(manifest.history.counts()).toMatchObject({ pending: requeued, processed: FRAMES - requeued });
    expect(manifest.outcomes.after(0, 1000)).toHaveLength(FRAMES - requeued);
    // The CSV is written anew from what there is: a line that is measured again is not there twice.
    expect(manifest.outputs.state("csv")).toEqual({ cursor: 0, state: undefined });
    manifest.close();
  });

  test("are kept as they are where the picture is gone, and read as measured with the rest unknown", () => {
    const file = damaged((copy) => {
      damagePage(manifestFile(model), copy, pageOf("outcome leaf"), () => Buffer.alloc(PAGE_BYTES));
      const db = new Database(copy);
      db.pragma("writable_schema = ON");
      db.exec("UPDATE entry SET local = 0");
      db.close();
    });
    const { requeued, incomplete } = repair(file, OPTIONS);
    expect(requeued).toBe(0);
    expect(incomplete).toBeGreaterThan(0);
    const manifest = Manifest.open({ file, readonly: true });
    const outcomes = manifest.outcomes.after(0, 1000);
    expect(outcomes).toHaveLength(FRAMES);
    for (const { measured, entryId } of outcomes) {
      expect(measured?.position[3]).toBeCloseTo(53 + Math.sin(entryId - 1 + 3), 9);
    }
    manifest.close();
  });

  test("an analysis whose record is lost keeps its results, and later frames are another one's", () => {
    const file = damaged((copy) =>
      damagePage(manifestFile(model), copy, pageOf("analysis"), () => Buffer.alloc(PAGE_BYTES)),
    );
    expect(repair(file, OPTIONS).notes.join()).toContain("the record of analysis 1 is lost");
    const manifest = Manifest.open({ file });
    expect(manifest.analyses.all()).toMatchObject([{ analysisId: 1, method: "gaussian", labels: { length: 24 } }]);
    expect(manifest.results.sensorgram({ analysisId: 1, roi: 2 }).position).toHaveLength(FRAMES);
    const roiManifestId = manifest.analyses.ensureRoiManifest(ROI_MANIFEST);
    const later = { method: "gaussian", settings: "{}", roiManifestId, kernelVersion: "1" } as const;
    expect(manifest.analyses.ensure(later)).toBe(2);
    manifest.close();
  });
});

describe("pictures without a position stay here after a repair", () => {
  /** Numbers of the entries that the ring buffer may remove. */
  function removable(file: string): number[] {
    const manifest = Manifest.open({ file });
    const ids = manifest.storage.removable(FRAMES, false).map(({ entryId }) => entryId);
    manifest.close();
    return ids;
  }

  /** Runs SQL on a manifest as another program would. */
  function change(file: string, sql: string): void {
    const db = new Database(file);
    db.exec(sql);
    db.pragma("wal_checkpoint(TRUNCATE)");
    db.close();
  }

  test("whose rows are lost and known from the indexes", () => {
    const file = damaged((copy) => {
      change(copy, "UPDATE result SET position = NULL; UPDATE entry SET measured = 0");
      damagePage(copy, copy, pageOf("entry leaf"), () => Buffer.alloc(PAGE_BYTES));
    });
    expect(repair(file, OPTIONS).rebuilt).toBeGreaterThan(0);
    expect(removable(file)).toEqual([]);
  });

  test("that were copied in by an import, whose results are lost and which are not measured again", () => {
    const file = damaged((copy) => {
      change(copy, "UPDATE entry SET origin = 'imported' WHERE id % 2 = 0");
      change(copy, "DELETE FROM result WHERE entry_id IN (2, 3) OR (entry_id = 4 AND roi = 1)");
    });
    expect(removable(file)).toContain(2);
    expect(repair(file, OPTIONS).requeued).toBe(1);
    const ids = removable(file);
    expect(ids).toHaveLength(FRAMES - 3);
    for (const id of [2, 3, 4]) expect(ids).not.toContain(id);
  });
});

describe("pages of one file", () => {
  const PAGES = 100;

  test("whose rows are lost stay pages of their file, known from the indexes", () => {
    const directory = scratch();
    const file = manifestFile(directory);
    const manifest = Manifest.open({ file });
    writeFileSync(join(directory, "stack.tif"), "stack");
    manifest.entries.add({
      ...{ filename: "stack.tif", filepath: directory, capturedAtUs: NOON_US, bytes: 5, sha256: "ab", page: 0 },
      furtherPages: Array.from({ length: PAGES - 1 }, (_, at) => ({ page: at + 1, capturedAtUs: NOON_US + at + 1 })),
    });
    manifest.close();
    damagePage(file, file, pagesByRole(file).get("entry leaf") ?? 0, () => Buffer.alloc(PAGE_BYTES));
    expect(repair(file, OPTIONS).rebuilt).toBeGreaterThan(0);
    const repaired = Manifest.open({ file });
    const claims = repaired.entries.claimPending(2 * PAGES, NOON_US);
    expect(claims.map(({ page, filename }) => [page, filename])).toEqual(
      Array.from({ length: PAGES }, (_, page) => [page, "stack.tif"]),
    );
    expect(repaired.storage.obstacle(false)?.why).toBe("not measured yet");
    expect(repaired.history.counts()).toMatchObject({ total: PAGES, furtherPages: PAGES - 1 });
    repaired.close();
  });
});

describe("a repair", () => {
  test("keeps the damaged file byte by byte, and gives out no number twice", () => {
    const file = damaged((copy) =>
      damagePage(manifestFile(model), copy, pageOf("entry leaf"), () => Buffer.alloc(PAGE_BYTES)),
    );
    const before = readFileSync(file);
    const { kept } = repair(file, OPTIONS);
    expect(readFileSync(kept).equals(before)).toBe(true);
    const manifest = Manifest.open({ file });
    expect(manifest.entries.add({ capturedAtUs: NOON_US, filename: "next.png" })).toBe(FRAMES + 1);
    manifest.close();
  });

  test.each<[string, (file: string) => void]>([
    ["zeros", (file) => writeFileSync(file, Buffer.alloc(readFileSync(file).length))],
    ["nothing", (file) => truncateSync(file, 0)],
    ["text", (file) => writeFileSync(file, "not a database at all, ".repeat(4000))],
  ])("refuses a file of %s and leaves everything as it was", (_what, inflict) => {
    const file = damaged(inflict);
    const before = readFileSync(file);
    expect(() => repair(file, OPTIONS)).toThrow(expect.objectContaining({ code: "manifest.corrupt" }));
    expect(readdirSync(join(file, ".."))).toEqual(["phorest.sqlite"]);
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  test("that was killed between its last steps is ended by the next process that may write", () => {
    const file = damaged((copy) =>
      damagePage(manifestFile(model), copy, pageOf("detail"), () => Buffer.alloc(PAGE_BYTES)),
    );
    const broken = readFileSync(file);
    repair(file, OPTIONS);
    const repaired = readFileSync(file);
    // As it was after the new file was whole and the old log was gone.
    writeFileSync(file, broken);
    writeFileSync(`${file}.repaired`, repaired);
    const manifest = Manifest.open({ file });
    expect(manifest.history.counts().total).toBe(FRAMES);
    manifest.close();
    expect(existsSync(`${file}.repaired`)).toBe(false);
    // Beside a database that somebody has brought back meanwhile, it is not put in its place.
    copyFileSync(manifestFile(model), file);
    writeFileSync(`${file}.repaired`, repaired);
    expect(endRepair(file)).toBe(false);
  });
});
