// The dark gaps between gratings that lie side by side. A gap that is only a pixel or two wide does not show where its gratings
// end, but its middle is seen well: blur, and light that fills gratings less than their boxes, leave it where it is.
import type { Chip } from "../chip/layout.ts";
import { latticeOf } from "./lattice.ts";
import { isInView, offsetPlace, someOf } from "./lines-in-view.ts";
import type { Point, Pose } from "./pose.ts";
import { gapOf, type Profile, profilesOf, sideStrip } from "./profiles.ts";
import type { Sighting } from "./sighting.ts";
import type { View } from "./view.ts";

/** Two gratings of the same row have their gap here, µm. */
interface Gap {
  readonly name: string;
  readonly middle: Point;
  readonly length: number;
}

/** Where the middles of the gaps between gratings of the same row lie, along the chip's x. */
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
  return gaps.flatMap(({ name, middle }, i): Sighting[] => {
    const profile = profiles[i];
    const offset = profile === undefined ? undefined : gapMiddle(profile, width, strip, reachUm);
    if (offset === undefined) return [];
    return [{ name, chip: middle, ...offsetPlace(pose, middle, "along y", offset), kind: "side", weight: 1 }];
  });
}

/**
 * The middle of a gap: half way between where light falls most and where it rises most. Levels of light do not tell it, because
 * bands are bright at one side of a gap more than at the other.
 */
function gapMiddle(profile: Profile, width: number, strip: number, reachUm: number): number | undefined {
  const about = profile.brightest((at) => profile.gap(at, width, width), reachUm);
  if (about === undefined) return undefined;
  const end = profile.brightest((at) => -profile.step(at, strip), width, about - width / 2);
  const start = profile.brightest((at) => profile.step(at, strip), width, about + width / 2);
  return end === undefined || start === undefined ? undefined : (end + start) / 2;
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
    return [{ name: `gap between ${label} and ${next.label}`, middle, length: height }];
  });
  known.set(chip, gaps);
  return gaps;
}
