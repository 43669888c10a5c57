// The HTTP API: every path below /api, and /metrics. The server registers exactly these routes, checks requests against their
// schemas, and docs/openapi.json is generated from this table.
import { CALIBRATION_ROUTES } from "./calibration-routes.ts";
import { EVALUATION_ROUTES } from "./evaluation-routes.ts";
import { EXPERIMENT_ROUTES } from "./experiment-routes.ts";

export const ROUTES = { ...EXPERIMENT_ROUTES, ...EVALUATION_ROUTES, ...CALIBRATION_ROUTES } as const;

export type RouteName = keyof typeof ROUTES;
