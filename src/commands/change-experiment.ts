// Changes an experiment's markers, baseline and injections: through the active run if there is one, otherwise directly.
import { join } from "node:path";
import type { Config } from "../config/schema.ts";
import { type ExperimentChange, changeExperiment as makeChange } from "../manifest/experiment-change.ts";
import { experimentHolder, lockExperiment } from "../manifest/lock.ts";
import { MANIFEST_FILENAME, Manifest } from "../manifest/manifest.ts";
import { wallClockUs } from "../system/clock.ts";
import { injectionRequest } from "../web/injection-queries.ts";
import { askRun, type Request } from "../web/run-client.ts";
import { openStored } from "./stored-experiment.ts";

/** Makes a change; throws a Failure, with nothing changed, if it cannot be made. */
export async function changeExperiment(config: Config, change: ExperimentChange): Promise<void> {
  // Opened first, so that nothing is created if there is no experiment.
  openStored(config).close();
  const dataDir = config.Paths.data_dir;
  const holder = experimentHolder(dataDir);
  if (holder !== undefined) return askRun(holder, config.Paths.root_dir, requestFor(change));
  const lock = lockExperiment(dataDir);
  try {
    const manifest = Manifest.open({ file: join(dataDir, MANIFEST_FILENAME) });
    try {
      makeChange(manifest, change, wallClockUs());
    } finally {
      manifest.close();
    }
  } finally {
    lock.release();
  }
}

/** Returns the request of the HTTP API (src/web/route-table.ts) for a change. */
function requestFor(change: ExperimentChange): Request {
  const ms = (us: number) => us / 1000;
  switch (change.type) {
    case "add-markers": {
      const markers = change.markers.map(({ atUs, text }) => ({ at: ms(atUs), text }));
      return { method: "POST", path: "/api/markers/import", body: { markers } };
    }
    case "edit-marker": {
      const { markerId, atUs, text } = change;
      const at = atUs === undefined ? undefined : ms(atUs);
      return { method: "PUT", path: `/api/markers/${markerId}`, body: { at, text } };
    }
    case "remove-marker":
      return { method: "DELETE", path: `/api/markers/${change.markerId}` };
    case "set-baseline":
      return { method: "PUT", path: "/api/baseline", body: { from: ms(change.fromUs), to: ms(change.toUs) } };
    case "forget-baseline":
      return { method: "DELETE", path: "/api/baseline" };
    case "add-injections": {
      const injections = change.injections.map(injectionRequest);
      return { method: "POST", path: "/api/injections/import", body: { injections, author: change.author } };
    }
    case "edit-injection": {
      const { injectionId, author, values } = change;
      return { method: "PUT", path: `/api/injections/${injectionId}`, body: { ...injectionRequest(values), author } };
    }
    case "remove-injection": {
      const author = encodeURIComponent(change.author);
      return { method: "DELETE", path: `/api/injections/${change.injectionId}?author=${author}` };
    }
  }
}
