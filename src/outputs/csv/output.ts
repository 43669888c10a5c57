// The CSV output: its thread reads the manifest and writes CSV and plots; the cursor is committed after the file is durable and
// before the plot is drawn, which takes longest. A crash before the commit makes the thread write the same lines over themselves.
import type { Config } from "../../config/schema.ts";
import { plotTitle } from "../../figures/plot-title.ts";
import type { StageLog } from "../../log/logger.ts";
import type { ManifestPart } from "../../manifest/manifest.ts";
import type { Schedule } from "../../stages/contract/stage-definition.ts";
import { counted } from "../../system/counted.ts";
import { isDoneWithin } from "../../system/deadline.ts";
import { RemoteWorker } from "../../threads/remote-worker.ts";
import type { Delivery, Output, OutputDefinition, Position } from "../output-definition.ts";
import { parseCsvState } from "./file/state.ts";
import type { CommunicatorAnswer, CommunicatorJob, CommunicatorSettings } from "./messages.ts";

/** Rewriting the CSV of a whole weekend with 644 ROIs takes minutes; a thread that is silent for longer hangs. */
const REPORT_TIMEOUT_MS = 7_200_000;

/**
 * At a stop, an output may take half of the remaining time; the last plot may take this factor more, because little is left to
 * do.
 */
const LAST_PLOT = 1.5;

/** Writes the CSV and the plot. */
export const csv: OutputDefinition = {
  wakesOn: ["measured", "failed", "archived"],
  open: (context) => new CsvOutput(context),
};

interface CsvOutputOptions {
  readonly config: Config;
  readonly manifest: ManifestPart<{ archives: "last" }>;
  readonly manifestFile: string;
  readonly log: StageLog;
}

export class CsvOutput implements Output {
  readonly schedule: Schedule;
  private readonly options: CsvOutputOptions;
  private readonly thread: RemoteWorker<CommunicatorSettings, CommunicatorJob, CommunicatorAnswer>;
  private plottedAtMs = Number.NEGATIVE_INFINITY;
  private plottedCursor = -1;
  /** How long a plot may take; during a run, only the thread's own limit applies. */
  private drawWithinMs = REPORT_TIMEOUT_MS;

  constructor(options: CsvOutputOptions) {
    this.options = options;
    const { config, manifestFile } = options;
    const everyMs = config.Timing.communicator_interval_seconds * 1000;
    this.schedule = { kind: "demand", atLeastEveryMs: everyMs, atMostEveryMs: everyMs };
    const settings: CommunicatorSettings = {
      manifestFile,
      resultsDir: config.Paths.results_dir,
      plotTitle: plotTitle(config),
      baselineSeconds: config.Analysis.baseline_seconds,
      timeZone: config.Display.time_zone,
      plotRois: config.Report.plot_rois,
    };
    this.thread = new RemoteWorker("communicator", settings, (level, message) => options.log.log(level, message));
  }

  /** Writes new lines, and a new plot if the last one is old enough or if the run ends. */
  async deliver({ cursor, state, waiting, final }: Position): Promise<Delivery | undefined> {
    const { config, manifest } = this.options;
    if (!config.Communication.method.includes("CSV_PLOT")) return undefined;
    const plotEveryMs = config.Report.plot_interval_seconds * 1000;
    const due = final || performance.now() - this.plottedAtMs >= plotEveryMs;
    const plot = due && config.Report.plot;
    const archive = manifest.archives.last();
    const archived = archive !== (parseCsvState(state)?.archive ?? 0);
    const stale = plot && (waiting > 0 || archived || this.plottedCursor !== cursor);
    if (waiting === 0 && !stale && !archived) return undefined;
    const appended = await this.ask({ type: "append", state, archive });
    const noted = async () => {
      if (appended.lines > 0) this.options.log.info(`added ${counted(appended.lines, "line")} to the CSV`);
      if (stale && !appended.more) await this.draw(archive, appended.cursor);
    };
    return { cursor: appended.cursor, state: appended.state, more: appended.more, noted };
  }

  /** Writes all lines, and the last plot if there is time: it can be drawn again at any time. */
  async flush(step: () => Promise<boolean>, limitMs: number): Promise<void> {
    this.drawWithinMs = LAST_PLOT * limitMs;
    while (await step());
  }

  close(timeoutMs: number): Promise<void> {
    return this.thread.close(timeoutMs);
  }

  /** A plot that cannot be drawn never delays the CSV. */
  private async draw(archive: number, cursor: number): Promise<void> {
    const { log } = this.options;
    const drawing = this.ask({ type: "draw", archive });
    if (!(await isDoneWithin(drawing, this.drawWithinMs))) {
      log.warn("drawing the last plot takes too long, so the run ends without it; the next run draws it");
      return;
    }
    const { tookMs, failure } = await drawing;
    if (failure !== undefined) log.error(`cannot draw the plot: ${failure.message}`);
    if (tookMs === undefined) return;
    this.plottedAtMs = performance.now();
    this.plottedCursor = cursor;
    log.info(`drew the plot in ${Math.round(tookMs)} ms`);
  }

  private async ask<Type extends CommunicatorJob["type"]>(
    job: Extract<CommunicatorJob, { type: Type }>,
  ): Promise<Extract<CommunicatorAnswer, { type: Type }>> {
    const answer = await this.thread.run(job, REPORT_TIMEOUT_MS);
    if (answer.type !== job.type) throw new Error(`asked the communicator to ${job.type}, it answered ${answer.type}`);
    return answer as Extract<CommunicatorAnswer, { type: Type }>;
  }
}
