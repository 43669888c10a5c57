// The page of one experiment: its data source and its HTTP server.
import type { LogLevel } from "../log/levels.ts";
import { loadAssets } from "./assets.ts";
import { CalibrationSession } from "./calibration-session.ts";
import { Evaluator } from "./evaluator.ts";
import { Experiment } from "./experiment.ts";
import { Live } from "./live.ts";
import type { Change, WebSettings } from "./messages.ts";
import { end, listen } from "./server.ts";

export interface Page {
  readonly address: string;
  readonly experiment: Experiment;
  /** Call it when something is new. */
  readonly live: Live;
  close(): Promise<void>;
}

export interface PageOptions {
  /** Port to listen on; 0: any free port. */
  readonly port: number;
  log(level: LogLevel, message: string): void;
  /** Throws a Failure if the change was not made. */
  change(change: Change): Promise<void>;
}

/** Serves the page until it is closed. Throws a Failure if the experiment cannot be read, or the address cannot be used. */
export async function openPage(settings: WebSettings, { port, log, change }: PageOptions): Promise<Page> {
  const { config, token } = settings;
  const assets = loadAssets();
  const experiment = Experiment.open(settings, log);
  try {
    const live = new Live(() => experiment.state());
    const calibrating = new CalibrationSession(config, log);
    const evaluator = new Evaluator({ config, manifestFile: settings.manifestFile }, log);
    const served = {
      host: config.Web.host,
      token,
      assets,
      experiment,
      live,
      calibrating,
      evaluator,
      logsDir: config.Paths.logs_dir,
      change,
      complain: (message: string) => log("warn", message),
    };
    const { server, address } = await listen(served, port);
    const close = async () => {
      live.close();
      await end(server);
      await calibrating.close();
      await evaluator.close();
      await experiment.close();
    };
    return { address, experiment, live, close };
  } catch (error) {
    await experiment.close();
    throw error;
  }
}
