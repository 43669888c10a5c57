// The reading of a thermometer, and the small interface that every kind of thermometer implements.

/** One reading of one thermometer: either `value` or `error` is set. */
export interface Reading {
  readonly sensor: string;
  readonly value: number | undefined;
  readonly unit: string;
  readonly takenAtUs: number;
  readonly error: string | undefined;
}

/** A thermometer; creating one touches no device. */
export interface Thermometer {
  /** The name shown in files and plots. */
  readonly name: string;
  /** Its location, for errors: a serial number, a path, a program. */
  readonly where: string;
  /** Returns the temperature in °C. Throws with a reason; may take a second. */
  read(signal: AbortSignal): Promise<number>;
}

/** Range in °C, including both ends. */
export interface TemperatureRange {
  readonly from: number;
  readonly to: number;
}

/** Range of semiconductor sensors: DS18B20 and similar ones, diodes in chips. Missing ones give -128, 127 or 255 °C. */
export const ELECTRONIC_SENSOR: TemperatureRange = { from: -55, to: 125 };

/**
 * Returns the temperature, °C. Throws if the sensor cannot have measured it, which is how broken sensors and loose wires show:
 * such values must not pass as readings.
 */
export function checkTemperature(value: number, { from, to }: TemperatureRange): number {
  if (value >= from && value <= to) return value;
  throw new Error(`it reads ${value} °C, outside its range (${from} to ${to} °C): check the sensor and its wires`);
}
