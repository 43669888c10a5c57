// The page's thread: HTTP requests in, JSON and pictures out. It reads the experiment's files through its own connection;
// changes are requested from the supervisor. Nothing here can delay capture.
import { parentPort } from "node:worker_threads";
import { decodeFailure, encodeFailure, type FailureData } from "../failure/failure.ts";
import type { LogLevel } from "../log/levels.ts";
import { lowerPriority } from "../threads/priority.ts";
import type { Change, FromWeb, ToWeb, WebSettings } from "./messages.ts";
import { openPage, type Page } from "./page.ts";

const port = parentPort;
if (port === null) throw new Error("this file runs as a worker of the supervisor");
const post = (message: FromWeb) => port.postMessage(message);

interface Asked {
  resolve(): void;
  reject(error: Error): void;
}
const asked = new Map<number, Asked>();
let lastId = 0;

/** Asks the supervisor for a change; rejects with its Failure. The supervisor answers within one turn of its event loop. */
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

async function open(settings: WebSettings): Promise<Page> {
  lowerPriority();
  const log = (level: LogLevel, message: string) => post({ type: "log", level, message });
  const opened = await openPage(settings, { port: settings.config.Web.port, log, change });
  post({ type: "listening", address: opened.address });
  return opened;
}

let page: Promise<Page | undefined> = Promise.resolve(undefined);

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
