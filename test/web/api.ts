// docs/openapi.json as the tests of the HTTP API read it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { OpenApi, OperationObject } from "../../scripts/docs/openapi.ts";
import { packageRoot } from "../../src/system/files.ts";

/** A file of the repository. */
export const committed = (path: string): string => readFileSync(join(packageRoot(), path), "utf8");

export const document = JSON.parse(committed("docs/openapi.json")) as OpenApi;

export interface Operation extends OperationObject {
  readonly method: string;
  readonly path: string;
}

export const operations: readonly Operation[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ ...operation, method: method.toUpperCase(), path })),
);
