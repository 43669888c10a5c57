// Reads chip layouts: chips/<type>.toml contains compact layout rules, which this file expands into gratings, labels and ruler
// marks. Micrometres everywhere, origins top-left, y downwards as in an established picture, where glyphs are upside down.
// glyphs.ts contains the outlines of the glyphs. Finding a chip in a picture is not done here.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import * as z from "zod";
import { Failure } from "../failure/failure.ts";
import { refuseOtherKind } from "../measurement/known-file.ts";
import { isLabel, LABEL_RULE } from "../measurement/label-rules.ts";
import { packageRoot } from "../system/files.ts";
import { DEEPEST_NESTING, depthOf, type GivenKind, readGivenFile } from "../system/given-file.ts";
import { checkChip } from "./check.ts";
import type { Chip, ChipBox, ChipLabel, Grating, GratingHalf } from "./chip.ts";
import { glyphReach } from "./glyphs.ts";

/** Distance from the corner of a chip, micrometres: no chip is larger than a metre. */
const place = z.number().min(-1e6).max(1e6);
const extent = z.number().min(0.01).max(1e6);
const pair = z.tuple([place, place]);
const size = z.tuple([extent, extent]);
const label = z.string().refine(isLabel, LABEL_RULE);
/** Maximum number of texts and repeated parts of a chip. */
const MOST_PARTS = 1000;

/** Maximum number of rows or columns of a lattice; more is a typing error. */
const MOST_ROWS = 200;
/** Maximum number of series, edges and rulers. */
const MOST_SERIES = 20;

const chipRules = z.strictObject({
  type: label,
  auto_locate_gratings: z.boolean(),
  lattice: z.strictObject({
    origin: pair,
    size,
    pitch: pair,
    rows: z.int().positive().max(MOST_ROWS),
    columns: z.int().positive().max(MOST_ROWS),
    odd_row_shift: place.default(0),
    series: z
      .array(
        z.strictObject({ name: z.string().refine((name) => name === "" || isLabel(name), LABEL_RULE), shift: place }),
      )
      .max(MOST_SERIES)
      .default([{ name: "", shift: 0 }]),
    reach: pair.optional(),
    missing: z.strictObject({ rows: z.int(), columns: z.int() }).default({ rows: 0, columns: 0 }),
    label,
    halves: z.enum(["rows", "columns"]),
  }),
  font: z.strictObject({ size, pitch: extent }),
  large: z
    .array(z.strictObject({ label, text: label, origin: pair, size }))
    .max(MOST_PARTS)
    .default([]),
  beside: z.strictObject({ shift: pair, text: label }).optional(),
  edges: z
    .array(z.strictObject({ name: label, texts: z.array(label).max(MOST_PARTS), origin: pair, pitch: pair }))
    .max(MOST_SERIES)
    .default([]),
  corners: z
    .array(z.strictObject({ label, around: z.tuple([label, label]), width: extent.optional() }))
    .max(MOST_PARTS)
    .default([]),
  ticks: z
    .array(z.strictObject({ size, first: pair, last: pair }))
    .max(MOST_SERIES)
    .default([]),
});
type ChipRules = z.infer<typeof chipRules>;

/** Micrometres between two ruler marks. */
const TICK_PITCH_UM = 100;

/** Returns the chip types that have a layout file, in name order. */
export function chipTypes(): string[] {
  return readdirSync(join(packageRoot(), "chips"))
    .filter((name) => name.endsWith(".toml"))
    .map((name) => name.slice(0, -".toml".length))
    .sort();
}

/** Returns the layout of a built-in chip. Failure chip.unknown for a type without a file, chip.invalid for an invalid file. */
export function loadChip(type: string): Chip {
  const types = chipTypes();
  if (!types.includes(type)) {
    throw new Failure("chip.unknown", `unknown chip type "${type}"`, { hint: `use one of ${types.join(", ")}` });
  }
  const path = join(packageRoot(), "chips", `${type}.toml`);
  return expandChip(readFileSync(path, "utf8"), path);
}

const KIND: GivenKind = {
  what: "a chip file",
  code: "chip.invalid",
  mostBytes: 1e6,
  hint: "docs/adding-a-chip.md describes the format",
};

/** Returns the layout in the user's own chip file. Failure chip.unknown if it does not exist, chip.invalid if it is invalid. */
export function readChipFile(path: string): Chip {
  refuseOtherKind(path, "chip", KIND.what, KIND.code);
  let text: string;
  try {
    text = readGivenFile(path, KIND).toString("utf8");
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure("chip.unknown", `${path}: the chip file does not exist`, { cause: error });
  }
  return expandChip(text, path);
}

/** Expands layout rules (the text of a chip file). `where` names them in errors. Failure chip.invalid. */
export function expandChip(text: string, where: string): Chip {
  const rules = parseRules(text, where);
  const placed = placeGratings(rules);
  const labels = [...largeLabels(rules), ...adjacentLabels(rules, placed), ...edgeLabels(rules)];
  labels.push(...cornerLabels(rules, labels, where));
  const chip: Chip = {
    type: rules.type,
    autoLocateGratings: rules.auto_locate_gratings,
    halves: rules.lattice.halves,
    gratings: placed.map((one) => one.grating),
    labels,
    ticks: placeTicks(rules, labels),
  };
  checkChip(chip, where);
  return chip;
}

/** Returns the two ROIs of every grating, in the order of the gratings. */
export function gratingHalves(chip: Chip): GratingHalf[] {
  return chip.gratings.flatMap((grating): GratingHalf[] => {
    const { label, x, y, width, height } = grating;
    if (chip.halves === "rows") {
      const half = { x, width, height: height / 2, grating: label };
      return [
        { ...half, label: `${label}_N`, y: y + height / 2, flip: true },
        { ...half, label: `${label}_S`, y, flip: false },
      ];
    }
    const half = { y, height, width: width / 2, grating: label };
    return [
      { ...half, label: `${label}_A`, x, flip: true },
      { ...half, label: `${label}_B`, x: x + width / 2, flip: false },
    ];
  });
}

/** Returns the box around everything printed on the chip, micrometres. */
export function chipExtent(chip: Chip): ChipBox {
  return boxAround([...chip.gratings, ...chip.labels, ...chip.ticks]);
}

function parseRules(text: string, where: string): ChipRules {
  let raw: unknown;
  try {
    raw = parse(text);
  } catch (error) {
    const message = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    throw new Failure("chip.invalid", `${where} is not valid TOML: ${message}`, { cause: error });
  }
  if (depthOf(raw) > DEEPEST_NESTING) {
    throw new Failure(
      "chip.invalid",
      `${where}: nested more than ${DEEPEST_NESTING} levels deep; this is not a chip file`,
    );
  }
  const checked = chipRules.safeParse(raw);
  if (checked.success) return checked.data;
  const issue = checked.error.issues[0];
  throw new Failure(
    "chip.invalid",
    `${where}: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "not a chip layout"}`,
  );
}

interface Placed {
  readonly grating: Grating;
  readonly row: number;
  readonly column: number;
}

function placeGratings(rules: ChipRules): Placed[] {
  const { lattice } = rules;
  const [width, height] = lattice.size;
  const [left, right] = lattice.reach ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const placed: Placed[] = [];
  for (let row = 0; row < lattice.rows; row++) {
    const rowX = lattice.origin[0] + (row % 2) * lattice.odd_row_shift;
    for (const series of lattice.series) {
      for (let column = row < lattice.missing.rows ? lattice.missing.columns : 0; column < lattice.columns; column++) {
        const x = rowX + series.shift + column * lattice.pitch[0];
        if (x < left || x + width > right) continue;
        const label = fill(lattice.label, row, column, { series: series.name });
        placed.push({
          row,
          column,
          grating: { label, x, y: lattice.origin[1] + row * lattice.pitch[1], width, height },
        });
      }
    }
  }
  return placed;
}

/** Puts a grating's row and column (both from 0) into a label pattern. */
function fill(pattern: string, row: number, column: number, more: Readonly<Record<string, string>>): string {
  const values: Readonly<Record<string, string>> = {
    number: String(row * 10 + column).padStart(3, "0"),
    row: String(row + 1),
    column: String(column + 1),
    row_letter: String.fromCharCode(65 + row),
    column_letter: String.fromCharCode(65 + column),
    side: column === 0 ? "L" : "R",
    ...more,
  };
  return pattern.replace(/\{(\w+)\}/g, (hole, name: string) => values[name] ?? hole);
}

function largeLabels(rules: ChipRules): ChipLabel[] {
  return rules.large.map(({ label, text, origin: [x, y], size: [width, height] }) => {
    return { label, text, x, y, width, height, pitch: width, characterWidth: width };
  });
}

function adjacentLabels(rules: ChipRules, placed: readonly Placed[]): ChipLabel[] {
  const { beside } = rules;
  if (beside === undefined) return [];
  return placed.map(({ grating, row, column }) => {
    const text = fill(beside.text, row, column, { label: grating.label });
    return printed(rules, grating.label, text, grating.x + beside.shift[0], grating.y + beside.shift[1]);
  });
}

function edgeLabels(rules: ChipRules): ChipLabel[] {
  return rules.edges.flatMap(({ name, texts, origin, pitch }) =>
    texts.map((text, i) => printed(rules, `${text}-${name}`, text, origin[0] + i * pitch[0], origin[1] + i * pitch[1])),
  );
}

function printed(rules: ChipRules, label: string, text: string, x: number, y: number): ChipLabel {
  const { pitch, size: characterSize } = rules.font;
  const [characterWidth, height] = characterSize;
  const width = Math.round(pitch * (text.length - 1) + characterWidth * glyphReach(text.at(-1) ?? ""));
  return { label, text, x, y, width, height, pitch, characterWidth };
}

function cornerLabels(rules: ChipRules, labels: readonly ChipLabel[], where: string): ChipLabel[] {
  return rules.corners.map((corner) => {
    const boxes = corner.around.map((name) => {
      const found = labels.find((label) => label.label === name);
      if (found === undefined) throw new Failure("chip.invalid", `${where}: corner ${corner.label}: no label ${name}`);
      return found;
    });
    const box = boxAround(boxes);
    return { ...box, width: corner.width ?? box.width, label: corner.label, text: "", pitch: 0, characterWidth: 0 };
  });
}

function placeTicks(rules: ChipRules, labels: readonly ChipLabel[]): ChipBox[] {
  const printedLabels = labels.filter((label) => label.text !== "");
  return rules.ticks.flatMap(({ size: [width, height], first, last }) => {
    const steps = Math.round(Math.hypot(last[0] - first[0], last[1] - first[1]) / TICK_PITCH_UM);
    return Array.from({ length: steps + 1 }, (_, i) => {
      const x = first[0] + ((last[0] - first[0]) * i) / steps - width / 2;
      const y = first[1] + ((last[1] - first[1]) * i) / steps - height / 2;
      return { x, y, width, height };
    }).filter((tick) => !printedLabels.some((label) => overlap(tick, label)));
  });
}

function overlap(a: ChipBox, b: ChipBox): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function boxAround(boxes: readonly ChipBox[]): ChipBox {
  const x = Math.min(...boxes.map((box) => box.x));
  const y = Math.min(...boxes.map((box) => box.y));
  const width = Math.max(...boxes.map((box) => box.x + box.width)) - x;
  const height = Math.max(...boxes.map((box) => box.y + box.height)) - y;
  return { x, y, width, height };
}
