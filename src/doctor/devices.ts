// Checks of what is attached and what is to be reached: camera, thermometers, remote share, OPC UA server.
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { Config } from "../config/schema.ts";
import { failureLine } from "../failure.ts";
import { createSource, sourceSettings } from "../frame/camera.ts";
import { sharpnessOf } from "../frame/sharpness.ts";
import { createThermometers, readThermometer, thermometerSettings } from "../frame/thermometer.ts";
import { experimentHolder } from "../manifest/lock.ts";
import { bad, type Check, doubt, type Finding, good, off } from "./check.ts";

export const camera: Check = {
  name: "camera",
  run: async (config) => {
    const { Services, Camera, Paths } = config;
    if (!Services.enable_camera) return off("Services.enable_camera is false");
    const holder = existsSync(Paths.data_dir) ? experimentHolder(Paths.data_dir) : undefined;
    if (holder !== undefined)
      return off(`in use by \`phorest run\` (process ${holder.pid}); \`phorest status\` tells more`);
    const source = createSource(sourceSettings(config));
    try {
      await source.open();
      const startedMs = performance.now();
      const frame = await source.capture(AbortSignal.timeout(Camera.timeout_seconds * 1000));
      const tookMs = performance.now() - startedMs;
      if (frame === null) return good(`${Camera.camera_type}: ready, nothing new`);
      const picture = frame.picture ?? frame.encoded?.picture;
      if (picture === undefined) return good(`${Camera.camera_type}: ready`);
      const { width, height, bitDepth } = picture;
      const found = `${Camera.camera_type}: ${width}x${height}, ${bitDepth} bits in ${(tookMs / 1000).toFixed(1)} s`;
      const { saturated } = sharpnessOf(picture);
      return [
        tookMs > config.Timing.collector_interval_seconds * 1000
          ? doubt(found, "longer than Timing.collector_interval_seconds: captures will be missed")
          : good(found),
        ...frame.warnings.map((line) => doubt(line, "correct the setting; `phorest cameras` lists ranges")),
        ...(saturated > 0.01
          ? [doubt(`${(100 * saturated).toFixed(0)} % of the picture is saturated`, "lower Camera.camera_exposure")]
          : []),
      ];
    } catch (error) {
      return bad(failureLine(error), "`phorest cameras` lists what is attached");
    } finally {
      await source.close();
    }
  },
};

export const sensors: Check = {
  name: "thermometers",
  run: async (config) => {
    if (!config.Services.enable_thermocouple) return off("Services.enable_thermocouple is false");
    const thermometers = createThermometers(thermometerSettings(config));
    if (thermometers.length === 0) return doubt("none is named in [Temperature]", "`phorest sensors` gives the lines");
    const { signal } = new AbortController();
    const readings = await Promise.all(thermometers.map((thermometer) => readThermometer(thermometer, signal)));
    return readings.map(({ sensor, value, unit, error }) =>
      error === undefined
        ? good(`${sensor}: ${value} ${unit}`)
        : bad(error, "check its wires; `phorest sensors` lists those that answer"),
    );
  },
};

/** The file that makes a directory a remote root. */
const MARKER = "phorest-remote.json";

export const remote: Check = {
  name: "remote share",
  run: async ({ Services, Paths }) => {
    if (!Services.enable_remote_sync) return off("Services.enable_remote_sync is false");
    return remoteFinding(Paths.remote_root_dir);
  },
};

/** Whether `directory` is a remote root: there, and with its marker. */
export function remoteFinding(directory: string): Finding {
  if (!existsSync(directory)) return bad(`${directory} is not there`, "mount the share; files wait until then");
  if (existsSync(join(directory, MARKER))) return good(`${directory} is there and marked`);
  return bad(
    `${directory} has no marker file: the share is not mounted, or new`,
    "mount it; for a new one: `phorest init-remote`",
  );
}

const CONNECT_MS = 3000;

export const opcUa: Check = {
  name: "OPC UA",
  run: async (config) => {
    if (!config.Communication.method.includes("OPC_UA")) return off("Communication.method does not name OPC_UA");
    const endpoint = endpointOf(config);
    if (endpoint === undefined) return bad("no endpoint is configured", "name it in the configuration");
    return endpointFinding(endpoint);
  },
};

/** The first opc.tcp address in the configuration, under whatever key the output keeps it. */
function endpointOf(config: Config): string | undefined {
  return /"(opc\.tcp:\/\/[^"]+)"/.exec(JSON.stringify(config))?.[1];
}

/** Whether something listens at an opc.tcp address; the protocol itself is the output's business. */
export async function endpointFinding(endpoint: string): Promise<Finding> {
  const { hostname, port } = new URL(endpoint.replace(/^opc\.tcp:/, "http:"));
  const reason = await new Promise<string | undefined>((resolve) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 4840), timeout: CONNECT_MS });
    const done = (why: string | undefined) => {
      socket.destroy();
      resolve(why);
    };
    socket.once("connect", () => done(undefined));
    socket.once("timeout", () => done(`no answer within ${CONNECT_MS / 1000} s`));
    socket.once("error", (error) => done(error.message));
  });
  if (reason === undefined) return good(`${endpoint} answers`);
  return bad(`${endpoint}: ${reason}`, "check address, server and firewall; results wait until then");
}
