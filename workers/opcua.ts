// The OPC UA output's thread: results to the plant's server. It reads the manifest through its own read-only connection;
// how far the server has got is committed by the supervisor.
import { Manifest } from "../src/manifest/manifest.ts";
import { PlantDelivery } from "../src/opcua/delivery.ts";
import type { OpcUaAnswer, OpcUaJob, OpcUaThreadSettings } from "../src/supervisor/messages.ts";
import { type Log, type Station, serve } from "./host.ts";
import { lowerPriority } from "./priority.ts";

async function open(settings: OpcUaThreadSettings, log: Log): Promise<Station<OpcUaJob, OpcUaAnswer>> {
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

serve<OpcUaThreadSettings, OpcUaJob, OpcUaAnswer>(open);
