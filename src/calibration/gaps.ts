// Finds the dark gaps between neighbouring gratings. A gap of only a pixel or two does not show where its gratings end, but its
// middle is well visible: it does not move with blur, or with light that does not fill the boxes.
import type { Chip } from "../chip/chip.ts";
import { latticeOf } from "./lattice.ts";
import { isInView, offsetPlace, someOf } from "./lines-in-view.ts";
import type { Point, Pose } from "./pose.ts";
import { gapOf, type Profile, profilesOf, sideStrip } from "./profiles.ts";
import type { Sighting } from "./sighting.ts";
import type { View } from "./view.ts";

/** The gap between two gratings of the same row, µm. */
interface Gap {
  /** Labels of the gratings. */
  readonly left: string;
  readonly right: string;
  readonly middle: Point;
  readonly width: number;
  readonly length: number;
}

/**
 * Returns the sides of gratings that face each other across a gap, along the chip's x, always both, because blur and light
 * affect both equally.
 */
export function gratingGaps(view: View, chip: Chip, pose: Pose, reachUm: number): Sighting[] {
  const width = Math.max(gapOf(chip).x, 1 / pose.pxPerUm);
  const strip = sideStrip(chip, pose);
  const beyond = 1.5 * width + strip + reachUm;
  const gaps = someOf(
    gapsOf(chip).filter(({ middle, length }) => isInView(view, pose, middle, { x: beyond, y: length / 2 })),
  );
  const [first] = gaps;
  if (first === undefined) return [];
  const profiles = profilesOf(view, pose, {
    lie: "along y",
    middles: gaps.map(({ middle }) => middle),
    length: 0.9 * first.length,
    beyond,
    step: Math.max(1, 0.35 / pose.pxPerUm),
  });
  return gaps.flatMap((gap, i): Sighting[] => {
    const profile = profiles[i];
    const seen = profile === undefined ? undefined : sidesOfGap(profile, width, strip, reachUm);
    if (seen === undefined) return [];
    const { middle } = gap;
    const side = (name: string, inward: 1 | -1, offset: number): Sighting => {
      const chip = { x: middle.x + (inward * gap.width) / 2, y: middle.y };
      return { name, chip, ...offsetPlace(pose, middle, "along y", offset), inward, kind: "side", weight: 1 };
    };
    return [side(`right side of ${gap.left}`, -1, seen.end), side(`left side of ${gap.right}`, 1, seen.start)];
  });
}

/**
 * Returns where light ends on one side of a gap and starts on the other, µm from its middle: where it falls and rises most.
 * Absolute levels cannot show this, because bands are brighter at one side of a gap than at the other.
 */
function sidesOfGap(profile: Profile, width: number, strip: number, reachUm: number) {
  const about = profile.brightest((at) => profile.gap(at, width, width), reachUm);
  if (about === undefined) return undefined;
  const end = profile.brightest((at) => -profile.step(at, strip), width, about - width / 2);
  const start = profile.brightest((at) => profile.step(at, strip), width, about + width / 2);
  return end === undefined || start === undefined ? undefined : { end, start };
}

const known = new WeakMap<Chip, readonly Gap[]>();

function gapsOf(chip: Chip): readonly Gap[] {
  const before = known.get(chip);
  if (before !== undefined) return before;
  const pitch = latticeOf(chip)?.pitch.x;
  const places = new Map(chip.gratings.map((grating) => [`${grating.x} ${grating.y}`, grating]));
  const gaps = chip.gratings.flatMap(({ label, x, y, width, height }): Gap[] => {
    const next = pitch === undefined ? undefined : places.get(`${x + pitch} ${y}`);
    if (next === undefined) return [];
    const middle = { x: (x + width + next.x) / 2, y: y + height / 2 };
    return [{ left: label, right: next.label, middle, width: next.x - x - width, length: height }];
  });
  known.set(chip, gaps);
  return gaps;
}
