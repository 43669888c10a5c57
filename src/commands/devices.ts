// `phorest cameras` and `phorest sensors`: list connected devices and the config.toml lines that select them.
import type { CommandModule } from "yargs";
import { capabilitiesOf, createSource, sourceSettings } from "../cameras/camera.ts";
import type { Found } from "../cameras/frame.ts";
import { isOnPath, listRpicams } from "../cameras/rpicam.ts";
import { QUESTION_MS, V4l2Ctl } from "../cameras/v4l2-ctl.ts";
import { describeDevice, listVideoDevices } from "../cameras/v4l2-found.ts";
import { loadConfig } from "../config/config.ts";
import type { Config } from "../config/schema.ts";
import { failureLine } from "../failure/failure.ts";
import { hwmonThermometer, listHwmon } from "../sensors/hwmon.ts";
import { listOneWire, oneWireThermometer } from "../sensors/one-wire.ts";
import type { Reading } from "../sensors/reading.ts";
import { readThermometer } from "../sensors/thermometer.ts";
import type { GlobalOptions } from "./global.ts";
import { endProgramsWithCommand } from "./stoppable.ts";

export const camerasCommand: CommandModule<GlobalOptions, GlobalOptions> = {
  command: "cameras",
  describe: "List the connected cameras and the lines for config.toml",
  builder: (yargs) => yargs.example("$0 cameras", "every camera with its formats, ranges and config.toml lines"),
  handler: async ({ config, json }) => {
    const { config: settings } = loadConfig(config);
    endProgramsWithCommand();
    const found = [...(await listV4l2Cameras()), ...(await listRpicams()), ...(await listConfigured(settings))];
    if (json) process.stdout.write(`${JSON.stringify(found)}\n`);
    else process.stdout.write(`${camerasText(found).join("\n")}\n`);
  },
};

/**
 * Returns what the configured camera reports about itself, if it was not listed otherwise. File sources and the simulated chip
 * are not connected devices.
 */
export async function listConfigured(config: Config): Promise<readonly Found[]> {
  const { camera_type: type } = config.Camera;
  const { simulated, files, listed } = capabilitiesOf(type);
  if (simulated || files || listed) return [];
  try {
    return await createSource(sourceSettings(config)).probe();
  } catch (error) {
    const toml = [`camera_type = "${type}"`];
    return [{ name: type, description: "as configured", details: [failureLine(error)], toml }];
  }
}

/** The capturing video devices, by their stable name if they have one. `root`: for tests. */
export async function listV4l2Cameras(root?: string): Promise<Found[]> {
  const devices = await listVideoDevices(root);
  if (devices.length > 0 && !(await isOnPath("v4l2-ctl"))) {
    return devices.map(({ path, byId, name }) => ({
      name: byId ?? path,
      description: name,
      details: ["details are not available because v4l2-ctl is not installed: `apt install v4l-utils`"],
      toml: ['camera_type = "v4l2"', `device = ${JSON.stringify(byId ?? path)}`],
    }));
  }
  const found = await Promise.all(
    devices.map(async ({ path, byId, name }): Promise<Found | undefined> => {
      const toml = ['camera_type = "v4l2"', `device = ${JSON.stringify(byId ?? path)}`];
      try {
        const device = await new V4l2Ctl(path, QUESTION_MS).describe();
        // Devices without image formats are for metadata or, on a Raspberry Pi, for codecs.
        if (device.formats.length === 0) return undefined;
        return {
          ...describeDevice(byId ?? path, device),
          details: [path, ...describeDevice(path, device).details],
          toml,
        };
      } catch (error) {
        return { name: byId ?? path, description: name, details: [failureLine(error)], toml };
      }
    }),
  );
  return found.filter((one) => one !== undefined);
}

function camerasText(found: readonly Found[]): string[] {
  if (found.length === 0) {
    return [
      "no camera found with v4l2 or rpicam",
      'for other cameras use camera_type = "command" (any program that writes an image) or "folder";',
      'camera_type = "simulated" needs no camera. `phorest doctor` checks in more detail.',
    ];
  }
  return found.flatMap(({ name, description, details, toml }) => [
    `${name}: ${description}`,
    ...details.map((line) => `    ${line}`),
    "  [Camera]",
    ...toml.map((line) => `  ${line}`),
    "",
  ]);
}

interface FoundSensor {
  readonly reading: Reading;
  readonly toml: string;
  readonly section: string;
}

export const sensorsCommand: CommandModule<GlobalOptions, GlobalOptions> = {
  command: "sensors",
  describe: "List the connected thermometers, their readings and the lines for config.toml",
  builder: (yargs) => yargs.example("$0 sensors", "every thermometer with its reading and config.toml line"),
  handler: async ({ config, json }) => {
    loadConfig(config);
    endProgramsWithCommand();
    const found = await findSensors();
    if (json) process.stdout.write(`${JSON.stringify(found)}\n`);
    else process.stdout.write(`${sensorsText(found).join("\n")}\n`);
  },
};

/** Returns all thermometers of this computer with one reading each, read at the same time. */
export async function findSensors(places: { oneWire?: string; hwmon?: string } = {}): Promise<FoundSensor[]> {
  const { signal } = new AbortController();
  const serials = await listOneWire(places.oneWire);
  const inputs = await listHwmon(places.hwmon);
  return Promise.all([
    ...serials.map(async (serial, at) => ({
      reading: await readThermometer(oneWireThermometer(serial, serial, places.oneWire), signal),
      toml: `"${serial}" = "Sensor ${at + 1}"`,
      section: "Temperature.thermocouple_sensors",
    })),
    ...inputs.map(async ({ id }) => ({
      reading: await readThermometer(hwmonThermometer(id, id, places.hwmon), signal),
      toml: `${JSON.stringify(id)} = ${JSON.stringify(id)}`,
      section: "Temperature.hwmon_sensors",
    })),
  ]);
}

function sensorsText(found: readonly FoundSensor[]): string[] {
  if (found.length === 0) {
    return [
      "no thermometer found on the 1-Wire bus or in /sys/class/hwmon",
      "for DS18B20 on a Raspberry Pi: add dtoverlay=w1-gpio to /boot/firmware/config.txt and restart the Pi;",
      "any program that prints a number can be used as a thermometer: Temperature.command_sensors",
    ];
  }
  const sections = [...new Set(found.map(({ section }) => section))];
  return sections.flatMap((section) => [
    `[${section}]`,
    ...found
      .filter((one) => one.section === section)
      .map(({ toml, reading }) => `${toml}  # ${reading.error ?? `${reading.value} ${reading.unit}`}`),
    "",
  ]);
}
