// All stages. A new one is a folder next to this file and a row here, under its name in src/log/stage-names.ts; without the row, the
// program does not compile. docs/adding-a-stage.md has a complete example. The stages of outputs come from the table of outputs.
import { OUTPUT_FACTS, OUTPUT_METHODS, type OutputMethod } from "../config/output-methods.ts";
import type { Config } from "../config/schema.ts";
import { STAGE_NAMES, type StageName } from "../log/stage-names.ts";
import { OUTPUTS } from "../outputs/outputs.ts";
import { backup } from "./backup/stage.ts";
import { collector } from "./collector/stage.ts";
import { compressor } from "./compressor/stage.ts";
import type { StageDefinition } from "./contract/stage-definition.ts";
import { health } from "./health/stage.ts";
import { outputStage } from "./outputs/output-stage.ts";
import { processor } from "./processor/stage.ts";
import { retention } from "./retention/stage.ts";
import { syncer } from "./syncer/stage.ts";

type OutputStageName = (typeof OUTPUT_FACTS)[OutputMethod]["stage"];

const TABLE: { readonly [Name in Exclude<StageName, OutputStageName>]: StageDefinition } = {
  collector,
  processor,
  compressor,
  syncer,
  retention,
  backup,
  health,
};

/** Each output has a stage, but only if it is configured: it may need a thread and 100 MB. The communicator is always shown. */
const OUTPUT_STAGES = Object.fromEntries(
  OUTPUT_METHODS.map((method) => {
    const facts = OUTPUT_FACTS[method];
    const isWanted = ({ Communication }: Config) => method === "CSV_PLOT" || Communication.method.includes(method);
    return [facts.stage, outputStage(facts, OUTPUTS[method], isWanted)];
  }),
) as Record<OutputStageName, StageDefinition>;

/** In the order in which data passes through them. */
export const STAGES: readonly StageDefinition[] = STAGE_NAMES.map((name) => ({ ...TABLE, ...OUTPUT_STAGES })[name]);
