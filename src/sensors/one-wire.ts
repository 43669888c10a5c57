// DS18B20 thermometers on the 1-Wire bus, read through the kernel's files.
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "../failure/error-code.ts";
import { Failure } from "../failure/failure.ts";
import { lastWords, tryProgram } from "../system/program.ts";
import { checkTemperature, ELECTRONIC_SENSOR, type TemperatureRange, type Thermometer } from "./reading.ts";

const ONE_WIRE_DEVICES = "/sys/bus/w1/devices";
const TRIES = 5;
const CONVERSION_MS = 5000;
const POWER_ON_THOUSANDTHS = 85_000;
/** 0x07ff, which clones and broken sensors return instead of a temperature: 2047 / 16 °C, truncated by the kernel. */
const ALL_ONES_THOUSANDTHS = new Set([127_937, 127_938]);

/** Family 3b is the DS1825, which measures like the others, and the MAX31850, a thermocouple amplifier. */
const THERMOCOUPLE_FAMILY = "3b-";
const THERMOCOUPLE: TemperatureRange = { from: -270, to: 1800 };

const rangeOf = (serial: string): TemperatureRange =>
  serial.toLowerCase().startsWith(THERMOCOUPLE_FAMILY) ? THERMOCOUPLE : ELECTRONIC_SENSOR;

/** Returns the sensor with this serial number, 28-xxxxxxxxxxxx, under `devices`. */
export function oneWireThermometer(serial: string, name: string, devices = ONE_WIRE_DEVICES): Thermometer {
  return {
    name,
    where: serial,
    read: async (signal) => checkTemperature(await readOneWire(join(devices, serial), signal), rangeOf(serial)),
  };
}

/** Returns the serial numbers of the thermometers on the bus: DS18S20, DS1822, DS18B20 and similar ones. */
export async function listOneWire(devices = ONE_WIRE_DEVICES): Promise<string[]> {
  // Without the kernel module, the directory does not exist.
  const names = await readdir(devices).catch(() => []);
  return names.filter((name) => /^(10|22|28|3b|42)-[0-9a-f]{12}$/.test(name)).sort();
}

/** Returns one reading, °C. A failed checksum, an empty answer and the power-on value are retried, up to five times. */
async function readOneWire(directory: string, signal: AbortSignal): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await readOnce(directory, signal);
    } catch (error) {
      if (attempt === TRIES || signal.aborted || isMissing(error)) throw named(error);
    }
  }
}

/**
 * Reads once. Prefers the newer file, whose driver checks the checksum itself; older kernels only have `w1_slave`. A shorted wire
 * and a reset sensor answer with a valid checksum, so their values are accepted only from the raw bytes in `w1_slave`.
 */
async function readOnce(directory: string, signal: AbortSignal): Promise<number> {
  try {
    const value = parseTemperature(await readSlowly(join(directory, "temperature"), signal));
    if (value !== 0) return value;
  } catch (error) {
    if (!isMissing(error)) throw error;
    return parseOneWire(await readSlowly(join(directory, "w1_slave"), signal));
  }
  try {
    return parseOneWire(await readSlowly(join(directory, "w1_slave"), signal));
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new Error(
      "it reads exactly 0 °C, which can mean a short circuit; without a w1_slave file this cannot be checked",
    );
  }
}

/**
 * Reads a file that takes a conversion (750 ms) or, if the bus hangs, for ever. A separate process waits for it, because four
 * such reads at the same time would occupy all threads of the pool that also writes the images.
 */
async function readSlowly(file: string, signal: AbortSignal): Promise<string> {
  await access(file);
  const limits = { timeoutMs: CONVERSION_MS, maxBytes: 4096, signal };
  const output = await tryProgram({ program: "cat", args: [file], ...limits }).catch((error: unknown) => {
    if (error instanceof Failure && error.code === "camera.timeout") throw new Error("the bus does not respond");
    throw error;
  });
  if (output.exitCode !== 0) throw new Error(`the sensor cannot be read${lastWords(output.stderr)}`);
  return output.stdout.toString();
}

/**
 * Parses the kernel's `temperature` file, °C. Throws if there is no number, and for values that indicate a fault of the sensor:
 * 85.000 (after power-on, before the first conversion) and 0x07ff.
 */
export function parseTemperature(text: string): number {
  if (!/^-?\d+\s*$/.test(text)) throw new Error("the sensor returned no temperature");
  return inDegrees(Number(text));
}

/**
 * Parses the kernel's `w1_slave` text of a DS18B20, °C. Throws if its checksum fails, for the values that parseTemperature
 * refuses, and for all zeros: they have a valid checksum, but they come from a wire shorted to ground, not from 0 °C.
 */
export function parseOneWire(text: string): number {
  const [checksum = "", value = ""] = text.split("\n");
  if (!checksum.trimEnd().endsWith("YES")) throw new Error("checksum error on the wire");
  if (/^\s*(00\s+){9}/.test(checksum)) throw new Error("it returned only zeros: the wire is short-circuited");
  const thousandths = /t=(-?\d+)/.exec(value)?.[1];
  if (thousandths === undefined) throw new Error("the sensor returned no temperature");
  return inDegrees(Number(thousandths));
}

function inDegrees(thousandths: number): number {
  if (thousandths === POWER_ON_THOUSANDTHS) {
    throw new Error("the sensor was reset (85.000 °C is its power-on value)");
  }
  if (ALL_ONES_THOUSANDTHS.has(thousandths)) {
    throw new Error("the sensor has no measurement (127.937 °C means none)");
  }
  return thousandths / 1000;
}

const isMissing = (error: unknown): boolean => hasCode(error, "ENOENT");
const named = (error: unknown): unknown => (isMissing(error) ? new Error("the sensor is not on the bus") : error);
