// The rpicam camera: Raspberry Pi cameras through rpicam-still, which is started for each picture. The picture comes through
// standard output, the driver's metadata through a side file, which is never left behind.
import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { Failure, failureLine } from "../failure/failure.ts";
import { encodedFrame } from "../image/encoded.ts";
import { type FrameSize, grayOfRaw } from "../image/raw-pixels.ts";
import { monotonicMs } from "../system/clock.ts";
import { lastWords, type ProgramOutput, runProgram, SIDE_FILE, tryProgram, withWords } from "../system/program.ts";
import type { CapturedFrame, Found, FrameSettings, Source } from "./frame.ts";
import { exposureMoment } from "./timestamp.ts";
import type { DriverSettings } from "./v4l2.ts";

export interface RpicamOptions {
  /** Number of the camera in `--list-cameras`. */
  readonly camera: number;
  /** Undefined: the sensor's own size. */
  readonly size?: FrameSize | undefined;
  /** Exposure in microseconds. */
  readonly settings: DriverSettings;
  readonly vflip: boolean;
  /** Passed to the program unchanged. */
  readonly extraArgs: readonly string[];
  readonly timeoutMs: number;
  readonly clock: () => number;
}

/** The programs in order of preference: those that can write uncompressed pictures first, new names before old. */
const PROGRAMS = [
  { program: "rpicam-still", lossless: true },
  { program: "libcamera-still", lossless: true },
  { program: "rpicam-jpeg", lossless: false },
  { program: "libcamera-jpeg", lossless: false },
] as const;
type Program = (typeof PROGRAMS)[number];

const INSTALL = "install it with `apt install rpicam-apps` (before Debian 13: libcamera-apps)";
const MAX_PICTURE_BYTES = 1 << 29;
const LIST_MS = 20_000;
/** Relative deviation up to which a setting counts as applied: sensors expose whole lines and amplify in steps. */
const TOLERANCE = 0.02;

/** Ranges that rpicam-apps limit brightness and contrast to. */
const RANGES = { brightness: [-1, 1], contrast: [0, 15.99] } as const;

interface SensorInfo extends FrameSize {
  readonly number: number;
  readonly model: string;
}

export class RpicamCamera implements Source {
  private readonly options: RpicamOptions;
  private opened: { readonly program: Program; readonly size: FrameSize } | undefined;
  private lossyWarned = false;

  constructor(options: RpicamOptions) {
    this.options = options;
  }

  async probe(): Promise<readonly Found[]> {
    return listRpicams();
  }

  async open(): Promise<void> {
    const { camera } = this.options;
    const program = await installed();
    const sensors = await listSensors(program);
    const sensor = sensors.find(({ number }) => number === camera);
    if (sensor === undefined) {
      const there = sensors.map(({ number, model }) => `${number} (${model})`).join(", ");
      throw new Failure(
        "camera.unavailable",
        `${program.program} does not find camera ${camera}; it finds ${there || "none"}`,
        {
          hint: "check the ribbon cable with the power off, or set Camera.camera_id",
          retry: "later",
        },
      );
    }
    this.opened = { program, size: this.options.size ?? { width: sensor.width, height: sensor.height } };
  }

  async capture(signal: AbortSignal): Promise<CapturedFrame> {
    const { opened, options } = this;
    if (opened === undefined) throw new Failure("camera.unavailable", "the camera is not open", { retry: "later" });
    const { program, size } = opened;
    const startedMs = monotonicMs();
    const output = await runProgram({
      program: program.program,
      args: this.arguments(program, size),
      timeoutMs: options.timeoutMs,
      maxBytes: MAX_PICTURE_BYTES,
      signal,
      sideFile: true,
      install: INSTALL,
    });
    const metadata = parseMetadata(output.side);
    const moment = exposureMoment(options.clock, sensorMoment(metadata, startedMs) ?? output.firstByteMs);
    const warnings = [...this.doubts(metadata), ...errorLines(output)];
    const settings = settingsOf(program, size, metadata, output.stderr);
    if (program.lossless) {
      const picture = await withWords(output.stderr, () => grayOfRaw(output.stdout, "YU12", size));
      return { ...moment, picture, settings, warnings };
    }
    if (!this.lossyWarned) warnings.push(`${program.program} can only write JPEG, which loses detail; ${INSTALL}`);
    this.lossyWarned = true;
    const encoded = await withWords(output.stderr, () => encodedFrame(output.stdout, program.program));
    return { ...moment, ...encoded, settings, warnings };
  }

  async close(): Promise<void> {
    this.opened = undefined;
  }

  private arguments({ lossless }: Program, { width, height }: FrameSize): string[] {
    const { camera, settings, vflip, extraArgs } = this.options;
    const { exposure, gain, brightness, contrast } = settings;
    const given = (name: string, value: number | undefined) => (value === undefined ? [] : [name, String(value)]);
    return [
      ...["--nopreview", "--immediate", "--camera", String(camera)],
      ...["--width", String(width), "--height", String(height)],
      ...given("--shutter", exposure),
      ...given("--gain", gain),
      ...given("--brightness", brightness),
      ...given("--contrast", contrast),
      ...(vflip ? ["--vflip"] : []),
      ...(lossless ? ["--encoding", "yuv420"] : []),
      ...["--metadata", SIDE_FILE, "--output", "-"],
      ...extraArgs,
    ];
  }

  /** Returns warnings where the sensor's report differs from the request. */
  private doubts(metadata: Metadata): string[] {
    return [...this.outOfRange(), ...this.differences(metadata)];
  }

  /** Returns warnings about values that the program silently limits; the metadata does not contain them. */
  private outOfRange(): string[] {
    return (["brightness", "contrast"] as const).flatMap((name) => {
      const value = this.options.settings[name];
      const [low, high] = RANGES[name];
      if (value === undefined || (value >= low && value <= high)) return [];
      return [`${name}: requested ${value}, the camera uses ${Math.min(Math.max(value, low), high)}`];
    });
  }

  private differences(metadata: Metadata): string[] {
    const { exposure, gain } = this.options.settings;
    const { ExposureTime: exposed, AnalogueGain: analogue, DigitalGain: digital = 1 } = metadata;
    if (exposure === undefined && gain === undefined) return [];
    if (typeof exposed !== "number" || typeof analogue !== "number" || typeof digital !== "number") {
      return ["the camera delivered no metadata, so exposure and gain could not be verified"];
    }
    const differs = (asked: number, has: number) => Math.abs(has - asked) > TOLERANCE * Math.abs(asked);
    const lines: string[] = [];
    if (exposure !== undefined && differs(exposure, exposed)) {
      lines.push(`shutter: requested ${exposure} µs, the camera exposed ${exposed} µs`);
    }
    const total = Math.round(analogue * digital * 1000) / 1000;
    if (gain !== undefined && differs(gain, total)) lines.push(`gain: requested ${gain}, the camera uses ${total}`);
    return lines;
  }
}

/** Returns the cameras that rpicam finds; none if its programs are not installed. */
export async function listRpicams(): Promise<Found[]> {
  const program = await installed().catch(() => undefined);
  if (program === undefined) return [];
  let sensors: SensorInfo[];
  try {
    sensors = await listSensors(program);
  } catch (error) {
    const toml = ['camera_type = "rpicam"'];
    return [{ name: program.program, description: "does not respond", details: [failureLine(error)], toml }];
  }
  return sensors.map(({ number, model, width, height }) => ({
    name: `rpicam camera ${number}`,
    description: model,
    details: [
      `largest image ${width}x${height}`,
      program.lossless ? `uncompressed, with ${program.program}` : `JPEG only, with ${program.program}`,
      "camera_exposure in microseconds, camera_gain from 1, camera_brightness -1 to 1, camera_contrast from 0, usually 1",
    ],
    toml: ['camera_type = "rpicam"', `camera_id = ${number}`],
  }));
}

type Metadata = Readonly<Record<string, unknown>>;

/** Returns the scalars and short lists of the metadata, and the program's messages, which are stored with the frame. */
function settingsOf(
  { program, lossless }: Program,
  size: FrameSize,
  metadata: Metadata,
  stderr: string,
): FrameSettings {
  const kept: Record<string, number | string> = {};
  for (const [name, value] of Object.entries(metadata)) {
    if (typeof value === "number" || typeof value === "string") kept[name] = value;
    else if (Array.isArray(value) && value.length <= 9) kept[name] = JSON.stringify(value);
  }
  const resolution = `${size.width}x${size.height}`;
  return { program, resolution, encoding: lossless ? "yuv420" : "jpg", ...kept, diagnostics: stderr.trim() };
}

function parseMetadata(text: string): Metadata {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : {};
  } catch {
    // Old programs write no metadata. The warnings mention it, but only if a value should have been read back.
    return {};
  }
}

/** Returns the sensor's own time stamp as monotonic ms, if it is plausible: while the program ran. */
function sensorMoment({ SensorTimestamp: ns }: Metadata, startedMs: number): number | undefined {
  if (typeof ns !== "number") return undefined;
  const ms = ns / 1e6;
  return ms >= startedMs && ms <= monotonicMs() ? ms : undefined;
}

function errorLines({ stderr }: ProgramOutput): string[] {
  const lines = stderr.split(/[\r\n]+/).filter((line) => /\bERROR\b/.test(line));
  return [...new Set(lines.map((line) => line.replace(/^\[[^\]]*\]\s*\[[^\]]*\]\s*/, "").trim()))];
}

async function listSensors({ program }: Program): Promise<SensorInfo[]> {
  const args = ["--list-cameras"];
  const output = await tryProgram({ program, args, timeoutMs: LIST_MS, maxBytes: 1 << 20, install: INSTALL });
  const text = `${output.stdout.toString()}\n${output.stderr}`;
  const sensors = [...text.matchAll(/^\s*(\d+) : (\S+) \[(\d+)x(\d+)/gm)].map(([, number, model, width, height]) => ({
    number: Number(number),
    model: model as string,
    width: Number(width),
    height: Number(height),
  }));
  if (sensors.length > 0 || output.exitCode === 0) return sensors;
  // Without a camera it exits successfully; this time it could not even search.
  const why = `exited with code ${output.exitCode}${lastWords(output.stderr)}`;
  throw new Failure("camera.unavailable", `${program} ${args[0]} ${why}`, {
    hint: "run it yourself: a missing library means an incomplete package, a permission error that you are not in the group video",
    retry: "later",
  });
}

async function installed(): Promise<Program> {
  for (const program of PROGRAMS) if (await isOnPath(program.program)) return program;
  throw new Failure("camera.unavailable", "neither rpicam-still nor libcamera-still is installed", {
    hint: INSTALL,
    retry: "later",
  });
}

/** Whether a program can be found by its name. */
export async function isOnPath(program: string): Promise<boolean> {
  for (const directory of (process.env.PATH ?? "").split(delimiter).filter((part) => part !== "")) {
    const runnable = await access(join(directory, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runnable) return true;
  }
  return false;
}
