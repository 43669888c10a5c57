// The thermometers of an experiment. Each is read in its own loop, all at the same time and independent of capture: a conversion
// of 750 ms, a slow program or a bus without an answer delays no image. A frame gets the reading nearest in time; one that failed
// or is too old carries its error, and never costs the image.

import { setTimeout as sleep } from "node:timers/promises";
import { capabilitiesOf } from "../cameras/camera.ts";
import type { Config } from "../config/schema.ts";
import { failureLine } from "../failure/failure.ts";
import { wallClockUs } from "../system/clock.ts";
import { LONGEST_TIMER_MS, withDeadline } from "../system/deadline.ts";
import { commandThermometer } from "./command-sensor.ts";
import { hwmonThermometer } from "./hwmon.ts";
import { oneWireThermometer } from "./one-wire.ts";
import type { Reading, Thermometer } from "./reading.ts";

export type { Reading } from "./reading.ts";

/** Which thermometers to read, as plain data. */
export interface ThermometerSettings {
  /** 1-Wire serial numbers and display names. */
  readonly oneWire: readonly (readonly [string, string])[];
  /** chip/label and display names. */
  readonly hwmon: readonly (readonly [string, string])[];
  /** Display names, and programs with arguments. */
  readonly commands: readonly (readonly [string, readonly string[]])[];
  readonly intervalMs: number;
  /** Whether simulated thermometers replace those on the bus, for the simulated chip. */
  readonly simulated: boolean;
}

/** Returns the settings of [Temperature]. */
export function thermometerSettings({ Temperature: temperature, Camera }: Config): ThermometerSettings {
  return {
    oneWire: Object.entries(temperature.thermocouple_sensors),
    hwmon: Object.entries(temperature.hwmon_sensors),
    commands: Object.entries(temperature.command_sensors),
    intervalMs: temperature.interval_seconds * 1000,
    simulated: capabilitiesOf(Camera.camera_type).simulated,
  };
}

/** Returns the thermometers, in the order of the configuration. Touches no device. */
export function createThermometers(settings: ThermometerSettings): Thermometer[] {
  return [
    ...settings.oneWire.map(([serial, name]) =>
      settings.simulated ? simulatedThermometer(serial, name) : oneWireThermometer(serial, name),
    ),
    ...settings.hwmon.map(([id, name]) => hwmonThermometer(id, name)),
    ...settings.commands.map(([name, command]) => commandThermometer(command, name)),
  ];
}

/** Longest time for one reading with all its retries; beyond it the bus hangs. */
const READ_MS = 30_000;
/** Readings kept for each sensor: the one before an image, and the one during it. */
const REMEMBERED = 4;
/** A reading is too old for an image after this many intervals, and at least this many ms. */
const STALE_INTERVALS = 3;
const STALE_MS = 30_000;

/** The last readings of each thermometer, by location and name. */
export type ReadingMemory = Map<string, Reading[]>;

export class ThermometerWatch {
  private readonly thermometers: readonly Thermometer[];
  private readonly intervalMs: number;
  private readonly abort = new AbortController();
  private readonly readings: ReadingMemory;
  /**
   * Thermometers that have not answered yet. They are not asked again, so that requests do not pile up on a bus that does not
   * answer.
   */
  private readonly asked = new Set<Thermometer>();
  private loops: Promise<void>[] = [];

  /** `readings`: those of an earlier watch, which this one continues. */
  constructor(thermometers: readonly Thermometer[], intervalMs: number, readings: ReadingMemory = new Map()) {
    this.thermometers = thermometers;
    this.intervalMs = intervalMs;
    this.readings = readings;
  }

  /** Starts reading. Resolves when every sensor has answered once, or after `firstMs`. */
  async start(firstMs: number): Promise<void> {
    const first = this.thermometers.map((thermometer) => this.take(thermometer));
    this.loops = this.thermometers.map((thermometer, at) => this.loop(thermometer, first[at]));
    // A thermometer without an answer by then is late, and the first image's record says so.
    await withDeadline(Promise.all(first), firstMs, () => new Error("late")).catch(() => undefined);
  }

  /** Returns, for each thermometer, the reading nearest to a time, µs since the epoch. Takes no time and never throws. */
  nearest(atUs: number): Reading[] {
    return this.thermometers.map((thermometer) => {
      const taken = this.readings.get(keyOf(thermometer)) ?? [];
      const distance = ({ takenAtUs }: Reading) => Math.abs(takenAtUs - atUs);
      const [nearest] = [...taken].sort((a, b) => distance(a) - distance(b));
      const limitMs = Math.max(STALE_MS, STALE_INTERVALS * this.intervalMs);
      if (nearest !== undefined && distance(nearest) <= limitMs * 1000) return nearest;
      const why = nearest === undefined ? "no reading yet" : `no reading for ${Math.round(distance(nearest) / 1e6)} s`;
      return { ...reading(thermometer), error: lineOf(thermometer, why) };
    });
  }

  /** Ends the loops; a reading in progress is abandoned. */
  async close(): Promise<void> {
    this.abort.abort();
    await Promise.all(this.loops);
  }

  private async loop(thermometer: Thermometer, first: Promise<void> | undefined): Promise<void> {
    const { signal } = this.abort;
    await first;
    while (!signal.aborted) {
      // Rejects when the watch is closed, which ends the loop.
      await sleep(Math.min(this.intervalMs, LONGEST_TIMER_MS), undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await this.take(thermometer);
    }
  }

  private async take(thermometer: Thermometer): Promise<void> {
    const next = await readThermometer(
      { ...thermometer, read: (signal) => this.ask(thermometer, signal) },
      this.abort.signal,
    );
    if (this.abort.signal.aborted) return;
    const key = keyOf(thermometer);
    this.readings.set(key, [...(this.readings.get(key) ?? []), next].slice(-REMEMBERED));
  }

  private ask(thermometer: Thermometer, signal: AbortSignal): Promise<number> {
    if (this.asked.has(thermometer)) return Promise.reject(new Error("it has not finished the last reading yet"));
    this.asked.add(thermometer);
    const answered = () => this.asked.delete(thermometer);
    const answer = thermometer.read(signal);
    answer.then(answered, answered);
    return answer;
  }
}

/** Returns one reading. Never rejects: a problem becomes the reading's error, with the sensor's name. */
export async function readThermometer(thermometer: Thermometer, signal: AbortSignal): Promise<Reading> {
  try {
    const late = () => new Error(`no reading within ${READ_MS / 1000} s`);
    const value = await withDeadline(abortable(thermometer.read(signal), signal), READ_MS, late);
    return { ...reading(thermometer), value };
  } catch (error) {
    return { ...reading(thermometer), error: lineOf(thermometer, reasonOf(error)) };
  }
}

function reading({ name }: Thermometer): Reading {
  return { sensor: name, value: undefined, unit: "°C", takenAtUs: wallClockUs(), error: undefined };
}

const keyOf = ({ name, where }: Thermometer): string => `${where} ${name}`;
const lineOf = ({ name, where }: Thermometer, why: string): string => `${name} (${where}): ${why}`;
/** A plain Error here is a reason for people, not a bug. */
const reasonOf = (error: unknown): string =>
  error instanceof Error && error.name === "Error" && !("code" in error) ? error.message : failureLine(error);

/** Returns the result of `work`, or rejects as soon as the signal is aborted: a stop need not wait for a bus that hangs. */
function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new Error("reading was stopped"));
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    const done = () => signal.removeEventListener("abort", stop);
    work.then(resolve, reject).then(done, done);
  });
}

/** Simulates a room whose temperature varies by half a degree in an hour; each sensor has a small offset. */
function simulatedThermometer(serial: string, name: string): Thermometer {
  const offset = [...serial].reduce((sum, character) => sum + character.charCodeAt(0), 0) % 10;
  const read = async (): Promise<number> => {
    const phase = (2 * Math.PI * (Date.now() % 3_600_000)) / 3_600_000;
    return Math.round((22 + offset / 20 + 0.25 * Math.sin(phase)) * 1000) / 1000;
  };
  return { name, where: serial, read };
}
