// Runs an output as a stage: gives it what is new, commits how far it got, and wakes the stages that wait for that.
import type { Config } from "../../config/schema.ts";
import { decodeFailure } from "../../failure/failure.ts";
import type { StageName } from "../../log/stage-names.ts";
import type { Manifest } from "../../manifest/manifest.ts";
import type { Output, OutputDefinition } from "../../outputs/output-definition.ts";
import type { OpenStage, StageDefinition } from "../contract/stage-definition.ts";

/** Returns the stage of an output; `name`: see OUTPUT_FACTS. */
export function outputStage(
  { name, stage }: { readonly name: string; readonly stage: StageName },
  output: OutputDefinition,
  enabled: (config: Config) => boolean,
): StageDefinition {
  const { wakesOn, runsDamaged = false } = output;
  return {
    ...{ name: stage, group: "output", wakesOn, runsDamaged, enabled },
    open: (context) => {
      const { happened, manifest } = context;
      const advanced = () => happened("delivered");
      return new OutputStage(output.open(context), { name, manifest, runsDamaged, advanced });
    },
  };
}

export interface OutputStageOptions {
  /** Name under which the manifest stores the cursor. */
  readonly name: string;
  readonly manifest: Manifest;
  /** See OutputDefinition. */
  readonly runsDamaged: boolean;
  /** Called when the output has passed more frames. */
  advanced(): void;
}

export class OutputStage<O extends Output> implements OpenStage {
  readonly output: O;
  readonly schedule: O["schedule"];
  readonly retry: O["retry"];
  /** Set only if an output has its own log messages instead of the usual ones. */
  readonly moved: O["moved"];
  private readonly options: OutputStageOptions;

  constructor(output: O, options: OutputStageOptions) {
    this.output = output;
    this.options = options;
    this.schedule = output.schedule;
    this.retry = output.retry;
    this.moved = output.moved?.bind(output);
  }

  run(): Promise<boolean> {
    return this.step(false);
  }

  idle(): boolean {
    return this.output.idle?.() ?? true;
  }

  /** Delivers everything that is settled, at the end of a run. */
  async flush(limitMs: number): Promise<void> {
    if (this.output.flush !== undefined) await this.output.flush(() => this.step(true), limitMs);
    else while (await this.step(true));
  }

  leftUndone(): string | undefined {
    return this.output.leftUndone?.();
  }

  close(timeoutMs: number): Promise<void> {
    return this.output.close(timeoutMs);
  }

  private async step(final: boolean): Promise<boolean> {
    const { advanced, manifest, name, runsDamaged } = this.options;
    // The cursor cannot be stored in a damaged database: an output that runs on nevertheless gets no frames.
    const isSound = manifest.damage === undefined || !runsDamaged;
    const known = isSound ? manifest.outputs.state(name) : { cursor: Number.MAX_SAFE_INTEGER, state: undefined };
    const { cursor, state } = known;
    const waiting = isSound ? manifest.outputs.backlog(name) : 0;
    const delivery = await this.output.deliver({ cursor, state, waiting, final });
    if (delivery === undefined) return false;
    if (isSound && (delivery.cursor > cursor || delivery.state !== state)) {
      await manifest.whenFree(() => manifest.outputs.advance(name, delivery.cursor, delivery.state));
      advanced();
    }
    await delivery.noted?.();
    if (delivery.failure !== undefined) throw decodeFailure(delivery.failure);
    return delivery.more;
  }
}
