// Feature_locations.toml: which printed labels calibration looks for, and their approximate places in the image.
import * as z from "zod";
import { Failure } from "../failure/failure.ts";
import { isLabel, LABEL_RULE } from "../measurement/label-rules.ts";
import { field } from "./field.ts";
import { schemaNode } from "./schema-tree.ts";
import { parseToml, readToml, shownPath } from "./toml-file.ts";
import { problemLines } from "./validation-error.ts";

/** Far beyond the border of any image, px. */
const place = z.number().min(-1e6).max(1e6);

const FEATURE = z.strictObject({
  label: field(z.string().refine(isLabel, LABEL_RULE), "The label as printed, such as D-Left", {
    allowed: 'a label such as "D-Left"',
  }),
  feature_location: field(z.tuple([place, place]), "Approximate position of the top left corner of the label", {
    allowed: "[x, y], the approximate position of the top left corner of the label in px",
  }),
});

const FEATURE_LOCATIONS = z.strictObject({
  chip_type: field(z.string().refine(isLabel, LABEL_RULE), "Layout of the chip", {
    allowed: 'a chip type such as "IMECII_2"',
  }),
  features: field(
    z.array(FEATURE).refine((list) => list.length >= 2, "at least two features are needed to find angle and scale"),
    "The labels to look for",
    { allowed: "at least two [[features]] tables with label and feature_location" },
  ),
});

export type FeatureLocations = Readonly<z.output<typeof FEATURE_LOCATIONS>>;

/** Reads a feature file. Throws Failure config.invalid with one line for every problem. */
export function loadFeatureLocations(path: string): FeatureLocations {
  const shown = shownPath(path);
  const { table, lines } = parseToml(readToml(path, "features"), shown);
  const parsed = FEATURE_LOCATIONS.safeParse(table);
  if (!parsed.success) {
    const problems = problemLines(parsed.error.issues, { shown, table, lines, root: schemaNode(FEATURE_LOCATIONS) });
    throw new Failure("config.invalid", problems.join("\n"));
  }
  const labels = parsed.data.features.map(({ label }) => label);
  const twice = labels.find((label, at) => labels.indexOf(label) !== at);
  if (twice !== undefined) throw new Failure("config.invalid", `${shown}: label "${twice}" is given twice`);
  return parsed.data;
}
