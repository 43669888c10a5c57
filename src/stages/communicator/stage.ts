// The communicator stage: its thread reads the manifest and writes CSV and plots; the cursor is committed here, after
// the file is durable. A death in between makes the thread write the same lines over themselves, never twice.
import type { Config } from "../../config/schema.ts";
import { CSV_OUTPUT, parseCsvState } from "../../delivery/csv-output.ts";
import type { StageLog } from "../../log/logger.ts";
import type { Manifest } from "../../manifest/manifest.ts";
import { RemoteWorker } from "../../threads/remote-worker.ts";
import type { OpenStage, Schedule, StageDefinition } from "../stage-definition.ts";
import type { CommunicatorAnswer, CommunicatorJob, CommunicatorSettings } from "./messages.ts";

/** A CSV of a whole weekend with 644 ROIs is written anew in minutes; a thread silent for longer hangs. */
const REPORT_TIMEOUT_MS = 7_200_000;

/** Writes the CSV and the plot. */
export const communicator: StageDefinition = {
  name: "communicator",
  group: "output",
  wakesOn: ["measured", "failed", "archived"],
  enabled: () => true,
  open: ({ happened, ...context }) => new Communicator({ ...context, advanced: () => happened("delivered") }),
};

export interface CommunicatorOptions {
  readonly config: Config;
  readonly manifest: Manifest;
  readonly manifestFile: string;
  readonly log: StageLog;
  /** Called when the output has passed more frames. */
  advanced(): void;
}

export class Communicator implements OpenStage {
  readonly schedule: Schedule;
  private readonly options: CommunicatorOptions;
  private readonly thread: RemoteWorker<CommunicatorSettings, CommunicatorJob, CommunicatorAnswer>;
  private plottedAtMs = Number.NEGATIVE_INFINITY;
  private plottedCursor = -1;

  constructor(options: CommunicatorOptions) {
    this.options = options;
    const everyMs = options.config.Timing.communicator_interval_seconds * 1000;
    this.schedule = { kind: "demand", atLeastEveryMs: everyMs, atMostEveryMs: everyMs };
    const { config, manifestFile } = options;
    const settings: CommunicatorSettings = {
      manifestFile,
      resultsDir: config.Paths.results_dir,
      rootDir: config.Paths.root_dir,
      plotRois: config.Report.plot_rois,
    };
    this.thread = new RemoteWorker("communicator", settings, (level, message) => options.log.log(level, message));
  }

  /** One step: new lines, and a new plot when the last one is old enough. True when more lines are waiting. */
  run(): Promise<boolean> {
    const plotEveryMs = this.options.config.Report.plot_interval_seconds * 1000;
    return this.step(performance.now() - this.plottedAtMs >= plotEveryMs);
  }

  /** What is waiting is written by flush when the run ends, whatever the interval. */
  idle(): boolean {
    return true;
  }

  /** Everything that is settled, delivered and drawn: the last act of a run. */
  async flush(): Promise<void> {
    while (await this.step(false));
    await this.step(true);
  }

  close(timeoutMs: number): Promise<void> {
    return this.thread.close(timeoutMs);
  }

  private async step(plot: boolean): Promise<boolean> {
    const { log, manifest, config } = this.options;
    if (!config.Communication.method.includes("CSV_PLOT")) return false;
    const { cursor, state } = manifest.outputState(CSV_OUTPUT);
    const waiting = manifest.backlog(CSV_OUTPUT) > 0;
    const archive = manifest.lastArchive();
    const archived = archive !== (parseCsvState(state)?.archive ?? 0);
    const stale = plot && (waiting || archived || this.plottedCursor !== cursor);
    if (!waiting && !stale && !archived) return false;
    const answer = await this.thread.run({ type: "report", plot: stale, state, archive }, REPORT_TIMEOUT_MS);
    if (answer.delivered !== undefined) {
      const { cursor: delivered, state: reached } = answer.delivered;
      await manifest.whenFree(() => manifest.advanceOutput(CSV_OUTPUT, delivered, reached));
      this.options.advanced();
      if (answer.lines > 0) log.info(`added ${answer.lines} lines to the CSV`);
    }
    if (answer.plotFailure !== undefined) log.error(`cannot draw the plot: ${answer.plotFailure.message}`);
    if (answer.plotMs !== undefined) {
      this.plottedAtMs = performance.now();
      this.plottedCursor = answer.delivered?.cursor ?? cursor;
      log.info(`drew the plot in ${Math.round(answer.plotMs)} ms`);
    }
    return answer.more;
  }
}
