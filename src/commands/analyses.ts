// `phorest analyses`: lists the analyses that measured the frames of an experiment, and which one is shown.
import type { CommandModule } from "yargs";
import { loadConfig } from "../config/config.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import type { TimeZone } from "../system/time-zone.ts";
import { alignedLines } from "../terminal/text-table.ts";
import type { GlobalOptions } from "./global.ts";
import { shownZone } from "./shown-zone.ts";
import { openStored } from "./stored-experiment.ts";

export const analysesCommand: CommandModule<GlobalOptions, GlobalOptions> = {
  command: "analyses",
  describe: "List the analyses of the experiment: name, method, ROIs, frames, dates",
  builder: (yargs) =>
    yargs.example("$0 analyses", "the names that --analysis of other commands takes; * marks the one shown by default"),
  handler: async ({ config: file, json, tz }) => {
    const { config } = loadConfig(file);
    const zone = shownZone(config, tz);
    const manifest = openStored(config);
    try {
      const analyses = listed(manifest);
      process.stdout.write(json ? `${JSON.stringify(analyses)}\n` : tableOf(analyses, zone));
    } finally {
      manifest.close();
    }
  },
};

interface Listed {
  readonly name: string;
  readonly number: number;
  readonly method: string;
  readonly rois: number;
  /** First digits of the SHA-256 of the ROI manifest. */
  readonly roi_manifest: string | null;
  readonly frames: number;
  readonly failed: number;
  readonly first_frame: string | null;
  readonly last_frame: string | null;
  readonly kernel: string;
  /** When `phorest remeasure` created it; null: measured as captured. */
  readonly remeasured_at: string | null;
  /** Name of the analysis that it was measured along with. */
  readonly along_with: string | null;
  readonly shown_by_default: boolean;
}

const SHORT_HASH = 8;

function listed(manifest: Manifest): Listed[] {
  const { analyses } = manifest;
  const all = analyses.all();
  const inForce = analyses.inForce()?.analysisId;
  const time = (us: number | undefined) => (us === undefined ? null : isoFromUs(us));
  return all.map(({ analysisId, name, method, labels, roiManifestId, kernelVersion, remeasuredAtUs }) => {
    const { measured, failed, firstUs, lastUs, alongWith } = analyses.extent(analysisId);
    const rois = roiManifestId === undefined ? undefined : analyses.roiManifest(roiManifestId);
    return {
      ...{ name, number: analysisId, method, rois: labels.length, frames: measured, failed, kernel: kernelVersion },
      roi_manifest: rois === undefined ? null : rois.sha256.slice(0, SHORT_HASH),
      first_frame: time(firstUs),
      last_frame: time(lastUs),
      remeasured_at: time(remeasuredAtUs),
      along_with: all.find((one) => one.analysisId === alongWith)?.name ?? null,
      shown_by_default: analysisId === inForce,
    };
  });
}

function tableOf(analyses: readonly Listed[], zone: TimeZone): string {
  const minutes = (time: string | null) => (time === null ? "-" : minuteOf(time, zone));
  if (analyses.length === 0) return "no frame has been measured yet\n";
  const rows = [
    ["", "name", "no.", "method", "ROIs", "ROI manifest", "frames", "failed", "from", "to", "measured"],
    ...analyses.map((one) => [
      one.shown_by_default ? "*" : "",
      one.name,
      String(one.number),
      one.method,
      String(one.rois),
      one.roi_manifest ?? "-",
      String(one.frames),
      String(one.failed),
      minutes(one.first_frame),
      minutes(one.last_frame),
      howMeasured(one, zone),
    ]),
  ];
  return `${alignedLines(rows).join("\n")}\n* is shown where no --analysis is given; times are in ${zone.name}\n`;
}

/** To the minute. */
const minuteOf = (time: string, zone: TimeZone): string => {
  const us = Date.parse(time) * 1000;
  return `${zone.day(us)} ${zone.clock(us).slice(0, 5)}`;
};

function howMeasured({ remeasured_at: again, along_with: along }: Listed, zone: TimeZone): string {
  const when = again === null ? "by a run" : `again, ${minuteOf(again, zone)}`;
  return along === null ? when : `${when}, along with ${along}`;
}
