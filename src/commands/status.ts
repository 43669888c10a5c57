// `phorest status`: the state of a running or stopped experiment, from its files alone.
import { setTimeout as sleep } from "node:timers/promises";
import type { CommandModule } from "yargs";
import { loadConfig } from "../config/config.ts";
import { formatSnapshot, takeSnapshot } from "../supervisor/health.ts";
import type { GlobalOptions } from "./global.ts";
import { LiveBlock } from "./live-block.ts";

interface StatusOptions extends GlobalOptions {
  watch: boolean;
}

const REFRESH_MS = 1000;

export const statusCommand: CommandModule<GlobalOptions, StatusOptions> = {
  command: "status",
  describe: "State of a running or stopped experiment, from its files alone",
  builder: (yargs) =>
    yargs
      .option("watch", { type: "boolean", default: false, describe: "Keep showing it until Ctrl-C" })
      .example("$0 status --watch", "follow an experiment that runs elsewhere on this machine"),
  handler: async ({ config: file, json, watch }) => {
    const { config } = loadConfig(file);
    const read = () => takeSnapshot(config, Date.now() * 1000);
    const block = new LiveBlock(process.stdout);
    for (;;) {
      const snapshot = read();
      if (json) process.stdout.write(`${JSON.stringify(snapshot)}\n`);
      else block.show(formatSnapshot(snapshot));
      if (!watch) return;
      await sleep(REFRESH_MS);
    }
  },
};
