// A thermometer that is a program: it prints a number in °C and exits.
import { runProgram } from "../system/program.ts";
import { checkTemperature, type TemperatureRange, type Thermometer } from "./reading.ts";

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 65_536;
/**
 * Covers any temperature around a sensor chip, but none of the numbers that programs print for a missing probe: -127, 850, 999.
 */
const PLAUSIBLE: TemperatureRange = { from: -100, to: 500 };

/** Returns the thermometer. `command`: program and arguments, run without a shell. */
export function commandThermometer(command: readonly string[], name: string): Thermometer {
  const [program = "", ...args] = command;
  return {
    name,
    where: program,
    read: async (signal) => {
      const output = await runProgram({ program, args, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, signal });
      const text = output.stdout.toString().trim();
      // Accepts "23.4", "23.4 °C" and "23.4C", which such programs print; "sensor 1: 23.4" could mean anything.
      const number = /^([-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?)\s*(?:°?\s*C)?$/i.exec(text)?.[1];
      if (number === undefined) throw new Error(`it printed "${text.slice(0, 60)}", not a number`);
      return checkTemperature(Number(number), PLAUSIBLE);
    },
  };
}
