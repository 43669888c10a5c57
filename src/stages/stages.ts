// The stages that look after what is stored, as far as the configuration wants them.
import { checkPlace, type Place } from "../archive/place.ts";
import type { Config } from "../config/schema.ts";
import type { StageName } from "../health/stage-names.ts";
import type { Logger } from "../log/logger.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { backupStage } from "./backup/stage.ts";
import { Compressor } from "./compressor/stage.ts";
import { Retention } from "./retention/stage.ts";
import type { StagePart } from "./stage-definition.ts";
import { Syncer } from "./syncer/stage.ts";

export interface StoringOptions {
  readonly config: Config;
  readonly manifest: Manifest;
  readonly manifestFile: string;
  readonly place: Place;
  readonly log: Logger;
  wake(stage: StageName): void;
  nowUs(): number;
}

/** In the order in which a picture meets them. */
export function storageParts({ config, manifest, manifestFile, place, log, wake, nowUs }: StoringOptions): StagePart[] {
  const check = () => checkPlace(place);
  const compressing = config.Services.enable_image_compression
    ? new Compressor({
        config,
        manifest,
        log: log.stage("compressor"),
        checkPlace: check,
        settled: () => wake("retention"),
      })
    : undefined;
  const retaining = new Retention({
    config,
    manifest,
    log: log.stage("retention"),
    inHand: () => compressing?.inHand ?? new Set(),
    nowUs,
    checkPlace: check,
  });
  const syncing = config.Services.enable_remote_sync
    ? new Syncer({ config, manifest, manifestFile, log: log.stage("syncer"), nowUs, checkPlace: check })
    : undefined;
  const backup = config.Services.enable_file_backup
    ? backupStage({ config, manifest, log: log.stage("backup"), nowUs, archived: () => wake("communicator") })
    : undefined;
  return [compressing, syncing, retaining, backup].filter((part) => part !== undefined);
}
