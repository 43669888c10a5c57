// The data and functions that the page's routes use.
import type { HttpBindings } from "@hono/node-server";
import type { Asset } from "./assets.ts";
import type { CalibrationSession } from "./calibration-session.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Experiment } from "./experiment.ts";
import type { Live } from "./live.ts";
import type { Change } from "./messages.ts";

export interface Served {
  readonly host: string;
  readonly token: string;
  readonly assets: ReadonlyMap<string, Asset>;
  readonly experiment: Experiment;
  readonly live: Live;
  readonly evaluator: Evaluator;
  readonly calibrating: CalibrationSession;
  readonly logsDir: string;
  /** Throws a Failure if the change was not made. */
  change(change: Change): Promise<void>;
  /** Logs an internal error. */
  complain(message: string): void;
}

export type Env = { Bindings: HttpBindings };
