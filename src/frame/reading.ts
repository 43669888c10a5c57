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
