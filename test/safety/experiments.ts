// An experiment of another program, its metadata_manifest.json, and what must not be touched.
import { createHash } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodePicture } from "../../src/image/encode.ts";
import { formatRoiManifest } from "../../src/measurement/roi.ts";
import { createSimulator } from "../../src/simulator/simulator.ts";

/** An entry as the established system writes it. */
export function established(second: number, filename: string, filepath: string, changes: object = {}): object {
  const time = new Date(Date.UTC(2025, 0, 1, 0, 0, second)).toISOString();
  return {
    entry_timestamp_iso: time,
    camera_data: { filename, filepath },
    processing_status: "processed",
    data_transmitted: true,
    ...changes,
  };
}

export function writeMetadata(directory: string, entries: readonly object[]): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "metadata_manifest.json"), JSON.stringify(entries));
}

/** A small picture of the simulated chip, another one for each number. */
export async function picture(number: number): Promise<Buffer> {
  return Buffer.from(await encodePicture(createSimulator({ width: 640, height: 480 }).render(0, number), "png"));
}

/** The ROIs of such pictures, as the text of a manifest. */
export function simulatedRois(): string {
  return formatRoiManifest(createSimulator({ width: 640, height: 480 }).roiManifest());
}

/** Everything below a directory: names, kinds, sizes, times and contents. */
export function stateOf(directory: string): Record<string, string> {
  const state: Record<string, string> = {};
  if (!existsSync(directory)) return state;
  for (const name of readdirSync(directory, { recursive: true, encoding: "utf8" }).sort()) {
    const path = join(directory, name);
    const status = lstatSync(path);
    const content = status.isSymbolicLink()
      ? readlinkSync(path)
      : status.isFile()
        ? createHash("sha256").update(readFileSync(path)).digest("hex")
        : "";
    state[name] = `${status.mode} ${status.isDirectory() ? "" : status.mtimeMs} ${content}`;
  }
  return state;
}

/** Names of all files below a directory. */
export function filesBelow(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}
