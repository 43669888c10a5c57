// What a plot is called; apart from the drawing, whose libraries take half a second to load.
import { experimentName } from "../config/identity.ts";
import type { Config } from "../config/schema.ts";

/** The title of an experiment's plot. */
export function plotTitle(config: Pick<Config, "Experiment" | "Paths">): string {
  const named = [experimentName(config), config.Experiment.sample ?? ""].filter((text) => text !== "");
  return ["Resonance positions", ...named].join(", ");
}
