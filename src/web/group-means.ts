// The mean curve of each group of ROIs, of all their frames. Read once from the frames' own records, in slices so that the
// page stays quick meanwhile, and then brought up to date with what is new.
import { setImmediate as breathe } from "node:timers/promises";
import type { Manifest } from "../manifest/manifest.ts";
import type { CurveData } from "./decimate.ts";

const SLICE_FRAMES = 64;

export interface GroupMember {
  /** Index in the ROI manifest. */
  readonly roi: number;
  /** Of its baseline, px. */
  readonly level: number;
}

interface Mean {
  readonly members: readonly GroupMember[];
  readonly values: number[];
}

export class GroupMeans {
  readonly #manifest: Pick<Manifest, "curves">;
  readonly #analysisId: number;
  readonly #groups: ReadonlyMap<string, Mean>;
  readonly #times: number[] = [];
  #outcome = 0;
  #reading: Promise<void> | undefined;

  /** `groups`: name to members; members without a baseline must not be among them. */
  constructor(
    manifest: Pick<Manifest, "curves">,
    analysisId: number,
    groups: ReadonlyMap<string, readonly GroupMember[]>,
  ) {
    this.#manifest = manifest;
    this.#analysisId = analysisId;
    this.#groups = new Map([...groups].map(([name, members]) => [name, { members, values: [] }]));
  }

  /** Takes in what is new; calls that come meanwhile wait for the same pass. */
  refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** Mean shift of the sound members in each frame, px, NaN where none has a say; undefined for an unknown group. */
  curve(name: string): (CurveData & { readonly members: number }) | undefined {
    const mean = this.#groups.get(name);
    if (mean === undefined) return undefined;
    const order = Array.from(this.#times.keys());
    const at = (place: number) => this.#times[place] as number;
    if (order.some((place) => place > 0 && at(place) < at(place - 1))) order.sort((a, b) => at(a) - at(b));
    return {
      timesUs: Float64Array.from(order, at),
      values: Float64Array.from(order, (place) => mean.values[place] as number),
      flags: new Uint8Array(order.length),
      members: mean.members.length,
    };
  }

  async #read(): Promise<void> {
    let frames = 0;
    for (const { outcomeId, capturedAtUs, position, flags } of this.#manifest.curves(this.#analysisId, this.#outcome)) {
      this.#times.push(capturedAtUs);
      for (const { members, values } of this.#groups.values()) values.push(meanShift(members, position, flags));
      this.#outcome = outcomeId;
      frames += 1;
      if (frames % SLICE_FRAMES === 0) await breathe();
    }
  }
}

function meanShift(members: readonly GroupMember[], position: Float32Array, flags: Uint8Array): number {
  let sum = 0;
  let count = 0;
  for (const { roi, level } of members) {
    const value = position[roi] as number;
    if (flags[roi] !== 0 || !Number.isFinite(value)) continue;
    sum += value - level;
    count += 1;
  }
  return count > 0 ? sum / count : Number.NaN;
}
