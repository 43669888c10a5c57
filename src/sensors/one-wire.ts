// DS18B20 thermometers on the 1-Wire bus, through the kernel's files.
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
/** 0x07ff, which clones and broken sensors give in place of a temperature; 2047 / 16 °C, cut off by the kernel. */
const ALL_ONES_THOUSANDTHS = new Set([127_937, 127_938]);

/** Family 3b is DS1825, which measures like the others, and MAX31850, an amplifier for thermocouples. */
const THERMOCOUPLE_FAMILY = "3b-";
const THERMOCOUPLE: TemperatureRange = { from: -270, to: 1800 };

const rangeOf = (serial: string): TemperatureRange =>
  serial.toLowerCase().startsWith(THERMOCOUPLE_FAMILY) ? THERMOCOUPLE : ELECTRONIC_SENSOR;

/** The sensor with this serial number, 28-xxxxxxxxxxxx, under `devices`. */
export function oneWireThermometer(serial: string, name: string, devices = ONE_WIRE_DEVICES): Thermometer {
  return {
    name,
    where: serial,
    read: async (signal) => checkTemperature(await readOneWire(join(devices, serial), signal), rangeOf(serial)),
  };
}

/** Serial numbers of the thermometers on the bus: DS18S20, DS1822, DS18B20 and their like. */
export async function listOneWire(devices = ONE_WIRE_DEVICES): Promise<string[]> {
  // Without the kernel's module the directory is not there.
  const names = await readdir(devices).catch(() => []);
  return names.filter((name) => /^(10|22|28|3b|42)-[0-9a-f]{12}$/.test(name)).sort();
}

/** One reading, °C: a failed checksum, an empty answer and the power-on value are tried again, up to five times. */
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
 * One try. The newer file first: its driver checks the checksum itself. Older kernels have `w1_slave` alone. A shorted wire
 * and a reset sensor answer with a sound checksum, so their values are accepted only from the raw bytes in `w1_slave`.
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
 * The text of a file whose reading takes a conversion (750 ms) or, on a bus that hangs, for ever. A process of its own
 * waits for it: four such reads at once would hold all threads that also write the pictures.
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
 * The temperature of the kernel's `temperature` file, °C. Throws on no number and on values that stand for a fault of the
 * sensor: 85.000 (after power-on, before the first conversion) and 0x07ff.
 */
export function parseTemperature(text: string): number {
  if (!/^-?\d+\s*$/.test(text)) throw new Error("the sensor returned no temperature");
  return inDegrees(Number(text));
}

/**
 * The temperature of a DS18B20 from the kernel's `w1_slave` text, °C. Throws when its checksum fails, on the values that
 * parseTemperature refuses, and on zeros alone: they have a sound checksum, but they are what a wire shorted to ground gives,
 * not 0 °C.
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
