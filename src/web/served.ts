// What the addresses of the page are answered from.
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
  /** Throws a Failure when the change was not made. */
  change(change: Change): Promise<void>;
  /** For the log of what went wrong inside. */
  complain(message: string): void;
}

export type Env = { Bindings: HttpBindings };
