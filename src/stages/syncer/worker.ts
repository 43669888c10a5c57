// The syncer's process: the only one that accesses the remote. It is separate from the supervisor, because a call to a
// disconnected share can hang for ever. It writes nothing to the manifest: its answers report what it did. If an answer is lost,
// the next one finds and verifies the work.
import { rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import {
  type AuxiliaryFile,
  listAuxiliaryFiles,
  listBrightfield,
  publishAuxiliaryFile,
  stageAuxiliaryFile,
} from "../../archive/auxiliary-files.ts";
import { remotePathOf } from "../../archive/names.ts";
import { copyPictures } from "../../archive/pictures.ts";
import { RateLimit } from "../../archive/rate.ts";
import { inspectRemote } from "../../archive/remote.ts";
import { type CopyContext, FileProblem } from "../../archive/remote-guard.ts";
import { Failure } from "../../failure/failure.ts";
import { Manifest } from "../../manifest/manifest.ts";
import { wholeMegabytes } from "../../system/byte-size.ts";
import { diskSpace } from "../../system/disk-space.ts";
import { PARTIAL_SUFFIX } from "../../system/files.ts";
import type { JobHandler } from "../../threads/host-loop.ts";
import { lowerProcessPriority } from "../../threads/priority.ts";
import type { SyncerAnswer, SyncerJob, SyncerSettings } from "./messages.ts";

export async function open(settings: SyncerSettings): Promise<JobHandler<SyncerJob, SyncerAnswer>> {
  lowerProcessPriority();
  const rate = new RateLimit(settings.maxBytesPerSecond);

  const run = async (job: SyncerJob, signal: AbortSignal, progress: () => void): Promise<SyncerAnswer> => {
    const context = (remoteId: string): CopyContext => ({
      root: settings.remoteRoot,
      remoteId,
      rate,
      signal,
      progress,
    });
    switch (job.type) {
      case "inspect":
        return { type: "inspect", inspection: inspectRemote(settings.remoteRoot, job.remoteId) };
      case "pictures": {
        const { parallel, pictures: roots } = settings;
        const result = await copyPictures(job.tasks, context(job.remoteId), { parallel, limitMs: job.limitMs, roots });
        return { type: "pictures", result };
      }
      case "list":
        return {
          type: "list",
          ...(await listAuxiliaryFiles(settings.auxiliaryDirectories, settings.layout)),
          brightfield: await listBrightfield(settings.brightfieldDirectory, settings.layout),
        };
      case "snapshot":
        return { type: "snapshot", file: await snapshot(settings) };
      case "stage":
        return withProblem(async () => ({
          type: "stage",
          staged: await stageAuxiliaryFile(job.task, context(job.remoteId)),
        }));
      case "publish":
        return withProblem(async () => ({
          type: "publish",
          remotePath: await publishAuxiliaryFile(job.staged, context(job.remoteId)),
        }));
    }
  };
  return { run, close: async () => undefined };
}

/** Returns a problem with one file as an answer, because it is not a failure of the stage. */
async function withProblem(work: () => Promise<SyncerAnswer>): Promise<SyncerAnswer> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof FileProblem)) throw error;
    return { type: "problem", kind: error.kind, reason: error.reason };
  }
}

/** Makes the snapshot, next to the manifest, under a name that the next start deletes. */
async function snapshot({ manifestFile, minFreeBytes, layout }: SyncerSettings): Promise<AuxiliaryFile> {
  const directory = dirname(manifestFile);
  const { size } = await stat(manifestFile);
  const free = diskSpace(directory)?.freeBytes;
  if (free !== undefined && free < size + minFreeBytes) {
    throw new Failure(
      "disk.full",
      `${directory}: not enough space for a snapshot of the database (${wholeMegabytes(size)})`,
      {
        hint: "free some space; phorest retries at the next pass",
        retry: "later",
      },
    );
  }
  const source = join(directory, `.${basename(manifestFile)}.snapshot${PARTIAL_SUFFIX}`);
  await rm(source, { force: true });
  const manifest = Manifest.open({ file: manifestFile, readonly: true });
  try {
    await manifest.snapshotTo(source);
  } finally {
    manifest.close();
  }
  const stats = await stat(source);
  return {
    source,
    path: remotePathOf(manifestFile, layout),
    bytes: stats.size,
    modifiedAtUs: Math.round(stats.mtimeMs * 1000),
  };
}
