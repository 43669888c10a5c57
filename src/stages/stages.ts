// All stages. A new one is a folder beside this file and a row here.
import { backup } from "./backup/stage.ts";
import { collector } from "./collector/stage.ts";
import { communicator } from "./communicator/stage.ts";
import { compressor } from "./compressor/stage.ts";
import { health } from "./health/stage.ts";
import { opcua } from "./opcua/stage.ts";
import { processor } from "./processor/stage.ts";
import { retention } from "./retention/stage.ts";
import type { StageDefinition } from "./stage-definition.ts";
import { syncer } from "./syncer/stage.ts";

/** In the order in which the data meets them. */
export const STAGES: readonly StageDefinition[] = [
  collector,
  processor,
  communicator,
  opcua,
  compressor,
  syncer,
  retention,
  backup,
  health,
];
