// All stages. A new one is a folder next to this file and a row here, under its name in src/log/levels.ts: without the row the
// program does not compile. docs/adding-a-stage.md has a whole example.
import { wantsOpcUa } from "../config/consistency.ts";
import { STAGE_NAMES, type StageName } from "../log/levels.ts";
import { OUTPUTS } from "../outputs/outputs.ts";
import { backup } from "./backup/stage.ts";
import { collector } from "./collector/stage.ts";
import { outputStage } from "./communicator/output-stage.ts";
import { compressor } from "./compressor/stage.ts";
import type { StageDefinition } from "./contract/stage-definition.ts";
import { health } from "./health/stage.ts";
import { processor } from "./processor/stage.ts";
import { retention } from "./retention/stage.ts";
import { syncer } from "./syncer/stage.ts";

const TABLE: { readonly [Name in StageName]: StageDefinition } = {
  collector,
  processor,
  // Under the name it had before there were other outputs.
  communicator: outputStage("communicator", OUTPUTS.CSV_PLOT, () => true),
  // Only where it is configured: it costs a thread and 100 MB.
  opcua: outputStage("opcua", OUTPUTS.OPC_UA, wantsOpcUa),
  compressor,
  syncer,
  retention,
  backup,
  health,
};

/** In the order in which the data meets them. */
export const STAGES: readonly StageDefinition[] = STAGE_NAMES.map((name) => TABLE[name]);
