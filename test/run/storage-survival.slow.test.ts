// The real program, compressing and removing while it captures, killed at random instants.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { experiment, phorest, QUICK_CONFIG, start } from "./program.ts";

const KILLS = 10;
const KEPT = 6;
const CONFIG = `${QUICK_CONFIG.replace(
  'camera_type = "simulated"',
  'camera_type = "simulated"\nformat = "tiff"',
).replace("[Timing]", "[Timing]\ncompress_interval_seconds = 0.05")}
[Services]
enable_image_compression = true
[Buffer]
image_buffer_size = ${KEPT}
`;

interface Row {
  id: number;
  filename: string;
  sha256: string;
  original_sha256: string | null;
  status: string;
  local: number;
  missing: number;
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

test(`${KILLS} kill -9 while pictures are compressed and removed: each lies there once, whole, or is noted as removed`, {
  timeout: 900_000,
}, async () => {
  const directory = experiment(CONFIG);
  for (let round = 0; round < KILLS; round += 1) {
    const { child, ended } = start(["run"], directory);
    let heard = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      heard += chunk.toString();
    });
    while (!/compressor .*: compressed |completed the compression/.test(heard) && child.exitCode === null)
      await sleep(20);
    await sleep(Math.random() * 1000);
    child.kill("SIGKILL");
    expect((await ended).signal, heard).toBe("SIGKILL");
  }
  const last = await phorest(["run", "--frames", "1", "--until-idle"], directory);
  expect(last.code, last.stderr).toBe(0);

  const data = join(directory, "data");
  const db = new Database(join(data, "phorest.sqlite"), { readonly: true });
  const rows = db.prepare<[], Row>("SELECT * FROM entry ORDER BY id").all();
  const lines = db.prepare<[], { n: number }>("SELECT count(*) AS n FROM result").get()?.n ?? 0;
  const rois = db.prepare<[], { n: number }>("SELECT count(*) AS n FROM roi").get()?.n ?? 0;
  db.close();
  const files = readdirSync(data).filter((name) => name.startsWith("image_"));
  const here = rows.filter(({ local }) => local === 1);
  expect(rows.filter(({ status, missing }) => status !== "processed" || missing !== 0)).toEqual([]);
  expect(readdirSync(data).filter((name) => name.endsWith(".part"))).toEqual([]);
  expect(here).toHaveLength(KEPT);
  expect(files.sort()).toEqual(here.map(({ filename }) => filename).sort());
  expect(here.some(({ filename }) => filename.endsWith(".gz"))).toBe(true);
  for (const { filename, sha256: stored, original_sha256: original } of here) {
    const bytes = readFileSync(join(data, filename));
    if (filename.endsWith(".gz")) {
      expect([sha256(bytes), sha256(gunzipSync(bytes))]).toEqual([stored, original]);
    }
  }
  expect(lines).toBe(rows.length * rois);
});
