// The v4l2 camera: any camera with a Linux driver, through v4l2-ctl, one frame at a time.
//
//   switches to manual ▸ settings ▸ format, warm-up frames, one frame ▸ settings and format read back
//
// Nothing is kept open between two captures: a camera that is unplugged and plugged in again works immediately, and a second
// source (brightfield) with other settings can share the device.
import { existsSync } from "node:fs";
import { Failure } from "../failure/failure.ts";
import { encodedFrame } from "../image/encoded.ts";
import { bitsOf, type FrameSize, frameBytes, grayOfRaw, RAW_FORMAT_NAMES } from "../image/raw-pixels.ts";
import { withWords } from "../system/program.ts";
import type { CapturedFrame, Found, FrameSettings, Source } from "./frame.ts";
import { exposureMoment } from "./timestamp.ts";
import { type ActiveFormat, type Control, type Device, V4l2Ctl } from "./v4l2-ctl.ts";
import { describeDevice } from "./v4l2-found.ts";

/** Settings that apply to every camera with these controls; undefined leaves the device's value. */
export interface DriverSettings {
  readonly exposure?: number | undefined;
  readonly gain?: number | undefined;
  readonly brightness?: number | undefined;
  readonly contrast?: number | undefined;
}

export interface V4l2Options {
  readonly device: string;
  /** Four-character code; undefined: the camera's best format. */
  readonly pixelFormat?: string | undefined;
  /** Undefined: the camera's largest size in its format. */
  readonly size?: FrameSize | undefined;
  readonly settings: DriverSettings;
  /** Further controls of the driver by name. */
  readonly controls: Readonly<Record<string, number>>;
  /** Number of frames discarded before the one that is kept. */
  readonly warmUpFrames: number;
  readonly timeoutMs: number;
  readonly clock: () => number;
}

/** Control names for each setting; the first that the driver has is used. Kernels before 5.18 have the second ones. */
const SETTING_CONTROLS: Readonly<Record<keyof DriverSettings, readonly string[]>> = {
  exposure: ["exposure_time_absolute", "exposure_absolute", "exposure_time_us", "exposure"],
  gain: ["gain", "analogue_gain"],
  brightness: ["brightness"],
  contrast: ["contrast"],
};

/** Controls that enable automatic exposure and gain, with the value for manual mode. */
const AUTOMATICS: readonly (readonly [string, number])[] = [
  ["auto_exposure", 1],
  ["exposure_auto", 1],
  ["gain_automatic", 0],
  ["autogain", 0],
  ["gain_auto", 0],
];
/** Formats that are stored as the camera encoded them. */
const MJPEG = ["MJPG", "JPEG"];
const MAX_FRAME_BYTES = 1 << 30;

interface Opened {
  readonly device: Device;
  readonly code: string;
  readonly size: FrameSize | undefined;
  readonly automatics: ReadonlyMap<string, number>;
  readonly wanted: ReadonlyMap<string, number>;
  /** Requested settings for which the camera has no control. */
  readonly lacking: readonly string[];
}

export class V4l2Camera implements Source {
  private readonly options: V4l2Options;
  private readonly ctl: V4l2Ctl;
  private opened: Opened | undefined;

  constructor(options: V4l2Options) {
    this.options = options;
    this.ctl = new V4l2Ctl(options.device, options.timeoutMs);
  }

  async probe(): Promise<readonly Found[]> {
    return [describeDevice(this.options.device, await this.describe())];
  }

  async open(): Promise<void> {
    const device = await this.describe();
    const { settings, controls, pixelFormat } = this.options;
    const code = pixelFormat ?? bestFormat(device);
    if (code === undefined || (bitsOf(code) === undefined && !MJPEG.includes(code))) throw this.noFormat(device, code);
    const size = this.options.size ?? largest(device, code);
    const automatics = new Map(AUTOMATICS.filter(([name]) => device.controls.some((control) => control.name === name)));
    const asked = [
      ...Object.entries(settings).map(([name, value]) => [controlFor(device, name), name, value] as const),
      ...Object.entries(controls).map(([name, value]) => [has(device, name) ? name : undefined, name, value] as const),
    ].filter(([, , value]) => value !== undefined);
    const wanted = new Map(
      asked.flatMap(([control, , value]) => (control === undefined ? [] : [[control, value ?? 0]])),
    );
    const lacking = asked
      .filter(([control]) => control === undefined)
      .map(([, name, value]) => `the camera has no control for ${name}, so the setting ${value} has no effect`);
    this.opened = { device, code, size, automatics, wanted, lacking };
  }

  async capture(signal: AbortSignal): Promise<CapturedFrame> {
    const { opened, ctl } = this;
    if (opened === undefined) throw new Failure("camera.unavailable", "the camera is not open", { retry: "later" });
    const { code, size, automatics, wanted } = opened;
    const warnings = [...opened.lacking];
    // The switches come first, in a separate call: while automatic exposure is on, the driver refuses an exposure value.
    warnings.push(...(await this.apply(automatics, signal)), ...(await this.apply(wanted, signal)));
    const maxBytes = size === undefined || bitsOf(code) === undefined ? MAX_FRAME_BYTES : 2 * frameBytes(code, size);
    const output = await ctl.frame(code, size, this.options.warmUpFrames, maxBytes, signal);
    const moment = exposureMoment(this.options.clock, output.firstByteMs);
    const names = [...new Set([...automatics.keys(), ...wanted.keys(), ...settingControls(opened.device)])];
    const { values, format } = await ctl.readBack(names, signal);
    this.checkFormat(opened, format);
    warnings.push(...differences(new Map([...automatics, ...wanted]), values));
    const active = format ?? { code, width: size?.width ?? 0, height: size?.height ?? 0, bytesPerLine: 0 };
    const common = { ...moment, warnings, settings: settingsOf(this.options.device, active, values) };
    // v4l2-ctl exits successfully even if the stream could not be started. Its progress marks are not an error message.
    const words = output.stderr.replace(/^[<>]+( [\d.]+ fps.*)?/gm, "");
    if (MJPEG.includes(code)) {
      const encoded = await withWords(words, () => encodedFrame(output.stdout, this.options.device));
      return { ...common, ...encoded };
    }
    const picture = await withWords(words, () => grayOfRaw(output.stdout, code, active, active.bytesPerLine));
    return { ...common, picture, sensorBits: bitsOf(code) };
  }

  async close(): Promise<void> {
    this.opened = undefined;
  }

  private async describe(): Promise<Device> {
    const { device } = this.options;
    // v4l2-ctl's own message is longer and contains a cryptic code.
    if (device.startsWith("/dev/") && !existsSync(device)) {
      throw new Failure("camera.unavailable", `${device}: no such camera`, {
        hint: "plug it in, or set Camera.device to a by-id path that `phorest cameras` lists",
        retry: "later",
      });
    }
    return this.ctl.describe();
  }

  /** Sets controls, all at once or, if the driver refuses, one by one; returns the refusals as warnings. */
  private async apply(values: ReadonlyMap<string, number>, signal: AbortSignal): Promise<string[]> {
    if (values.size === 0 || (await this.ctl.set(values, signal)) === undefined) return [];
    const refusals: string[] = [];
    for (const [name, value] of values) {
      const why = await this.ctl.set(new Map([[name, value]]), signal);
      if (why !== undefined) refusals.push(`the driver refused ${name} = ${value}: ${why}`);
    }
    return refusals;
  }

  /** Throws if the format differs from the requested one: another program has changed the device. */
  private checkFormat({ code, size }: Opened, now: ActiveFormat | undefined): void {
    if (now === undefined) return;
    const moved = size !== undefined && (now.width !== size.width || now.height !== size.height);
    if (!moved && now.code === code) return;
    const asked = size === undefined ? code : `${size.width}x${size.height} ${code}`;
    throw new Failure("camera.failed", `the camera delivers ${now.width}x${now.height} ${now.code}, not ${asked}`, {
      hint: "another program changed it, or it lacks this mode; `phorest cameras` lists its modes",
      retry: "later",
    });
  }

  private noFormat({ formats }: Device, code: string | undefined): Failure {
    const offered = formats.map((format) => format.code).join(", ");
    const what = code === undefined ? "no supported format" : `pixel format ${code} is not supported`;
    return new Failure("camera.failed", `${this.options.device}: ${what}; the camera offers ${offered || "none"}`, {
      hint: `set Camera.pixel_format to one of ${[...RAW_FORMAT_NAMES, ...MJPEG].join(", ")}`,
      retry: "later",
    });
  }
}

/** Returns every difference between the requested and the actual values, with both. */
function differences(asked: ReadonlyMap<string, number>, has: ReadonlyMap<string, number>): string[] {
  return [...asked].flatMap(([name, value]) => {
    const now = has.get(name);
    if (now === value) return [];
    return [
      `${name}: requested ${value}, the camera ${now === undefined ? "does not report its value" : `uses ${now}`}`,
    ];
  });
}

function settingsOf(device: string, format: ActiveFormat, values: ReadonlyMap<string, number>): FrameSettings {
  const { code, width, height } = format;
  return { device, pixel_format: code, resolution: `${width}x${height}`, ...Object.fromEntries(values) };
}

const has = ({ controls }: Device, name: string): boolean => controls.some((control: Control) => control.name === name);

function controlFor(device: Device, setting: string): string | undefined {
  return SETTING_CONTROLS[setting as keyof DriverSettings].find((name) => has(device, name));
}

/** Returns the controls that a picture depends on, whether they were requested or not. */
function settingControls(device: Device): string[] {
  return Object.keys(SETTING_CONTROLS).flatMap((setting) => controlFor(device, setting) ?? []);
}

function bestFormat({ formats }: Device): string | undefined {
  return [...RAW_FORMAT_NAMES, ...MJPEG].find((code) => formats.some((format) => format.code === code));
}

function largest({ formats }: Device, code: string): FrameSize | undefined {
  const sizes = formats.find((format) => format.code === code)?.sizes ?? [];
  return [...sizes].sort((a, b) => b.width * b.height - a.width * a.height)[0];
}
