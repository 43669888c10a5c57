// The documents that are generated from tables of the code, by their paths.
import { metricsMarkdown } from "./metrics.ts";
import { openApi } from "./openapi.ts";

/** What each file must contain. */
export const GENERATED: Readonly<Record<string, () => string>> = {
  "docs/openapi.json": () => `${JSON.stringify(openApi(), undefined, 2)}\n`,
  "docs/metrics.md": metricsMarkdown,
};
