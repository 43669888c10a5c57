// The settings of the simulated chip: section [Simulation].
import * as z from "zod";
import { choice, field, optionalText, positive, section, texts, whole } from "./field.ts";

/** Camera profiles for images of the simulated chip; src/simulator/camera-profiles.ts has their properties. */
export const PROFILES = ["ideal", "pi64", "scientific"] as const;
export type ProfileName = (typeof PROFILES)[number];

/** Bits per pixel that each profile supports, the usual one first. */
export const PROFILE_BITS: Readonly<Record<ProfileName, readonly (8 | 16)[]>> = {
  ideal: [8, 16],
  pi64: [8],
  scientific: [16],
};

/** Shapes of the simulated resonance bands. */
export const SIMULATED_LINES = ["gaussian", "fano", "lorentzian"] as const;
export type SimulatedLine = (typeof SIMULATED_LINES)[number];

const CHIP_TYPES = ["IMEC-I", "IMECII_2", "IMECII_3", "IMECII_4"] as const;
const PROFILES_OWN = "the profile's";

export const Simulation = section("The simulated chip (camera_type simulated)", {
  chip_type: field(choice(CHIP_TYPES).default("IMECII_2"), "Layout of gratings and labels"),
  profile: field(
    choice(PROFILES).default("ideal"),
    "The camera: ideal (linear, 8 bits), pi64 (64-megapixel Raspberry Pi: black cut off at 0, noise removal, JPEG) or scientific (12 bits in 16, pedestal of 100)",
  ),
  line: field(choice(SIMULATED_LINES).default("gaussian"), "Shape of the resonance bands"),
  texture: field(
    texts().default([]),
    "Image files of measured ROIs, whose speckle is used for the simulated ROIs; an empty list draws random speckle",
    { relativeTo: "file" },
  ),
  width: field(whole(64, 32_768).default(1920), "Width of the image", { unit: "px" }),
  height: field(whole(64, 32_768).default(1460), "Height of the image", { unit: "px" }),
  bit_depth: field(z.literal([8, 16]).optional(), "Bits per pixel; pi64 has 8, scientific 16, ideal either", {
    none: `${PROFILES_OWN}; 8 for ideal`,
    example: 16,
  }),
  px_per_um: field(z.number().min(0.001).max(100).optional(), "Scale of the image", {
    unit: "px per micrometre",
    none: "1.41 for pi64, else 0.724",
    example: 0.724,
  }),
  seed: field(whole(0, 4_294_967_295).default(1), "Seed of the random numbers; the same seed gives the same images"),
  angle_degrees: field(z.number().min(-45).max(45).default(0.3), "Rotation of the chip in the image", {
    unit: "degrees",
  }),
  drift_px_per_hour: field(z.number().default(0), "Movement of the chip in the image", { unit: "px per hour" }),
  assay: field(
    optionalText(),
    "Injections and what they do to the gratings: binding, ethanol, or a TOML file that describes them. It takes the place of binding_shift_px and binding_time_seconds",
    {
      relativeTo: "file",
      words: ["binding", "ethanol"],
      none: "one sample again and again",
      example: "binding",
    },
  ),
  binding_shift_px: field(z.number().default(4), "Shift of a resonance when binding is complete", { unit: "px" }),
  binding_time_seconds: field(positive().default(20), "Time constant of the binding curve", { unit: "seconds" }),
  speckle: field(z.number().min(0).max(1).optional(), "Contrast of the speckle: standard deviation divided by mean", {
    none: PROFILES_OWN,
    example: 0.12,
  }),
  read_noise_counts: field(z.number().min(0).optional(), "Read noise, standard deviation", {
    unit: "counts of the camera",
    none: PROFILES_OWN,
    example: 1.5,
  }),
  electrons_per_count: field(positive().optional(), "Electrons per count, which sets the shot noise", {
    unit: "electrons per count of the camera",
    none: PROFILES_OWN,
    example: 60,
  }),
  dust: field(whole(0, 10_000).optional(), "Number of dust grains", { none: PROFILES_OWN, example: 20 }),
});
