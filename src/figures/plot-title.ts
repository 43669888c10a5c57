// What a plot is called; apart from the drawing, whose libraries take half a second to load.
import { experimentName } from "../config/identity.ts";
import type { Config } from "../config/schema.ts";

/** Name and sample of an experiment. */
export function experimentTitle(config: Pick<Config, "Experiment" | "Paths">): string {
  return [experimentName(config), config.Experiment.sample ?? ""].filter((text) => text !== "").join(", ");
}

/** The title of an experiment's plot. */
export function plotTitle(config: Pick<Config, "Experiment" | "Paths">): string {
  const named = experimentTitle(config);
  return named === "" ? "Resonance positions" : `Resonance positions, ${named}`;
}
