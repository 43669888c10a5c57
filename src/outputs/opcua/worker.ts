// The OPC UA output's thread: sends results to the plant's server. It reads the manifest through a read-only connection; the
// supervisor commits the cursor.
import { Manifest } from "../../manifest/manifest.ts";
import type { JobHandler, Log } from "../../threads/host-loop.ts";
import { lowerPriority } from "../../threads/priority.ts";
import { PlantDelivery } from "./delivery.ts";
import type { OpcUaAnswer, OpcUaJob, OpcUaThreadSettings } from "./messages.ts";

export async function open(settings: OpcUaThreadSettings, log: Log): Promise<JobHandler<OpcUaJob, OpcUaAnswer>> {
  lowerPriority();
  const manifest = Manifest.open({ file: settings.manifestFile, readonly: true });
  const delivery = new PlantDelivery(settings, manifest, log);
  return {
    run: ({ cursor, alarm }) => delivery.step(cursor, alarm),
    close: async () => {
      await delivery.finish();
      manifest.close();
    },
  };
}
