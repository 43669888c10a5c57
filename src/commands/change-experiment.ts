// Changes to an experiment's markers and baseline, made by the run if one is active, else directly.
import { join } from "node:path";
import type { Config } from "../config/schema.ts";
import { experimentHolder, lockExperiment } from "../manifest/lock.ts";
import { MANIFEST_FILENAME, Manifest } from "../manifest/manifest.ts";
import type { MarkerChange } from "../manifest/markers.ts";
import { wallClockUs } from "../system/clock.ts";
import { askRun, type Request } from "../web/run-client.ts";
import { openStored } from "./stored-experiment.ts";

/** Makes a change; throws a Failure, and changes nothing, where it cannot be made. */
export async function changeExperiment(config: Config, change: MarkerChange): Promise<void> {
  // Opened first, so that nothing is created if there is no experiment.
  openStored(config).close();
  const dataDir = config.Paths.data_dir;
  const holder = experimentHolder(dataDir);
  if (holder !== undefined) return askRun(holder, config.Paths.root_dir, requestFor(change));
  const lock = lockExperiment(dataDir);
  try {
    const manifest = Manifest.open({ file: join(dataDir, MANIFEST_FILENAME) });
    try {
      manifest.markers.change(change, wallClockUs());
    } finally {
      manifest.close();
    }
  } finally {
    lock.release();
  }
}

/** The request of the HTTP API (src/web/route-table.ts) that asks for a change. */
function requestFor(change: MarkerChange): Request {
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
  }
}
