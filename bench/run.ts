// Measures pictures per second of the whole program: files in the data directory go through capture, the manifest,
// analysis and report of a real `phorest run`. Used by bench/pipeline.ts; alone: npx tsx bench/run.ts [pictures]
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import type { Method } from "../src/measurement/method.ts";
import { packageRoot } from "../src/system/files.ts";

export interface EndToEnd {
  readonly method: Method;
  readonly pictures: number;
  /** From the first stored result to the last; without the start and end of the program. */
  readonly picturesPerSecond: number;
  /** From starting the program to its end. */
  readonly wholeSeconds: number;
}

/** Runs the built program on `pictures` copies of a picture. Throws if any of them was not measured. */
export function runThroughManifest(picture: string, roiManifest: string, method: Method, pictures: number): EndToEnd {
  const directory = mkdtempSync(join(tmpdir(), "phorest-bench-"));
  try {
    const data = join(directory, "data");
    mkdirSync(data);
    for (let index = 0; index < pictures; index++) {
      copyFileSync(picture, join(data, `picture_${String(index).padStart(5, "0")}${extname(picture)}`));
    }
    mkdirSync(join(directory, "generated_files"));
    copyFileSync(roiManifest, join(directory, "generated_files", "ROI_manifest.json"));
    const config = `[Services]\nenable_camera = true\n[Data_Analysis]\nmethod = "${method}"\n[Camera]\ncamera_type = "file_importer"\n[Timing]\ncollector_interval_seconds = 0.01\n`;
    writeFileSync(join(directory, "config.toml"), config);
    const start = performance.now();
    const words = [join(packageRoot(), "bin/phorest.js"), "run", "--until-idle"];
    const run = spawnSync(process.execPath, words, { cwd: directory, encoding: "utf8" });
    const wholeSeconds = Number(((performance.now() - start) / 1000).toFixed(2));
    if (run.status !== 0) throw new Error(`phorest run ended with ${run.status ?? run.signal}:\n${run.stderr}`);
    const db = new Database(join(data, "phorest.sqlite"), { readonly: true });
    const found = db
      .prepare<[], { n: number; us: number }>(
        "SELECT count(*) AS n, max(processed_at_us) - min(processed_at_us) AS us FROM outcome WHERE ok",
      )
      .get();
    db.close();
    if (found === undefined || found.n !== pictures) {
      throw new Error(`${found?.n ?? 0} of ${pictures} pictures were measured:\n${run.stderr}`);
    }
    return {
      method,
      pictures,
      picturesPerSecond: Number((((pictures - 1) / found.us) * 1e6).toFixed(1)),
      wholeSeconds,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const cases = join(packageRoot(), "test/cases/oracle-pictures");
  for (const method of ["gaussian", "fano"] as const) {
    const picture = join(cases, "img_B.png");
    const figures = runThroughManifest(
      picture,
      join(cases, "img_B.manifest.json"),
      method,
      Number(process.argv[2] ?? 100),
    );
    console.log(JSON.stringify({ bench: "run", ...figures }));
  }
}
