// The HTML report of an experiment: settings, run, results and their precision.

import { BaselineInForce, baselineText } from "../assay/baseline.ts";
import { baselineWarningLines, DOUBT_WORDS } from "../assay/baseline-warnings.ts";
import type { CurveManifest } from "../assay/joined.ts";
import { type Precision, TWO_ERRORS } from "../assay/precision.ts";
import type { GroupPrecision } from "../assay/worked-sensorgram.ts";
import { experimentFacts, experimentName } from "../config/identity.ts";
import type { Config } from "../config/schema.ts";
import { METHOD_TITLES } from "../figures/figure-style.ts";
import type { RoiPrecision } from "../figures/precision-figure.ts";
import type { Picture } from "../figures/render.ts";
import { guessedText } from "../health/guessed-times.ts";
import type { Snapshot } from "../health/snapshot.ts";
import type { Analysis } from "../manifest/analyses.ts";
import { frameName } from "../manifest/page-rows.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { flagNames } from "../measurement/method.ts";
import { packageVersion } from "../system/files.ts";
import type { TimeZone } from "../system/time-zone.ts";
import { type HtmlSection, htmlReport } from "./html-report.ts";
import { type KineticsReport, kineticsSections } from "./kinetics-section.ts";
import type { Measured } from "./roi-detail-data.ts";

export interface RunPage {
  readonly config: Config;
  /** Time zone of displayed times. */
  readonly zone: TimeZone;
  readonly manifest: CurveManifest;
  readonly snapshot: Snapshot;
  /** Whether some of the last measured frames show the simulated chip. */
  readonly simulated: boolean;
  readonly measured: Measured | undefined;
  /** What the curves were joined over, one line for each change; times in UTC. Empty: they are not joined. */
  readonly joined: readonly string[];
  readonly kinetics: KineticsReport | undefined;
  readonly overview: Picture | undefined;
  readonly noise: Picture | undefined;
  readonly quiet: readonly RoiPrecision[];
  readonly groups: readonly GroupPrecision[];
  readonly rois: readonly { readonly label: string; readonly picture: Picture }[];
  /** The reported file of records; undefined: the experiment. */
  readonly records: string | undefined;
}

const FAILURES_SHOWN = 50;

/** Returns the self-contained HTML page. */
export function runPage(page: RunPage): string {
  const { config, overview, noise, rois, measured, zone } = page;
  const name = experimentName(config);
  const sections: HtmlSection[] = [
    { title: "The experiment", table: { head: ["", ""], rows: inZone(facts(page), zone) } },
  ];
  const failures = inZone(failedFrames(page.manifest), zone);
  if (page.records === undefined && page.snapshot.alarms.length > 0) {
    const rows = inZone(
      page.snapshot.alarms.map((alarm) => [alarm]),
      zone,
    );
    sections.push({ title: "Alarms", table: { head: ["problem"], rows } });
  }
  if (overview !== undefined) {
    const alt = "Resonance shifts of the chip's ROIs over time";
    sections.push({ title: "Sensorgrams", figure: { alt, png: overview.png } });
  }
  for (const { label, picture } of rois) {
    const alt = `ROI ${label}: sensorgram, pixels and one row with the fitted curve`;
    sections.push({ title: `ROI ${label}`, figure: { alt, png: picture.png } });
  }
  if (page.kinetics !== undefined) sections.push(...kineticsSections(page.kinetics, zone));
  if (measured !== undefined) sections.push(precision(page, noise));
  if (failures.length > 0) {
    const note = `The last ${failures.length} of ${page.snapshot.counts?.failed} failed frames.`;
    sections.push({ title: "Failed frames", note, table: { head: ["captured", "image", "reason"], rows: failures } });
  }
  if (page.records === undefined) {
    sections.push({ title: "Configuration of the last run", text: configuration(page.manifest) });
  }
  const chip = page.simulated ? "Simulated chip. " : "";
  const subtitle = `${chip}phorest ${packageVersion()}, ${zone.shown(`${new Date().toISOString().slice(0, 19)}Z`)}. This file is self-contained.`;
  return htmlReport(name === "" ? "Experiment" : name, subtitle, sections);
}

/** Converts the times in cells to a zone. */
function inZone(rows: readonly string[][], zone: TimeZone): string[][] {
  return rows.map((cells) => cells.map((cell) => zone.shown(cell)));
}

function facts(page: RunPage): string[][] {
  const { config, snapshot, simulated, measured, manifest, records, joined, kinetics } = page;
  const { counts, startedAt, endedAt, endReason, experiment } = snapshot;
  const first = manifest.history.entries().next();
  const rows: string[][] = [
    ...experimentFacts(config),
    records === undefined ? ["directory", config.Paths.root_dir] : ["records of phorest analyse", records],
  ];
  if (startedAt !== undefined) rows.push(["last run started", startedAt]);
  if (experiment === "running") rows.push(["state", "running when this report was made"]);
  else if (endedAt !== undefined) rows.push(["last run ended", `${endedAt} (${endReason ?? "reason unknown"})`]);
  if (!first.done) rows.push(["first frame", isoFromUs(first.value.capturedAtUs)]);
  if (snapshot.lastFrame !== undefined) rows.push(["last frame", snapshot.lastFrame.capturedAt]);
  if (counts !== undefined) {
    const { total, processed, pending, processing, failed, archived, missing } = counts;
    const waiting = pending + processing;
    rows.push(["frames", `${total}: ${processed} measured, ${waiting} waiting, ${failed} failed`]);
    if (archived > 0) rows.push(["archived frames", `${archived} (not in this report)`]);
    if (missing > 0) rows.push(["missing images", String(missing)]);
  }
  if (measured !== undefined) {
    const { analysis, labels } = measured;
    rows.push(["analysis", analysis.name]);
    rows.push(["method", `${METHOD_TITLES[analysis.method]}, kernel ${analysis.kernelVersion}`]);
    for (const line of joined) rows.push(["joined curves", line]);
    if (joined.length > 0 && kinetics !== undefined)
      rows.push(["kinetics", `fitted to the frames of analysis "${analysis.name}" alone`]);
    rows.push(["settings", settingsText(analysis)]);
    rows.push(["ROIs", String(labels.length)]);
    const lines = manifest.references.linesOf(analysis);
    if (lines !== undefined) rows.push(["line shapes", countsOf(lines)]);
  }
  if (records === undefined) {
    rows.push([
      "camera",
      `${snapshot.camera?.type ?? config.Camera.camera_type}, every ${config.Timing.collector_interval_seconds} s`,
    ]);
  }
  if (snapshot.guessedTimes > 0) rows.push(["times", guessedText(snapshot.guessedTimes)]);
  if (simulated)
    rows.push([
      "simulated",
      "some or all frames of this report show the simulated chip and were not captured by a camera",
    ]);
  return rows;
}

/** Counts each value: "118 gaussian, 2 fano". */
function countsOf(lines: readonly string[]): string {
  return [...new Set(lines)].map((line) => `${lines.filter((one) => one === line).length} ${line}`).join(", ");
}

function precision(
  { quiet, groups, measured, config, manifest, zone }: RunPage,
  noise: Picture | undefined,
): HtmlSection {
  const last = measured?.curves.at(-1);
  const lines = measured === undefined ? undefined : manifest.references.linesOf(measured.analysis);
  const rows = quiet.map(({ label, precision: found }, roi) => [
    label,
    ...(lines === undefined ? [] : [lines[roi] ?? ""]),
    px(last?.position[roi] ?? Number.NaN, 3),
    ...precisionCells(found),
    flagNames(last?.flags[roi] ?? 0).join(" "),
  ]);
  const groupRows = groups.map(({ group, members, precision: found }) => [
    `group ${group} (mean of ${members})`,
    ...(lines === undefined ? [] : [""]),
    "",
    ...precisionCells(found),
    "",
  ]);
  const { baseline_seconds } = config.Analysis;
  const found = measured && new BaselineInForce(manifest, baseline_seconds).of(measured.analysis.analysisId);
  const baseline = found === undefined ? "none yet" : baselineText(found, zone);
  return {
    title: "Noise and drift",
    note: [
      `Measured in the baseline (${baseline}). Noise is from frame to frame, drift is the slope of a straight line, and the limit of detection is three times the noise; each has its standard error. ${TWO_ERRORS}`,
      ...baselineWarningLines(quiet.map(({ label, precision: { doubts } }) => [label, doubts] as const)),
    ].join(" "),
    ...(noise === undefined
      ? {}
      : { figure: { alt: "Noise, drift and limit of detection of each ROI", png: noise.png } }),
    table: {
      head: [
        "ROI",
        ...(lines === undefined ? [] : ["line shape"]),
        "last position px",
        "frames",
        "left out",
        "noise px",
        "drift px/h",
        "LOD px",
        "baseline",
        "flags in the last frame",
      ],
      rows: [...rows, ...groupRows],
    },
  };
}

/** Returns frames, noise, drift, limit of detection and warnings, as cells of a table. */
function precisionCells(found: Precision): string[] {
  return [
    String(found.points),
    String(found.excluded),
    `${px(found.noise, 5)} ± ${px(found.noiseError, 5)}`,
    `${px(found.driftPerHour, 4)} ± ${px(found.driftError, 4)}`,
    `${px(found.detectionLimit, 5)} ± ${px(found.detectionLimitError, 5)}`,
    found.doubts.map((doubt) => DOUBT_WORDS[doubt]).join(", "),
  ];
}

/** Returns a number with this many decimals, or a dash if there is none. */
const px = (value: number, decimals: number): string => (Number.isFinite(value) ? value.toFixed(decimals) : "-");

function failedFrames(manifest: CurveManifest): string[][] {
  return manifest.history
    .recentFailures(FAILURES_SHOWN)
    .map(({ capturedAtUs, filename, page, error }) => [
      isoFromUs(capturedAtUs),
      filename === undefined ? "" : frameName(filename, page),
      error ?? "",
    ]);
}

/** Returns the configuration without the webhook, whose path often contains a secret. There are no passwords in it. */
function configuration(manifest: CurveManifest): string {
  const run = manifest.runs.last();
  if (run === undefined) return "no run yet";
  const config: unknown = JSON.parse(run.config);
  const hide = (key: string, value: unknown) => (key === "webhook" && typeof value === "string" ? "(hidden)" : value);
  return JSON.stringify(config, hide, 2);
}

/** Returns the settings of an analysis that are not the default ones: "sampling established, fano_sign both". */
function settingsText({ settings }: Pick<Analysis, "settings">): string {
  const given = Object.entries(JSON.parse(settings) as Record<string, unknown>);
  if (given.length === 0) return "the default ones";
  return given
    .map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`)
    .join(", ");
}
