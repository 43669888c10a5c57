// Reads chips in the format of existing installations: one Chip_map.json for all of them, and a directory of label pictures.
import * as z from "zod";
import { Failure } from "../failure/failure.ts";
import { refuseOtherKind } from "../measurement/known-file.ts";
import { isLabel, LABEL_RULE } from "../measurement/label-rules.ts";
import { type GivenKind, parseGivenJson, readGivenFile } from "../system/given-file.ts";
import type { Chip, ChipLabel, Grating } from "./chip.ts";
import { chipTypes, loadChip } from "./layout.ts";

const label = z.string().refine(isLabel, LABEL_RULE);
/** Coordinate on the chip, µm. */
const place = z.number().min(-1e6).max(1e6);
const extent = z.number().min(0.01).max(1e6);
const sized = { label, "x-size": extent, "y-size": extent };
const origin = z.tuple([place, place]);
/** Maximum number of gratings or labels of a chip. */
const MOST = 10_000;
const KIND: GivenKind = {
  what: "a chip map",
  code: "chip.invalid",
  mostBytes: 16e6,
  hint: "use the Chip_map.json of an established installation",
};
const chipMap = z.object({
  chip: z.array(
    z.object({
      chip_type: label,
      auto_locate_grating: z.boolean().default(true),
      labels: z
        .array(z.object({ ...sized, label_origin: origin }))
        .max(MOST)
        .default([]),
      gratings: z
        .array(z.object({ ...sized, grating_origin: origin }))
        .max(MOST)
        .default([]),
    }),
  ),
});
type MapChip = z.infer<typeof chipMap>["chip"][number];

/** Size and pitch of the small characters, µm, if a map does not describe its font. */
const FONT = { width: 57, pitch: 70, height: 80 } as const;

/**
 * Returns the chips of a Chip_map.json that have gratings. Two gratings with the same label (the rows of IMEC-I) are
 * distinguished by L and R. The printed text of a label is the beginning of its name. Failure chip.invalid.
 */
export function readChipMap(path: string): Chip[] {
  refuseOtherKind(path, "chip map", KIND.what, KIND.code);
  let raw: unknown;
  try {
    raw = parseGivenJson(readGivenFile(path, KIND).toString("utf8"), path, KIND);
  } catch (error) {
    if (error instanceof Failure) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new Failure("chip.invalid", `cannot read ${path} as a chip map: ${reason}`, { cause: error });
  }
  const checked = chipMap.safeParse(raw);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw new Failure("chip.invalid", `${path}: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "not a chip map"}`);
  }
  return checked.data.chip.filter(({ gratings }) => gratings.length > 0).map(chipOf);
}

function chipOf(entry: MapChip): Chip {
  const builtIn = chipTypes().includes(entry.chip_type) ? loadChip(entry.chip_type) : undefined;
  return {
    type: entry.chip_type,
    autoLocateGratings: entry.auto_locate_grating,
    halves: entry.chip_type === "IMECII_2" ? "rows" : "columns",
    gratings: apart(
      entry.gratings.map(({ label, "x-size": width, "y-size": height, grating_origin: [x, y] }) => {
        return { label, x, y, width, height };
      }),
    ),
    labels: entry.labels.map(({ label, "x-size": width, "y-size": height, label_origin: [x, y] }): ChipLabel => {
      const known = builtIn?.labels.find((one) => one.label === label);
      if (known !== undefined) return { ...known, x, y, width, height };
      const text = /corner/i.test(label) ? "" : (/^[0-9A-I]{1,2}(?=[-_]|$)/.exec(label)?.[0] ?? "");
      const large = height > 2 * FONT.height;
      return {
        label,
        text,
        x,
        y,
        width,
        height,
        pitch: large ? width : FONT.pitch,
        characterWidth: large ? width : FONT.width,
      };
    }),
    ticks: [],
  };
}

/** Adds L and R to gratings that share a label, from left to right. */
function apart(gratings: readonly Grating[]): Grating[] {
  return gratings.map((grating) => {
    const same = gratings.filter(({ label }) => label === grating.label).sort((a, b) => a.x - b.x);
    if (same.length < 2) return grating;
    if (same.length > 2) throw new Failure("chip.invalid", `grating label ${grating.label} is used more than twice`);
    return { ...grating, label: `${grating.label}${same[0] === grating ? "L" : "R"}` };
  });
}
