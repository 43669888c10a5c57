// Settings that come from the environment instead of the configuration: the address of the page. A container sets it, because an
// address in its own network does not belong in an experiment's file.
import { Failure } from "../failure/failure.ts";
import { quoted } from "../failure/quote.ts";
import { HOST_RULE, isHost } from "../system/host-name.ts";
import type { Loaded } from "./loaded.ts";

const WEB_HOST = "PHOREST_WEB_HOST";

/** Returns the settings with those of the environment applied. Throws Failure config.invalid for an invalid value. */
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
