import { createSource, type SourceContext, sourceSettings } from "../../src/cameras/camera.ts";
import type { Source } from "../../src/cameras/frame.ts";
import { loadConfig } from "../../src/config/config.ts";
import type { Config } from "../../src/config/schema.ts";

/** Camera settings of a test; all others have their defaults. */
export interface TestCamera {
  readonly camera: Partial<Config["Camera"]>;
  /** Settings of other sections, for example of one that belongs to this camera. */
  readonly sections?: { readonly [Section in Exclude<keyof Config, "Camera">]?: Partial<Config[Section]> };
  readonly startedAtUs?: number;
}

/** Creates the source of a camera in the way the collector does from the configuration. */
export function sourceOf({ camera, sections = {}, startedAtUs }: TestCamera, context?: SourceContext): Source {
  const { config } = loadConfig(undefined);
  const given = { ...sections, Camera: camera };
  const changed = Object.fromEntries(
    Object.entries(config).map(([name, usual]) => [name, { ...usual, ...given[name as keyof Config] }]),
  ) as Config;
  return createSource(sourceSettings(changed, startedAtUs), context);
}
