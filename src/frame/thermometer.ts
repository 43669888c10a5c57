// Temperatures beside a frame. A reading that failed carries its error; it never costs the picture.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { failureLine } from "../failure.ts";

/** One thermometer's word at one moment: `value` and `error` exclude each other. */
export interface Reading {
  readonly sensor: string;
  readonly value: number | undefined;
  readonly unit: string;
  readonly takenAtUs: number;
  readonly error: string | undefined;
}

export interface Thermometer {
  /** 1-Wire serial number, 28-xxxxxxxxxxxx. */
  readonly serial: string;
  /** The name shown in files and plots. */
  readonly name: string;
}

const ONE_WIRE_DEVICES = "/sys/bus/w1/devices";
const CRC_TRIES = 5;

/** Reads all thermometers at the same time, °C. Never rejects. The simulated chip has simulated thermometers. */
export function readThermometers(thermometers: readonly Thermometer[], cameraType: string): Promise<Reading[]> {
  return Promise.all(
    thermometers.map(async ({ serial, name }): Promise<Reading> => {
      const taken = () => ({ sensor: name, unit: "°C", takenAtUs: Date.now() * 1000 });
      try {
        const value = cameraType === "simulated" ? simulatedTemperature(serial) : await readOneWire(serial);
        return { ...taken(), value, error: undefined };
      } catch (error) {
        return { ...taken(), value: undefined, error: `${name} (${serial}): ${failureLine(error)}` };
      }
    }),
  );
}

/**
 * The temperature of a DS18B20 from the kernel's `w1_slave` text, °C. Throws when its checksum fails, and on the
 * power-on value of exactly 85 °C, which means that no conversion has taken place.
 */
export function parseOneWire(text: string): number {
  const [checksum = "", value = ""] = text.split("\n");
  if (!checksum.trimEnd().endsWith("YES")) throw new Error("checksum error on the wire");
  const thousandths = /t=(-?\d+)/.exec(value)?.[1];
  if (thousandths === undefined) throw new Error("the sensor gave no temperature");
  if (thousandths === "85000") throw new Error("the sensor was reset (85.000 °C is its power-on value)");
  return Number(thousandths) / 1000;
}

async function readOneWire(serial: string): Promise<number> {
  const file = join(ONE_WIRE_DEVICES, serial, "w1_slave");
  for (let attempt = 1; ; attempt++) {
    const text = await readFile(file, "utf8");
    try {
      return parseOneWire(text);
    } catch (error) {
      if (attempt === CRC_TRIES) throw error;
    }
  }
}

/** A room that breathes by half a degree in an hour; each sensor sits a little off. */
function simulatedTemperature(serial: string): number {
  const offset = [...serial].reduce((sum, character) => sum + character.charCodeAt(0), 0) % 10;
  const phase = (2 * Math.PI * (Date.now() % 3_600_000)) / 3_600_000;
  return Math.round((22 + offset / 20 + 0.25 * Math.sin(phase)) * 1000) / 1000;
}
