// `phorest report`: writes the CSV, the plots and an HTML page from the database and the images; also during a run.

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { CommandModule } from "yargs";
import type { CurveManifest } from "../assay/joined.ts";
import { USUAL_REQUEST } from "../assay/kinetics/experiment/plan.ts";
import { loadConfig } from "../config/config.ts";
import { mayWrite } from "../config/directories.ts";
import type { Config } from "../config/schema.ts";
import { kineticsOf, kineticsRecordText } from "../evaluation/kinetics.ts";
import { kineticsCsv } from "../evaluation/kinetics-csv.ts";
import { TIMES, typedWindow } from "../evaluation/time-options.ts";
import { Failure } from "../failure/failure.ts";
import { renderPlot, writePlot } from "../figures/plot.ts";
import { PlotFeed } from "../figures/plot-feed.ts";
import { experimentTitle, plotTitle } from "../figures/plot-title.ts";
import { precisionCsv, precisionFigure } from "../figures/precision-figure.ts";
import type { Picture } from "../figures/render.ts";
import { renderVegaLite } from "../figures/render.ts";
import { roiDetailFigure } from "../figures/roi-detail.ts";
import { takeSnapshot } from "../health/snapshot.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { pictureRoots } from "../manifest/picture-place.ts";
import { MarkersFile } from "../outputs/csv/file/markers.ts";
import { CSV_FILENAME } from "../outputs/csv/file/state.ts";
import { KINETICS_RECORD, kineticsReport } from "../report/kinetics-section.ts";
import { type Measured, measuredBy, precisions, roiDetails } from "../report/roi-detail-data.ts";
import { runPage } from "../report/run-page.ts";
import { wallClockUs } from "../system/clock.ts";
import { ensureDirectory, writeDurably } from "../system/files.ts";
import { sayWhatIsArchived } from "./archived.ts";
import { ANALYSIS_OPTION, chosenAnalysis } from "./chosen-analysis.ts";
import { refuseEmpty } from "./empty-window.ts";
import { limitsOption } from "./figure-options.ts";
import type { GlobalOptions } from "./global.ts";
import { curveReading, JOINED_OPTION } from "./joined-curves.ts";
import { otherMethodLine } from "./other-method.ts";
import { openShown, RECORDS_OPTION, RECORDS_ROIS_OPTION } from "./records-option.ts";
import { writeReportCsv } from "./report-csv.ts";
import { ROI_LIST } from "./roi-list.ts";
import { shownZone } from "./shown-zone.ts";

interface ReportOptions extends GlobalOptions {
  out: string | undefined;
  roi?: string[] | undefined;
  from?: string | undefined;
  to?: string | undefined;
  "y-limits"?: string | undefined;
  analysis?: string | undefined;
  joined?: boolean | undefined;
  records?: string | undefined;
  rois?: string | undefined;
}

const PRECISION_NAME = "noise_and_drift";
const PAGE_NAME = "report.html";

export const reportCommand: CommandModule<GlobalOptions, ReportOptions> = {
  command: "report",
  describe: "Write the CSV, the plots, noise and drift, and an HTML page of the experiment",
  builder: (yargs) =>
    yargs
      .option("out", { type: "string", describe: "Directory to write to (default: Paths.results_dir)" })
      .option("roi", {
        ...ROI_LIST,
        describe: "ROIs to show in detail (sensorgram, pixels, one row with its fit); * matches any",
      })
      .option("analysis", ANALYSIS_OPTION)
      .option("joined", JOINED_OPTION)
      .option("records", { ...RECORDS_OPTION, implies: "out" })
      .option("rois", RECORDS_ROIS_OPTION)
      .option("from", { type: "string", requiresArg: true, describe: `Curves from this time on: ${TIMES}` })
      .option("to", { type: "string", requiresArg: true, describe: "Curves up to this time" })
      .option("y-limits", {
        type: "string",
        requiresArg: true,
        describe: "MIN,MAX of the vertical axis of the overview, px: --y-limits=-1,5",
      })
      .example("$0 report --out talk", "write everything measured so far into ./talk")
      .example("$0 report --roi 052A_N", "with one ROI in detail")
      .example("$0 report --analysis joint --out joint", "what `phorest remeasure --method joint` has measured")
      .example(
        "$0 report --records results/processing_results.jsonl --out results",
        "what `phorest analyse --out results` has measured",
      ),
  handler: async (argv) => {
    const { json, out, roi, tz } = argv;
    const limits = limitsOption(argv["y-limits"]);
    const { config: configured } = loadConfig(argv.config);
    const zone = shownZone(configured, tz);
    const { results_dir } = configured.Paths;
    const directory = out === undefined ? results_dir : resolve(out);
    if (!mayWrite(directory)) {
      throw new Failure(
        "disk.failed",
        `cannot write the report to ${directory}: no permission, or the disk is read-only`,
        {
          hint: "choose another directory with --out DIR",
        },
      );
    }
    refuseOwnDirectory(argv.records, directory, results_dir);
    const { manifest, config, close } = await openShown(configured, argv.records, argv.rois);
    try {
      const measured = measuredOf(manifest, argv.analysis);
      const reading =
        measured === undefined ? undefined : curveReading(manifest, measured.analysis, argv.joined === true);
      const source = reading?.source ?? manifest;
      for (const line of reading?.lines ?? []) process.stderr.write(`${zone.shown(line)}\n`);
      const window = typedWindow(argv, manifest.history.oldestCaptureUs(), zone);
      if (window !== undefined) refuseEmpty("--from, --to", window, manifest, zone);
      // Checked before anything is written, because an unknown ROI is a usage error.
      const details = roi === undefined ? [] : roiDetails(source, measured, roi, pictureRoots(config), window);
      await ensureDirectory(directory);
      const { csv, lines, keptAside } = await writeReportCsv(
        manifest,
        measured?.analysis,
        directory,
        directory === results_dir,
      );
      sayWhatIsArchived(manifest);
      const otherMethod = argv.records === undefined ? otherMethodLine(manifest, config) : undefined;
      if (otherMethod !== undefined) process.stderr.write(`${otherMethod}\n`);
      const markers = await new MarkersFile(directory).update(manifest.markers.all());
      const simulated = measured !== undefined && !source.results.simulatedFrames(measured.analysis.analysisId).none;
      const feed = new PlotFeed(source, {
        title: plotTitle(config),
        baselineSeconds: config.Analysis.baseline_seconds,
        zone,
        labels: config.Report.plot_rois,
        window,
        analysisId: measured?.analysis.analysisId,
        marks: reading?.marks ?? [],
      });
      feed.refresh();
      const input = feed.input();
      const overview =
        input === undefined ? undefined : await renderPlot(limits === undefined ? input : { ...input, limits });
      const plots = overview === undefined ? [] : await writePlot(directory, overview);
      const quiet = await drawPrecision(source, config, measured, directory, simulated);
      const kinetics = await drawKinetics(manifest, config, measured, directory);
      const rois: { label: string; picture: Picture; files: string[] }[] = [];
      for (const detail of details) {
        const picture = await renderVegaLite(
          await roiDetailFigure({ ...(await detail()), experiment: experimentTitle(config), zone }),
        );
        const { label } = detail;
        rois.push({ label, picture, files: await writePicture(directory, `roi_${fileName(label)}`, picture) });
      }
      const page = join(directory, PAGE_NAME);
      const snapshot = takeSnapshot(config, wallClockUs());
      await writeDurably(
        page,
        runPage({
          zone,
          config,
          manifest: source,
          snapshot,
          simulated,
          measured,
          joined: reading?.lines ?? [],
          kinetics: kinetics.report,
          overview,
          ...quiet,
          rois,
          records: argv.records,
        }),
      );
      const written = [
        ...(markers === undefined ? [] : [markers]),
        ...quiet.files,
        ...kinetics.files,
        ...rois.flatMap(({ files }) => files),
        page,
      ];
      if (json) {
        process.stdout.write(`${JSON.stringify({ csv, lines, plots, also: written, keptAside: keptAside ?? null })}\n`);
        return;
      }
      if (keptAside !== undefined)
        process.stderr.write(`the CSV had been changed by another program; the changed file is kept as ${keptAside}\n`);
      process.stdout.write(`${csv}: ${lines} lines\n${[...plots, ...written].map((path) => `${path}\n`).join("")}`);
      if (plots.length === 0) process.stderr.write("no plots: no frame has been measured yet\n");
    } finally {
      close();
    }
  },
};

/** Refuses the results directory of an experiment: its files have the same names. */
function refuseOwnDirectory(records: string | undefined, directory: string, results: string): void {
  if (records === undefined || directory !== results || !existsSync(join(results, CSV_FILENAME))) return;
  throw new Failure("usage.invalid", `--out ${directory}: it holds the results of the experiment`, {
    hint: "choose another directory for the report on the records",
  });
}

/** Returns the analysis that is shown, with its last frames; undefined if nothing is measured and none is named. */
function measuredOf(manifest: Manifest, wanted: string | undefined): Measured | undefined {
  if (wanted === undefined && manifest.analyses.inForce() === undefined) return undefined;
  const analysis = chosenAnalysis(manifest, wanted);
  const { name, analysisId } = analysis;
  const found = manifest.analyses.measured().find((one) => one.analysisId === analysisId);
  if (found !== undefined && found.alongWith === undefined) return measuredBy(manifest, analysis);
  throw new Failure("usage.invalid", `--analysis ${name}: it has no results of its own`, {
    hint: "`phorest analyses` shows which analysis it was measured along with; `phorest sensorgram` writes its curves",
  });
}

async function drawPrecision(
  manifest: CurveManifest,
  config: Config,
  measured: Measured | undefined,
  directory: string,
  simulated: boolean,
) {
  const nothing = { quiet: [], groups: [] };
  const { quiet, groups } = measured === undefined ? nothing : precisions(manifest, measured, config);
  const csv = join(directory, `${PRECISION_NAME}.csv`);
  await writeDurably(csv, await precisionCsv(quiet, simulated));
  const title = `${experimentTitle(config)}${simulated ? " (simulated chip)" : ""}`;
  const spec = precisionFigure(title, quiet);
  if (spec === undefined) return { quiet, groups, noise: undefined, files: [csv] };
  const noise = await renderVegaLite(spec);
  return { quiet, groups, noise, files: [csv, ...(await writePicture(directory, PRECISION_NAME, noise))] };
}

/** Draws the rates of injections that include a sample; reports what cannot be fitted and leaves it out. */
async function drawKinetics(manifest: Manifest, config: Config, measured: Measured | undefined, directory: string) {
  const none = { report: undefined, files: [] };
  if (measured === undefined || !manifest.injections.all().some(({ type }) => type === "sample")) return none;
  try {
    const { analysis } = measured;
    const found = kineticsOf(manifest, config, analysis, USUAL_REQUEST);
    const report = await kineticsReport(manifest, analysis, found, experimentTitle(config));
    const csv = join(directory, "kinetics.csv");
    await writeDurably(csv, await kineticsCsv(found.gratings.map((one) => one.found)));
    const record = join(directory, KINETICS_RECORD);
    await writeDurably(record, kineticsRecordText(found));
    const pictures = { kinetics: report.overlay, iso_affinity: report.affinity, map_KD: report.map };
    const files = [csv, record];
    for (const [name, picture] of Object.entries(pictures)) {
      if (picture !== undefined) files.push(...(await writePicture(directory, name, picture)));
    }
    return { report, files };
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "usage.invalid") throw error;
    process.stderr.write(`no kinetics: ${error.line}\n`);
    return none;
  }
}

async function writePicture(directory: string, name: string, { png, svg }: Picture): Promise<string[]> {
  const paths = [join(directory, `${name}.png`), join(directory, `${name}.svg`)] as const;
  await writeDurably(paths[0], png);
  await writeDurably(paths[1], svg);
  return [...paths];
}

/** Replaces the characters of a label that are not safe in a file name. */
function fileName(label: string): string {
  return label.replaceAll(/[^\p{L}\p{N}._-]/gu, "_");
}
