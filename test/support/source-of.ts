import { createSource, type SourceContext, sourceSettings } from "../../src/cameras/camera.ts";
import type { Source } from "../../src/cameras/frame.ts";
import { loadConfig } from "../../src/config/config.ts";
import type { Config } from "../../src/config/schema.ts";

/** What a test says of its camera; everything else is as in a configuration that says nothing. */
export interface TestCamera {
  readonly camera: Partial<Config["Camera"]>;
  readonly simulation?: Partial<Config["Simulation"]>;
  readonly dataDir?: string;
  readonly startedAtUs?: number;
}

/** The source of a camera, as the collector makes it from the configuration. */
export function sourceOf({ camera, simulation, dataDir, startedAtUs }: TestCamera, context?: SourceContext): Source {
  const { config } = loadConfig(undefined);
  const usual = sourceSettings(config, startedAtUs);
  return createSource(
    {
      ...usual,
      camera: { ...usual.camera, ...camera },
      simulation: { ...usual.simulation, ...simulation },
      dataDir: dataDir ?? usual.dataDir,
    },
    context,
  );
}
