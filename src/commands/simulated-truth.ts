// Files that `phorest simulate` writes next to the images: the truth as JSON, and the injections as a CSV that `phorest
// injections import` reads.
import { writeToString } from "fast-csv";
import type { ProfileName, SimulatedLine } from "../config/simulation-section.ts";
import { concentrationText } from "../measurement/concentration.ts";
import { safeText } from "../outputs/csv/file/text.ts";
import type { Assay } from "../simulator/assay-settings.ts";
import type { AssayTruth, RoiTruth, Simulator } from "../simulator/simulator.ts";

/** An image that was written. */
export interface SimulatedImage {
  readonly file: string;
  readonly elapsedSeconds: number;
  readonly capturedAtUs: number;
}

interface Settings {
  readonly seed: number;
  readonly profile: ProfileName;
  readonly line: SimulatedLine;
  readonly assay: Assay | undefined;
}

/** Returns the text of truth.json. */
export function truthText(
  simulator: Simulator,
  { seed, profile, line, assay }: Settings,
  images: readonly SimulatedImage[],
): string {
  const { chip, placement, bitDepth } = simulator;
  const inAssay = simulator.assayTruth();
  const rois = [...simulator.truth(0)].map(([label, truth]) => [
    label,
    {
      tilt_px: exact(truth.tiltPx),
      ...shapeTruth(truth),
      amplitude: exact(truth.amplitude),
      background: exact(truth.background),
      peak_offset: exact(truth.peakOffset),
      reference: truth.reference,
      ...gratingTruth(inAssay.get(label)),
    },
  ]);
  const frames = images.map(({ file, elapsedSeconds, capturedAtUs }) => {
    const now = [...simulator.truth(elapsedSeconds)];
    const of = (value: (truth: RoiTruth) => number | null) =>
      Object.fromEntries(now.map(([label, truth]) => [label, value(truth)]));
    const resonance = of((truth) => (truth.bubble ? null : exact(truth.resonance)));
    return {
      file,
      timestamp: new Date(capturedAtUs / 1000).toISOString(),
      elapsed_seconds: elapsedSeconds,
      resonance,
      ...(assay === undefined ? {} : { shift: of((truth) => (truth.bubble ? null : exact(truth.shift))) }),
    };
  });
  const head = {
    chip_type: chip.type,
    profile,
    line,
    width: placement.width,
    height: placement.height,
    bit_depth: bitDepth,
    px_per_um: placement.pxPerUm,
    offset: [placement.offsetX, placement.offsetY],
    image_angle: placement.angleDegrees,
    seed,
    ...(assay === undefined ? {} : { assay: assayTruth(assay, placement.pxPerUm) }),
  };
  return `${JSON.stringify({ ...head, rois: Object.fromEntries(rois), frames }, null, 1)}\n`;
}

function assayTruth({ injections, buffer_index, flow, nonspecific, bubbles }: Assay, pxPerUm: number): object {
  return {
    buffer_index,
    flow: { ...flow, speed_px_per_second: exact(flow.speed_um_per_second * pxPerUm) },
    nonspecific,
    bubbles,
    injections: injections.map(({ concentration, ...one }, at) => ({
      number: at + 1,
      ...one,
      concentration_M: concentration ?? null,
    })),
  };
}

function gratingTruth(truth: AssayTruth | undefined): object {
  if (truth === undefined) return {};
  const { kinetics, front, sensitivityPxPerRiu, driftPxPerHour, rmaxPx } = truth;
  const rates =
    kinetics === undefined
      ? {}
      : { ka: kinetics.ka, kd: kinetics.kd, KD: kinetics.kd / kinetics.ka, rmax_px: exact(rmaxPx), kt: kinetics.kt };
  return {
    arrival_seconds: exact(front.delaySeconds),
    front_width_seconds: exact(front.widthSeconds),
    sensitivity_px_per_riu: exact(sensitivityPxPerRiu),
    drift_px_per_hour: exact(driftPxPerHour),
    ...rates,
  };
}

/** Returns the line's own quantities by their usual names, px. */
function shapeTruth({ line, width, q }: RoiTruth): Record<string, number> {
  if (line === "gaussian") return { sigma: exact(width) };
  return line === "fano" ? { gamma: exact(width), q: exact(q) } : { gamma: exact(width) };
}

/** Rounds to five decimals, so that the file stays readable. */
function exact(value: number): number {
  return Math.round(value * 1e5) / 1e5;
}

/** Returns the injections of an assay for `phorest injections import`; times in seconds since the first image. */
export function simulatedInjectionsCsv({ injections }: Assay): Promise<string> {
  const rows = injections.map(
    ({ solution, type, concentration, refractive_index, start, seconds, dissociation_seconds }) => [
      safeText(solution),
      type,
      concentration === undefined ? "" : concentrationText(concentration),
      refractive_index ?? "",
      start,
      start + seconds,
      dissociation_seconds === undefined ? "" : start + seconds + dissociation_seconds,
    ],
  );
  const names = ["solution", "type", "concentration", "refractive_index", "start", "end", "dissociation_end"];
  return writeToString([names, ...rows], { headers: false, includeEndRowDelimiter: true });
}
