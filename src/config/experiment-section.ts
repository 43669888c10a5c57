// The section [Experiment]: the user's description of the experiment.
import * as z from "zod";
import { field, line, section } from "./field.ts";

const LONGEST_TEXT = 200;
const LONGEST_NOTE = 2000;
const MOST = 64;

/** An empty text counts as absent. */
const optionalLine = (longest: number) =>
  z.preprocess(
    (given) => (typeof given === "string" && given.trim() === "" ? undefined : given),
    line(longest).optional(),
  );

const NONE = { none: "nothing" };

export const Experiment = section("What the experiment is; shown on the page, in plots, reports and exports", {
  name: field(optionalLine(LONGEST_TEXT).optional(), "Name of the experiment", {
    none: "the name of the directory",
    example: "antibody titration",
  }),
  sample: field(optionalLine(LONGEST_TEXT).optional(), "What is measured, such as the chip and its coating", {
    ...NONE,
    example: "chip 12, anti-CRP",
  }),
  operator: field(optionalLine(LONGEST_TEXT).optional(), "Who does the experiment", {
    ...NONE,
    example: "A. Lovelace",
  }),
  analytes: field(
    z
      .preprocess(
        (given) => (typeof given === "string" ? [given] : given),
        z.array(line(LONGEST_TEXT)).max(MOST).readonly(),
      )
      .default([]),
    "What is injected",
    { example: ["CRP", "PBS"] },
  ),
  note: field(optionalLine(LONGEST_NOTE).optional(), "Anything else worth knowing", { ...NONE, example: "second run" }),
});
