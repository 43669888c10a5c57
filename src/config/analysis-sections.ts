// The sections about measuring and using the results: [Data_Analysis], [Analysis], [Report] and [Development].
import * as z from "zod";
import { BIT_DEPTH_SCALINGS, FANO_SIGNS, JOINT_LINES, METHODS, SAMPLINGS } from "../measurement/method.ts";
import {
  byShownName,
  choice,
  choices,
  field,
  off,
  positive,
  SECONDS,
  seconds,
  section,
  texts,
  whole,
} from "./field.ts";

const companions = choices(["tracking"], { least: 0 });

export const Data_Analysis = section("How an image is measured", {
  method: field(
    choice(METHODS).default("gaussian"),
    "How the position of a resonance is found: row by row, by one line through all rows of an ROI (joint), or as a shift from a reference of the first frames (tracking)",
  ),
  joint_line: field(
    choice(JOINT_LINES).default("auto"),
    "Shape of the line for joint and tracking. auto chooses the one that fits the light of each ROI in its first frame without flags, and keeps it for the analysis",
  ),
  reference_frames: field(
    whole(1, 256).default(16),
    "Number of frames in the tracking reference: the first ones without flags",
  ),
  also: field(
    companions.default([]),
    "What to measure in addition to the method: tracking adds a second position to every result, in columns at the end of the CSV",
  ),
  fano_sign: field(
    choice(FANO_SIGNS).default("canonical"),
    "Signs in the columns of fano: canonical means amplitude >= 0 and gamma > 0, established means those of the established system",
  ),
  number_of_subROIs: field(
    whole(0, 65_535).default(1),
    "Number of rows an ROI is reduced to before fitting; 0 fits every pixel row, as joint and tracking always do",
    {
      simulatedDefault: 10,
    },
  ),
  sampling: field(
    choice(SAMPLINGS).default("precise"),
    "How ROI pixels are interpolated: in full precision, or bit for bit as the established system does",
  ),
  bit_depth_scaling: field(
    choice(BIT_DEPTH_SCALINGS).default("stretch"),
    "How images of more than 8 bits are scaled: stretch scales each to its own range (as established), fixed scales all alike",
  ),
  rois: field(
    texts().default([]),
    "Labels of the ROIs to measure, * for any characters, ? for one; an empty list measures all of the ROI manifest",
  ),
  track_drift: field(
    off(),
    "Whether the ROIs follow the chip when it moves in the image, as measured on its labels; needs sampling precise",
  ),
  workers: field(whole(0, 256).default(0), "Number of measuring threads; 0 means one for each processor core"),
  max_attempts: field(
    whole(1, 100).default(3),
    "Number of times that measuring a frame may crash or take too long, before phorest marks this frame as failed",
  ),
  batch_size: field(whole(1, 1024).default(16), "Number of frames taken from the queue at once"),
  frame_timeout_seconds: field(seconds(120), "Time limit for measuring one frame", SECONDS),
});

export const Analysis = section("Sensorgrams: baseline, references and units", {
  baseline_seconds: field(
    seconds(1800),
    "Longest baseline, from the first frame on; it ends before the first marker or step. Shifts count from its median; noise and drift are measured in it",
    { ...SECONDS, simulatedDefault: 60 },
  ),
  reference_rois: field(
    texts().default([]),
    "Labels of ROIs on which nothing binds, * for any characters; their mean shift is subtracted from all others",
  ),
  sensitivity_px_per_riu: field(
    positive().optional(),
    "How far a resonance moves per change of refractive index, where it was not measured",
    {
      unit: "px per RIU",
      none: "no column in RIU",
      example: 2500,
    },
  ),
  sensitivity_error_px_per_riu: field(positive().optional(), "Standard error of sensitivity_px_per_riu", {
    unit: "px per RIU",
    none: "the sensitivity counts as exact",
    example: 25,
  }),
  pair_form: field(
    choice(["half", "sum"]).default("half"),
    "One curve per grating is half the sum of its two halves, or their sum",
  ),
  groups: field(byShownName(texts()).default({}), "Groups of ROIs: name = labels, * for any characters", {
    none: "grouped by the letters in the names of the gratings",
    example: { Antibody: ["05*A_*", "06*A_*"] },
    allowed: "a table of name = list of labels",
  }),
});

export const Report = section("The plot (results/processed_data_plot)", {
  plot_rois: field(texts().default([]), "Labels of the ROIs to plot, * for any characters; an empty list plots all"),
  plot: field(z.boolean().default(true), "Whether a run draws the plot; `phorest report` draws it in any case"),
  plot_interval_seconds: field(seconds(60), "Shortest time between plots", SECONDS),
});

export const Development = section("For developing the analysis", {
  debug_mode: field(off(), "Whether the results contain the values of every measured row"),
});
