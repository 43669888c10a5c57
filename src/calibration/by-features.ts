// Calibrates from a feature file: printed labels named by hand are refined one by one, in the orientation that fits best. Names
// may be wrong; the picture decides.

import type { Chip, ChipLabel } from "../chip/chip.ts";
import { Failure } from "../failure/failure.ts";
import type { Picture } from "../image/picture.ts";
import { medianOf } from "../measurement/statistics.ts";
import { readOtherwise } from "./cross-check.ts";
import { type Anchor, cornerOf, middleOf } from "./from-anchors.ts";
import { expectedLabels, labelScore, misread } from "./identity.ts";
import { type LabelPatterns, labelMiddle, searchLabel } from "./label-search.ts";
import type { Search } from "./locate.ts";
import { type Pose, toPicture, wrapDegrees } from "./pose.ts";
import { fitPose } from "./pose-fit.ts";
import { LEAST_LIKENESS, labelSightings, labelStep, mostOffPx, type Refined, refinePose } from "./refine.ts";
import { View } from "./view.ts";

/** A label named by hand is searched within this distance of the given place; the larger of the two counts. */
const ROUGH = { um: 60, px: 15 } as const;
/** Search distance for the other labels and for edges of gratings, from where the named labels put them, µm. */
const REACH_UM = 45;
const MOST_TURN = 15;
/** Range of accepted scales, px/µm, with some margin. */
const SCALES = { least: 0.05, most: 3 } as const;
/** Bonus for the established orientation: another one must fit clearly better. */
const ESTABLISHED_BONUS = 0.25;
/** An orientation whose labels score less than this share of the best one's is not examined further. */
const ALIKE = 0.6;
/**
 * Maximum number of arrangements that are tried with few labels: one of three labels may be wrong, and any two of them always
 * agree. With more labels, those that agree reveal the wrong one.
 */
const MOST_ROUGH = 3;
const FEW = 4;
/** Beyond these limits, the given names are rejected. */
const SURE = {
  /** Share of the labels in view that look more like a different label of the chip. */
  misread: 0.34,
  /**
   * Maximum error of a grating, px. A user who names labels may prefer a less accurate manifest to none, but there is a limit.
   */
  offPx: 5,
  /**
   * Minimum share of the labels (with at least that likeness), or of the gratings' edges, that are seen of those that should be
   * in view: either may be dim.
   */
  seen: 0.6,
  clearLabel: 0.7,
} as const;

interface Place extends Pick<Anchor, "x" | "y" | "at"> {
  readonly label: ChipLabel;
}

/**
 * Returns the pose from the rough places of printed labels, in the best of the eight orientations. Failure usage.invalid for a
 * label that the chip does not have; doubt if most of them are not found, or if the picture contradicts them.
 */
export function locateByFeatures(
  picture: Picture,
  chip: Chip,
  places: readonly Anchor[],
  patterns: LabelPatterns,
): Search {
  const named = places.map((place): Place => {
    const label = chip.labels.find((one) => one.label === place.label);
    if (label !== undefined) return { ...place, label };
    const some = chip.labels.slice(0, 6).map((one) => one.label);
    throw new Failure("usage.invalid", `${chip.type} has no label "${place.label}"`, {
      hint: `its labels are ${some.join(", ")}, …`,
    });
  });
  const view = new View(picture);
  let first: string | undefined;
  for (const ink of [patterns, patterns.dark]) {
    for (let rank = 0; rank < (named.length <= FEW ? MOST_ROUGH : 1); rank++) {
      const best = bestFit(view, ink, chip, named, rank);
      if (best === undefined) break;
      const { refined, seen } = best;
      const reason = doubtOf(view, ink, chip, refined, seen, named.length);
      const doubt = reason === undefined ? readOtherwise(view, chip, patterns, refined) : undefined;
      if (doubt !== undefined) return { doubt };
      if (reason === undefined) {
        const lost = named.flatMap(({ label }) => (seen.includes(label) ? [] : [label.label]));
        const outliers = [...new Set([...refined.outliers, ...lost])];
        return { found: { ...refined, outliers, chip, margin: Number.NaN } };
      }
      first ??= reason;
    }
  }
  const reason = first ?? "no two labels agree on the position of the chip";
  return { doubt: { reason, lattice: undefined } };
}

interface Fit {
  readonly refined: Refined;
  /** Labels named by hand that were found where the others predict them. */
  readonly seen: readonly ChipLabel[];
}

/**
 * Returns the best of the eight orientations, each from its rough pose of that rank; only those in which the labels look right
 * are refined.
 */
function bestFit(view: View, patterns: LabelPatterns, chip: Chip, named: readonly Place[], rank: number) {
  const laid = [false, true].flatMap((mirrored) =>
    [0, 90, 180, -90].flatMap((quarter) => {
      const start = roughPoses(named, mirrored, quarter)[rank];
      if (start === undefined) return [];
      const bonus = !mirrored && quarter === 0 ? ESTABLISHED_BONUS : 0;
      const { pose, score } = byLabels(view, patterns, chip, named, start);
      return [{ pose, bonus, score: score + bonus }];
    }),
  );
  const best = Math.max(...laid.map(({ score }) => score));
  const tried = laid
    .filter(({ score }) => score > best - ALIKE)
    .map(({ pose, bonus }): Fit & { score: number } => {
      const refined = refinePose(view, patterns, chip, pose, REACH_UM);
      const seen = named.map(({ label }) => label).filter((label) => isSeen(label, refined));
      const score = labelScore(refined.used.filter((one) => seen.some((label) => shows(label, one.label))));
      return { refined, seen, score: score + bonus };
    });
  return tried.sort((a, b) => b.score - a.score)[0];
}

/**
 * Returns the pose from the named labels alone, each searched around its place, and their score there. The edges of gratings
 * are not used: all gratings look alike, and would keep a rough pose where it is.
 */
function byLabels(view: View, patterns: LabelPatterns, chip: Chip, named: readonly Place[], start: Pose) {
  const printed = chip.labels.filter((one) => one.text !== "" && named.some(({ label }) => shows(label, one)));
  let pose = start;
  let score = 0;
  for (const share of [1, 0.5]) {
    const found = printed.flatMap((label) => {
      const reach = share * Math.max(ROUGH.um, ROUGH.px / pose.pxPerUm);
      return searchLabel(view, patterns, pose, label, reach, labelStep(label, pose, false)) ?? [];
    });
    pose = fitPose(labelSightings(found), pose)?.pose ?? pose;
    score = labelScore(found);
  }
  return { pose, score };
}

function isSeen(label: ChipLabel, { used }: Refined): boolean {
  return used.some((one) => shows(label, one.label));
}

/** Whether a printed label is the named one, or is in the named corner, where nothing else is printed. */
function shows(named: ChipLabel, printed: ChipLabel): boolean {
  if (named.text !== "") return named.label === printed.label;
  const { x, y } = labelMiddle(printed);
  return x > named.x && y > named.y && x < named.x + named.width && y < named.y + named.height;
}

/** Returns why the names are rejected; undefined if they are accepted. */
function doubtOf(
  view: View,
  patterns: LabelPatterns,
  chip: Chip,
  refined: Refined,
  seen: readonly ChipLabel[],
  named: number,
): string | undefined {
  const { pose, used, edgesSeen, edgesExpected } = refined;
  if (seen.length < 2 || 2 * seen.length <= named) {
    const found = seen.map(({ label }) => label).join(", ") || "none";
    const few = seen.length < 2 ? "fewer than two" : "no more than half";
    return `${few} of the labels were found near the given positions (found: ${found}; a similarity of at least ${LEAST_LIKENESS} is needed)`;
  }
  const expected = expectedLabels(view, pose, chip.labels);
  const printed = used.map(({ label }) => label);
  if (misread(view, patterns, pose, printed, chip) > SURE.misread)
    return "the printed characters at the given positions look more like other labels of the chip";
  const clear = used.filter(({ likeness }) => likeness >= SURE.clearLabel).length;
  if (clear < SURE.seen * expected.length && edgesSeen < SURE.seen * edgesExpected)
    return "the other labels and the gratings do not match the given labels";
  const off = mostOffPx(refined);
  // Without a grating in view nothing can be off; that is reported later.
  return edgesExpected > 0 && off > SURE.offPx
    ? `the given labels leave the positions of gratings uncertain by ${Number.isFinite(off) ? `${off.toFixed(0)} px` : "any amount"}`
    : undefined;
}

/**
 * Returns poses given by pairs of labels, starting with those that most of the other labels agree with; empty if no pair agrees
 * with the orientation.
 */
function roughPoses(named: readonly Place[], mirrored: boolean, quarter: number): Pose[] {
  const plain: Pose = { angleDegrees: quarter, pxPerUm: 1, mirrored, x: 0, y: 0 };
  const points = named.map(({ label, x, y, at }) => {
    return { chip: at === "middle" ? middleOf(label) : cornerOf(plain, label).chip, x, y };
  });
  const poses: { pose: Pose; off: number }[] = [];
  points.forEach((a, i) => {
    for (const b of points.slice(i + 1)) {
      const [u, v] = [b.chip.x - a.chip.x, (mirrored ? -1 : 1) * (b.chip.y - a.chip.y)];
      const [dx, dy] = [b.x - a.x, b.y - a.y];
      const pxPerUm = Math.hypot(dx, dy) / Math.hypot(u, v);
      const turn = wrapDegrees(((Math.atan2(v, u) - Math.atan2(dy, dx)) * 180) / Math.PI - quarter);
      if (!(pxPerUm > SCALES.least && pxPerUm < SCALES.most) || Math.abs(turn) > MOST_TURN) continue;
      const turned = { ...plain, angleDegrees: wrapDegrees(turn + quarter), pxPerUm };
      const at = points.map(({ chip }) => toPicture(turned, chip));
      const x = (a.x - (at[i]?.x ?? 0) + b.x - (at[points.indexOf(b)]?.x ?? 0)) / 2;
      const y = (a.y - (at[i]?.y ?? 0) + b.y - (at[points.indexOf(b)]?.y ?? 0)) / 2;
      const off = medianOf(
        Float64Array.from(points, (point, k) =>
          Math.hypot(x + (at[k]?.x ?? 0) - point.x, y + (at[k]?.y ?? 0) - point.y),
        ),
      );
      poses.push({ pose: { ...turned, x, y }, off });
    }
  });
  return poses.sort((a, b) => a.off - b.off).map(({ pose }) => pose);
}
