// The documents that are generated from tables in the code, by path.
import { metricsMarkdown } from "./metrics.ts";
import { openApi } from "./openapi.ts";

/** Functions that return the content of each file. */
export const GENERATED: Readonly<Record<string, () => string>> = {
  "docs/openapi.json": () => `${JSON.stringify(openApi(), undefined, 2)}\n`,
  "docs/metrics.md": metricsMarkdown,
};
