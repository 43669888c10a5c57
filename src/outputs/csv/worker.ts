// The communicator's thread: writes CSV lines for newly measured frames, and the plot. It reads the manifest through a read-only
// connection; the supervisor commits the cursor after the file is durable.
import { join } from "node:path";
import { encodeFailure, type FailureData } from "../../failure/failure.ts";
import { drawPlot } from "../../figures/drawing.ts";
import { writePlot } from "../../figures/plot.ts";
import { PlotFeed } from "../../figures/plot-feed.ts";
import { Manifest } from "../../manifest/manifest.ts";
import { ensureDirectory } from "../../system/files.ts";
import { TimeZone } from "../../system/time-zone.ts";
import type { JobHandler, Log } from "../../threads/host-loop.ts";
import { lowerPriority } from "../../threads/priority.ts";
import { stepCurrentCsv } from "./file/current.ts";
import { MarkersFile } from "./file/markers.ts";
import { CSV_FILENAME, parseCsvState } from "./file/state.ts";
import type { CommunicatorAnswer, CommunicatorJob, CommunicatorSettings } from "./messages.ts";

export async function open(
  settings: CommunicatorSettings,
  log: Log,
): Promise<JobHandler<CommunicatorJob, CommunicatorAnswer>> {
  lowerPriority();
  const manifest = Manifest.open({ file: settings.manifestFile, readonly: true });
  const newFeed = () =>
    new PlotFeed(manifest, {
      zone: new TimeZone(settings.timeZone),
      title: settings.plotTitle,
      baselineSeconds: settings.baselineSeconds,
      labels: settings.plotRois,
    });
  let feed = newFeed();
  const markersFile = new MarkersFile(settings.resultsDir);
  let knownArchive: number | undefined;
  const csv = join(settings.resultsDir, CSV_FILENAME);

  const append = async (state: string | undefined, archive: number): Promise<CommunicatorAnswer> => {
    const update = await stepCurrentCsv(settings.resultsDir, manifest, parseCsvState(state), { archive });
    if (update.finished !== undefined)
      log("info", `another analysis begins: ${CSV_FILENAME} is complete and is now ${update.finished}`);
    if (update.keptAside !== undefined) {
      log(
        "warn",
        `${csv} was changed by another program: kept the changed file as ${update.keptAside} and rewrote the CSV`,
      );
    } else if (update.rewritten === "missing") {
      log("warn", `${csv} was missing; rewrote it from the database`);
    } else if (update.rewritten === "archived") {
      log("info", `rewrote ${csv} without archived frames, which are in the CSV of the archive`);
    }
    const reached = { cursor: update.state.cursor, state: JSON.stringify(update.state) };
    return { type: "append", ...reached, lines: update.lines, more: !update.upToDate };
  };

  const draw = async (): Promise<CommunicatorAnswer> => {
    const startedMs = performance.now();
    let failure: FailureData | undefined;
    try {
      feed.refresh();
      const input = feed.input();
      if (input === undefined) return { type: "draw", tookMs: undefined, failure };
      await writePlot(settings.resultsDir, await drawPlot(input));
    } catch (thrown) {
      failure = encodeFailure(thrown);
    }
    return { type: "draw", tookMs: failure === undefined ? performance.now() - startedMs : undefined, failure };
  };

  const run = async (job: CommunicatorJob): Promise<CommunicatorAnswer> => {
    await ensureDirectory(settings.resultsDir);
    // The plot shows live frames only: archived frames leave it with their rows.
    if (knownArchive !== undefined && knownArchive !== job.archive) feed = newFeed();
    knownArchive = job.archive;
    if (job.type === "draw") return await draw();
    await markersFile.update(manifest.markers.all());
    return await append(job.state, job.archive);
  };

  return { run, close: async () => manifest.close() };
}
