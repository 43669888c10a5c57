import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { constants, getPriority } from "node:os";
import { join } from "node:path";
import { Piscina } from "piscina";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AnalysisSettings } from "../../src/analysis/settings.ts";
import { decodeValues, type TaskAnswer, type TaskRequest } from "../../src/analysis/task.ts";
import { decodeStatistics } from "../../src/manifest/statistics-codec.ts";
import { QUANTITIES, STATISTICS } from "../../src/measurement/method.ts";
import { formatRoiManifest } from "../../src/measurement/roi.ts";
import { workerFile } from "../../src/threads/worker-handle.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const SETTINGS: AnalysisSettings = {
  method: "fano",
  subRois: 0,
  sampling: "precise",
  bitDepthScaling: "stretch",
  debug: true,
};
const directory = temporaryDirectory("phorest-processor-");
const picturePath = join(directory, "picture.png");
const ROIS = formatRoiManifest({
  imageAngle: 0,
  rois: [{ label: "a", flip: false, y: 5, x: 10, height: 20, width: 150 }],
});
const { url, execArgv } = workerFile("processor");
const pool = new Piscina<TaskRequest, TaskAnswer>({ filename: url.href, execArgv, minThreads: 1, maxThreads: 1 });
const run = (changes: Partial<TaskRequest> = {}) =>
  pool.run({ picture: picturePath, roiManifestJson: ROIS, settings: SETTINGS, ...changes });

beforeAll(async () => {
  const pixels = Uint16Array.from({ length: 180 * 30 }, (_, at) => {
    const distance = ((at % 180) - 85) / 15;
    return 9000 + 12000 / (1 + distance * distance) + ((at * 7919) % 400);
  });
  await sharp(pixels, { raw: { width: 180, height: 30, channels: 1 } })
    .toColourspace("grey16")
    .png()
    .toFile(picturePath);
});

afterAll(() => pool.close());

/** Nice values of this process's threads; those of earlier test files may be ending. */
function niceValues(): number[] {
  return readdirSync("/proc/self/task").flatMap((thread) => {
    const status = statusOf(thread);
    return status === "" ? [] : [Number(status.slice(status.lastIndexOf(")") + 2).split(" ")[16])];
  });
}

function statusOf(thread: string): string {
  try {
    return readFileSync(`/proc/self/task/${thread}/stat`, "utf8");
  } catch {
    // It has ended since it was listed.
    return "";
  }
}

describe("the analysis thread", () => {
  it("returns plain, packed data that unpacks to the statistics and every row's values", async () => {
    const answer = await run();
    if (!answer.ok) throw new Error(answer.failure.message);
    const { answer: result } = answer;
    expect(Math.abs((result.position[0] ?? 0) - 75)).toBeLessThan(0.2);
    expect(result.flags).toEqual(Uint8Array.of(0));
    const statistics = decodeStatistics(result.statistics);
    expect(statistics).toHaveLength(QUANTITIES.fano.length * STATISTICS.length);
    expect(statistics[2 * STATISTICS.length + STATISTICS.indexOf("Median")]).toBeCloseTo(result.position[0] ?? 0, 3);
    expect(decodeValues(result.values ?? new Uint8Array(), "fano")[0]?.map((column) => column.length)).toEqual(
      Array(6).fill(20),
    );
    expect(answer.decodeMs).toBeGreaterThan(0);
    expect(answer.measureMs).toBeGreaterThan(0);
  });

  it("returns a failure as data, and measures the next picture", async () => {
    const bad = join(directory, "bad.png");
    writeFileSync(bad, "");
    expect(await run({ picture: bad })).toMatchObject({
      ok: false,
      failure: { code: "frame.unreadable", retry: "never" },
    });
    expect(await run({ picture: join(directory, "none.png") })).toMatchObject({
      ok: false,
      failure: { code: "frame.missing" },
    });
    expect(await run({ roiManifestJson: "{" })).toMatchObject({ ok: false, failure: { code: "rois.invalid" } });
    const far = ROIS.replace('"coords": [\n   5,', '"coords": [\n   500,');
    expect(await run({ roiManifestJson: far })).toMatchObject({ ok: false, failure: { code: "rois.outside" } });
    expect(await run()).toMatchObject({ ok: true });
  });

  it("takes another ROI manifest when it is given one", async () => {
    const moved = ROIS.replace("   5,\n   10", "   5,\n   20");
    const answer = await run({ roiManifestJson: moved });
    expect(answer.ok && Math.abs((answer.answer.position[0] ?? 0) - 65) < 0.2).toBe(true);
  });

  it("runs at a lower priority than the process it belongs to, unless that is the lowest already", async () => {
    await run();
    // The tests themselves may run at a low priority.
    const own = getPriority(process.pid);
    expect(Math.max(...niceValues())).toBe(Math.min(constants.priority.PRIORITY_LOW, own + 10));
    expect(Math.min(...niceValues())).toBe(own);
  });
});
