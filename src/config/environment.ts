// What the environment decides instead of the configuration: where the page is served. A container sets it, because an address of
// its own network is nothing that belongs into an experiment's file.
import { Failure } from "../failure/failure.ts";
import { quoted } from "../failure/quote.ts";
import { HOST_RULE, isHost } from "../system/host-name.ts";
import type { Loaded } from "./loaded.ts";

const WEB_HOST = "PHOREST_WEB_HOST";

/** The settings with those of the environment in place of the file's. Throws Failure config.invalid for what cannot be one. */
export function withEnvironment(loaded: Loaded, env: NodeJS.ProcessEnv): Loaded {
  const host = env[WEB_HOST] ?? "";
  if (host === "") return loaded;
  if (!isHost(host)) throw new Failure("config.invalid", `${WEB_HOST} = ${quoted(host)}: ${HOST_RULE}`);
  const { config, origins } = loaded;
  return {
    ...loaded,
    config: Object.freeze({ ...config, Web: Object.freeze({ ...config.Web, host }) }),
    origins: new Map([...origins, ["Web.host", { kind: "environment", variable: WEB_HOST }]]),
  };
}
