// Checks of what is attached and what is to be reached: camera, thermometers, remote share, OPC UA server.
import { fork } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { RemoteInspection } from "../archive/remote.ts";
import { createSource, sourceSettings } from "../cameras/camera.ts";
import { encodeFailure, failureLine } from "../failure/failure.ts";
import { sharpnessOf } from "../image/focus.ts";
import { experimentHolder } from "../manifest/lock.ts";
import { probe } from "../outputs/opcua/probe.ts";
import { createThermometers, readThermometer, thermometerSettings } from "../sensors/thermometer.ts";
import { withDeadline } from "../system/deadline.ts";
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
      const { saturated } = sharpnessOf(picture, Camera.bits);
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

/** A share that answers later than this would hold the syncer up as well. */
const LOOK_MS = 15_000;

export const remote: Check = {
  name: "remote share",
  run: async ({ Services, Paths }) => {
    if (!Services.enable_remote_sync) return off("Services.enable_remote_sync is false");
    return remoteFinding(Paths.remote_root_dir);
  },
};

/** What the syncer would find in `directory`. Asked in a process of its own, which is ended when the share hangs. */
export async function remoteFinding(directory: string): Promise<Finding> {
  const compiled = import.meta.url.endsWith(".js");
  const look = fork(fileURLToPath(new URL(`../../workers/remote-look.${compiled ? "js" : "ts"}`, import.meta.url)), {
    execArgv: compiled ? [] : ["--import", import.meta.resolve("tsx")],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const answer = new Promise<Finding>((resolve, reject) => {
    look.once("message", (message) => {
      const { state, words, cure } = message as RemoteInspection;
      resolve(state === "ready" ? good(words) : bad(words, cure));
    });
    look.once("error", reject);
    look.once("exit", (code) => reject(new Error(`${directory} could not be looked at: the look ended with ${code}`)));
    look.send(directory);
  });
  const late = () => new Error(`${directory} gives no answer: the share hangs`);
  try {
    return await withDeadline(answer, LOOK_MS, late);
  } catch (error) {
    return bad(failureLine(error), "bring its server or network back, then mount it again");
  } finally {
    look.kill("SIGKILL");
    look.unref();
  }
}

const CONNECT_MS = 3000;

export const opcUa: Check = {
  name: "OPC UA",
  run: async (config) => {
    if (!config.Communication.method.includes("OPC_UA")) return off("Communication.method does not name OPC_UA");
    const { endpoint_url: endpoint } = config.OPC_UA;
    if (endpoint === undefined) return bad("OPC_UA.endpoint_url is missing", "name it in the configuration");
    return endpointFinding(endpoint);
  },
};

/** Whether something listens at an opc.tcp address; the protocol itself is the output's business. */
export async function endpointFinding(endpoint: string): Promise<Finding> {
  try {
    await probe(endpoint, CONNECT_MS);
    return good(`${endpoint} answers; \`phorest opcua check\` tells more`);
  } catch (error) {
    const { message, hint } = encodeFailure(error);
    return bad(message, `${hint === undefined ? "" : `${hint}; `}results wait until it answers`);
  }
}
