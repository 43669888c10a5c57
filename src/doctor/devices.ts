// Checks of devices and servers: camera, thermometers, share, OPC UA server.
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
import { workerFile } from "../threads/worker-handle.ts";
import { bad, type Check, doubt, type Finding, good, off } from "./check.ts";

export const camera: Check = {
  name: "camera",
  run: async (config) => {
    const { Services, Camera, Paths } = config;
    if (!Services.enable_camera) return off("switched off (Services.enable_camera = false)");
    const holder = existsSync(Paths.data_dir) ? experimentHolder(Paths.data_dir) : undefined;
    if (holder !== undefined) return off(`in use by \`phorest run\` (process ${holder.pid}); see \`phorest status\``);
    const source = createSource(sourceSettings(config));
    try {
      await source.open();
      const startedMs = performance.now();
      const frame = await source.capture(AbortSignal.timeout(Camera.timeout_seconds * 1000));
      const tookMs = performance.now() - startedMs;
      if (frame === null) return good(`${Camera.camera_type}: ready, no new image`);
      const picture = frame.picture ?? frame.encoded?.picture;
      if (picture === undefined) return good(`${Camera.camera_type}: ready`);
      const { width, height, bitDepth } = picture;
      const found = `${Camera.camera_type}: ${width}x${height}, ${bitDepth} bits in ${(tookMs / 1000).toFixed(1)} s`;
      const { saturated } = sharpnessOf(picture, Camera.bits);
      return [
        tookMs > config.Timing.collector_interval_seconds * 1000
          ? doubt(
              found,
              "a capture takes longer than Timing.collector_interval_seconds, so captures will be skipped; increase it",
            )
          : good(found),
        ...frame.warnings.map((line) => doubt(line, "correct the setting; `phorest cameras` lists the ranges")),
        ...(saturated > 0.01
          ? [doubt(`${(100 * saturated).toFixed(0)} % of the image is saturated`, "lower Camera.camera_exposure")]
          : []),
      ];
    } catch (error) {
      return bad(failureLine(error), "check the camera and its cable; `phorest cameras` lists connected cameras");
    } finally {
      await source.close();
    }
  },
};

export const sensors: Check = {
  name: "thermometers",
  run: async (config) => {
    if (!config.Services.enable_thermocouple) return off("switched off (Services.enable_thermocouple = false)");
    const thermometers = createThermometers(thermometerSettings(config));
    if (thermometers.length === 0)
      return doubt("no thermometer is configured in [Temperature]", "`phorest sensors` prints the lines to add");
    const { signal } = new AbortController();
    const readings = await Promise.all(thermometers.map((thermometer) => readThermometer(thermometer, signal)));
    return readings.map(({ sensor, value, unit, error }) =>
      error === undefined
        ? good(`${sensor}: ${value} ${unit}`)
        : bad(error, "check its wires; `phorest sensors` lists thermometers that respond"),
    );
  },
};

/** A share that responds later than this would also delay the syncer. */
const LOOK_MS = 15_000;

export const remote: Check = {
  name: "remote share",
  run: async ({ Services, Paths }) => {
    if (!Services.enable_remote_sync) return off("switched off (Services.enable_remote_sync = false)");
    return remoteFinding(Paths.remote_root_dir);
  },
};

/** Checks `directory` as the syncer does, in a separate process that is killed if the share does not respond. */
export async function remoteFinding(directory: string): Promise<Finding> {
  const { url, execArgv } = workerFile("remote-look");
  const look = fork(fileURLToPath(url), {
    execArgv,
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const answer = new Promise<Finding>((resolve, reject) => {
    look.once("message", (message) => {
      const { state, words, remedy } = message as RemoteInspection;
      resolve(state === "ready" ? good(words) : bad(words, remedy));
    });
    look.once("error", reject);
    look.once("exit", (code) => reject(new Error(`cannot check ${directory}: the check exited with code ${code}`)));
    look.send(directory);
  });
  const late = () => new Error(`${directory} does not respond`);
  try {
    return await withDeadline(answer, LOOK_MS, late);
  } catch (error) {
    return bad(failureLine(error), "check its server and the network, then mount it again");
  } finally {
    look.kill("SIGKILL");
    look.unref();
  }
}

const CONNECT_MS = 3000;

export const opcUa: Check = {
  name: "OPC UA",
  run: async (config) => {
    if (!config.Communication.method.includes("OPC_UA"))
      return off("switched off (Communication.method does not contain OPC_UA)");
    const { endpoint_url: endpoint } = config.OPC_UA;
    if (endpoint === undefined) return bad("OPC_UA.endpoint_url is missing", "set it in the configuration");
    return endpointFinding(endpoint);
  },
};

/** Checks only whether something listens at an opc.tcp address. */
export async function endpointFinding(endpoint: string): Promise<Finding> {
  try {
    await probe(endpoint, CONNECT_MS);
    return good(`${endpoint} responds; \`phorest opcua check\` checks in more detail`);
  } catch (error) {
    const { message, hint } = encodeFailure(error);
    return bad(message, `${hint === undefined ? "" : `${hint}; `}results wait until the server responds`);
  }
}
