// The channel, z plane and position of a frame from another program's file, as its row in the database records them, so that a
// later run takes the same ones.
import { Failure } from "../failure/failure.ts";
import { AXIS_NAMES, AXIS_ORDER, type Axis, inBrackets, isCalled, type PageChoice } from "../image/chosen-pages.ts";
import type { ImageAxes } from "../image/image-axes.ts";
import { namedPosition } from "../image/image-axes.ts";
import type { FrameSettings } from "./frame.ts";

/** The setting that holds the record. */
export const SERIES = "source_series";

/** Returns the record of a frame; empty if nothing states its axes. */
export function seriesSettings(axes: ImageAxes | undefined): FrameSettings {
  return axes === undefined ? {} : { [SERIES]: JSON.stringify(axes) };
}

/** Returns the axes in a record. */
export function seriesOfRecord(record: string | undefined): ImageAxes | undefined {
  const noted: unknown = JSON.parse(record ?? "null");
  if (typeof noted !== "object" || noted === null) return undefined;
  const value = (key: keyof ImageAxes): unknown => Reflect.get(noted, key);
  const number = (key: Axis) => whole(value(key));
  const [channelName, names] = [value("channelName"), value("positionNames")];
  return {
    ...{ channel: number("channel"), z: number("z"), position: number("position") },
    channelName: isText(channelName) ? channelName : undefined,
    positionNames: Array.isArray(names) ? names.filter(isText) : undefined,
  };
}

const isText = (value: unknown): value is string => typeof value === "string";
const whole = (value: unknown): number | undefined => (Number.isSafeInteger(value) ? Number(value) : undefined);

/**
 * Returns the choice that continues the series of earlier frames: what is not chosen now is as it was. Throws Failure
 * `usage.invalid` if something else is chosen than those frames are of; `nameOf` names the option or setting of an axis.
 */
export function continuedChoice(
  choice: PageChoice,
  before: ImageAxes,
  nameOf: (axis: Axis) => string = (axis) => `--${axis}`,
): PageChoice {
  const other = AXIS_ORDER.find((axis) => !isSameChoice(axis, choice[axis], before));
  if (other !== undefined) {
    const { one } = AXIS_NAMES[other];
    const wanted = typeof choice[other] === "string" ? JSON.stringify(choice[other]) : choice[other];
    throw new Failure(
      "usage.invalid",
      `${nameOf(other)} is ${wanted}, but the frames of this experiment are of ${one} ${shown(other, before)}; an experiment holds one series`,
      {
        hint: `to continue, leave it out; for another ${one}, start a new experiment with \`phorest new NAME\`, or use \`phorest analyse\``,
      },
    );
  }
  const { channel, z, position } = before;
  return { channel: choice.channel ?? channel, z: choice.z ?? z, position: choice.position ?? position };
}

/** Whether a choice, by number or by name, is what earlier frames are of. If nothing is known of them, it is. */
function isSameChoice(axis: Axis, wanted: number | string | undefined, before: ImageAxes): boolean {
  const number = before[axis];
  if (wanted === undefined || number === undefined || wanted === number) return true;
  return (
    typeof wanted === "string" && (isCalled(before.positionNames, wanted) || namedPosition(wanted).number === number)
  );
}

/** "1 (GFP)" */
function shown(axis: Axis, before: ImageAxes): string {
  const names = { channel: [before.channelName ?? []].flat(), z: [], position: before.positionNames ?? [] }[axis];
  return `${before[axis]}${inBrackets(names)}`;
}

/** What a run continues without being asked, for the log: "channel 1 (GFP)"; the first of each is not mentioned. */
export function continuedLine(choice: PageChoice, before: ImageAxes): string | undefined {
  const kept = AXIS_ORDER.filter((axis) => choice[axis] === undefined && (before[axis] ?? 0) > 0);
  if (kept.length === 0) return undefined;
  return `continues with ${kept.map((axis) => `${AXIS_NAMES[axis].one} ${shown(axis, before)}`).join(", ")}, as its frames were taken`;
}
