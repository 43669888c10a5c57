// What a thermometer says, and how one is made: the small interface that every kind of thermometer keeps.

/** One thermometer's word at one moment: `value` and `error` exclude each other. */
export interface Reading {
  readonly sensor: string;
  readonly value: number | undefined;
  readonly unit: string;
  readonly takenAtUs: number;
  readonly error: string | undefined;
}

/** A thermometer; making one touches no device. */
export interface Thermometer {
  /** The name shown in files and plots. */
  readonly name: string;
  /** Where it is, for errors: a serial number, a path, a program. */
  readonly where: string;
  /** °C. Throws with a reason; may take a second. */
  read(signal: AbortSignal): Promise<number>;
}

/** °C, both ends included. */
export interface TemperatureRange {
  readonly from: number;
  readonly to: number;
}

/** What semiconductor sensors can measure: DS18B20 and its like, diodes in chips. Missing ones give -128, 127 or 255 °C. */
export const ELECTRONIC_SENSOR: TemperatureRange = { from: -55, to: 125 };

/**
 * The temperature as it is, °C. Throws where the sensor cannot have measured it, which is how broken sensors and loose wires
 * show: nothing of them may pass for a reading.
 */
export function checkTemperature(value: number, { from, to }: TemperatureRange): number {
  if (value >= from && value <= to) return value;
  throw new Error(`it reads ${value} °C, outside its range (${from} to ${to} °C): check the sensor and its wires`);
}
