// The page's thread: HTTP in, JSON and pictures out. It reads the experiment's files through a connection of its own; what
// is to be changed is asked of the supervisor. Nothing that happens here can hold up capture.
import { parentPort } from "node:worker_threads";
import { decodeFailure, encodeFailure, type FailureData } from "../failure/failure.ts";
import type { LogLevel } from "../log/levels.ts";
import { lowerPriority } from "../threads/priority.ts";
import { loadAssets } from "./assets.ts";
import { CalibrationSession } from "./calibration-session.ts";
import { Experiment } from "./experiment.ts";
import { Live } from "./live.ts";
import type { Change, FromWeb, ToWeb, WebSettings } from "./messages.ts";
import { end, listen } from "./server.ts";

const port = parentPort;
if (port === null) throw new Error("this file runs as a worker of the supervisor");
const post = (message: FromWeb) => port.postMessage(message);

interface Asked {
  resolve(): void;
  reject(error: Error): void;
}
const asked = new Map<number, Asked>();
let lastId = 0;

/** Asks the supervisor for a change; rejects with its Failure. Its answer comes within one turn of its event loop. */
function change(wanted: Change): Promise<void> {
  lastId += 1;
  const id = lastId;
  return new Promise((resolve, reject) => {
    asked.set(id, { resolve, reject });
    post({ type: "change", id, change: wanted });
  });
}

function settle(id: number, failure: FailureData | undefined): void {
  const waiting = asked.get(id);
  asked.delete(id);
  if (failure === undefined) waiting?.resolve();
  else waiting?.reject(decodeFailure(failure));
}

interface Open {
  readonly experiment: Experiment;
  readonly live: Live;
  close(): Promise<void>;
}

async function open({ config, token, ...settings }: WebSettings): Promise<Open> {
  lowerPriority();
  const { host, port: wanted } = config.Web;
  const assets = loadAssets();
  const log = (level: LogLevel, message: string) => post({ type: "log", level, message });
  const experiment = Experiment.open({ config, token, ...settings }, log);
  try {
    const live = new Live(() => experiment.state());
    const complain = (message: string) => log("warn", message);
    const calibrating = new CalibrationSession(config, log);
    const logsDir = config.Paths.logs_dir;
    const served = { host, token, assets, experiment, live, calibrating, logsDir, change, complain };
    const { server, address } = await listen(served, wanted);
    post({ type: "listening", address });
    const close = async () => {
      live.close();
      await end(server);
      await calibrating.close();
      await experiment.close();
    };
    return { experiment, live, close };
  } catch (error) {
    await experiment.close();
    throw error;
  }
}

let page: Promise<Open | undefined> = Promise.resolve(undefined);

async function look({ nextCaptureMs, brightfield }: Extract<ToWeb, { type: "look" }>): Promise<void> {
  const opened = await page;
  if (opened === undefined) return;
  opened.experiment.nextCaptureMs = nextCaptureMs;
  opened.experiment.brightfield = brightfield;
  opened.live.look();
}

async function shut(): Promise<void> {
  await (await page)?.close();
  post({ type: "closed" });
  port?.close();
}

port.on("message", (message: ToWeb) => {
  switch (message.type) {
    case "open":
      page = open(message.settings).catch((error: unknown) => {
        post({ type: "refused", failure: encodeFailure(error) });
        return undefined;
      });
      return;
    case "look":
      void look(message);
      return;
    case "changed":
      settle(message.id, message.failure);
      return;
    case "close":
      void shut();
      return;
    default:
      message satisfies never;
  }
});
