// Builds plot titles. It is separate from the drawing code, whose libraries take half a second to load.
import { experimentName } from "../config/identity.ts";
import type { Config } from "../config/schema.ts";

/** Returns name and sample of an experiment. */
export function experimentTitle(config: Pick<Config, "Experiment" | "Paths">): string {
  return [experimentName(config), config.Experiment.sample ?? ""].filter((text) => text !== "").join(", ");
}

/** Returns the title of an experiment's plot. */
export function plotTitle(config: Pick<Config, "Experiment" | "Paths">): string {
  const named = experimentTitle(config);
  return named === "" ? "Resonance positions" : `Resonance positions, ${named}`;
}
