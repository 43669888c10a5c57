// Opens what a run needs before its stages: the database, made consistent with the files. If this fails, nothing stays open.
import { hostname } from "node:os";
import { join } from "node:path";
import { markPlace, type Place } from "../archive/directory-identity.ts";
import { OUTPUT_FACTS } from "../config/output-methods.ts";
import type { Config } from "../config/schema.ts";
import { failureLine } from "../failure/failure.ts";
import type { StageLog } from "../log/logger.ts";
import { MANIFEST_FILENAME, Manifest } from "../manifest/manifest.ts";
import { wallClockUs } from "../system/clock.ts";
import { packageVersion } from "../system/files.ts";
import { type Interrupted, recover } from "./recovery.ts";

/** A run that has begun. The caller closes the manifest. */
export interface OpenRun {
  readonly manifest: Manifest;
  readonly manifestFile: string;
  readonly place: Place;
  readonly runId: number;
  /** What the previous run left unfinished. */
  readonly interrupted: Interrupted;
}

/** Opens the database, begins a run in it and recovers from an interrupted one. Throws the errors of these steps. */
export function openRun(config: Config, configText: string, log: StageLog): OpenRun {
  const { data_dir: dataDir, root_dir: rootDir } = config.Paths;
  const place: Place = { mark: markPlace(dataDir), dataDir, rootDir, usbUuid: config.Storage.usb_uuid };
  const manifestFile = join(dataDir, MANIFEST_FILENAME);
  const manifest = Manifest.open({ file: manifestFile });
  try {
    return { manifest, manifestFile, place, ...begin(manifest, config, configText, log) };
  } catch (error) {
    closeManifest(manifest, log);
    throw error;
  }
}

/** Closes the database, and logs what people should know about it. */
export function closeManifest(manifest: Manifest, log: StageLog): void {
  try {
    manifest.close();
  } catch (thrown) {
    log.error(`cannot close the database cleanly: ${failureLine(thrown)}`);
  }
  if (manifest.closingNote !== undefined) log.error(manifest.closingNote);
}

function begin(
  manifest: Manifest,
  config: Config,
  configText: string,
  log: StageLog,
): Pick<OpenRun, "runId" | "interrupted"> {
  const runId = manifest.runs.begin({
    config: configText,
    version: packageVersion(),
    nodeVersion: process.versions.node,
    host: hostname(),
    pid: process.pid,
    startedAtUs: wallClockUs(),
  });
  const interrupted = recover({
    manifest,
    dataDir: config.Paths.data_dir,
    runId,
    maxAttempts: config.Data_Analysis.max_attempts,
    remoteRoot: config.Paths.remote_root_dir,
    adopt: config.Camera.camera_type !== "file_importer",
    followLinks: config.Camera.follow_links,
    log,
    nowUs: wallClockUs,
  });
  manifest.outputs.configure(config.Communication.method.map((method) => OUTPUT_FACTS[method].name));
  return { runId, interrupted };
}
