// The stages that look after what is stored, as far as the configuration wants them.
import { checkPlace, type Place } from "../archive/place.ts";
import type { Config } from "../config/schema.ts";
import type { Logger } from "../log.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { Compressing } from "./compressing.ts";
import type { StageName, StagePart } from "./part.ts";
import { Retaining } from "./retaining.ts";

export interface StoringOptions {
  readonly config: Config;
  readonly manifest: Manifest;
  readonly place: Place;
  readonly log: Logger;
  wake(stage: StageName): void;
  nowUs(): number;
}

/** In the order in which a picture meets them. */
export function storageParts({ config, manifest, place, log, wake, nowUs }: StoringOptions): StagePart[] {
  const check = () => checkPlace(place);
  const compressing = config.Services.enable_image_compression
    ? new Compressing({
        config,
        manifest,
        log: log.stage("compressor"),
        checkPlace: check,
        settled: () => wake("retention"),
      })
    : undefined;
  const retaining = new Retaining({
    config,
    manifest,
    log: log.stage("retention"),
    inHand: () => compressing?.inHand ?? new Set(),
    nowUs,
    checkPlace: check,
  });
  return [...(compressing === undefined ? [] : [compressing]), retaining];
}
