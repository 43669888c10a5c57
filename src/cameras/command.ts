// The command camera: any program that writes one picture to standard output and ends. It adds a vendor's SDK, a DSLR or a
// network camera without code in phorest.
import { Failure } from "../failure/failure.ts";
import { encodedFrame } from "../image/encoded.ts";
import { bitsOf, type FrameSize, frameBytes, grayOfRaw } from "../image/raw-pixels.ts";
import { lastWords, runProgram, withWords } from "../system/program.ts";
import type { CapturedFrame, Found, Source } from "./frame.ts";
import { exposureMoment } from "./timestamp.ts";
import type { DriverSettings } from "./v4l2.ts";

export interface CommandOptions {
  /**
   * Program and arguments. {exposure}, {gain}, {brightness}, {contrast} and {id} in an argument are replaced by the setting.
   */
  readonly command: readonly string[];
  /** "picture": an encoded picture; otherwise one raw frame of this format and `size`. */
  readonly format: string;
  readonly size?: FrameSize | undefined;
  readonly camera: number;
  readonly settings: DriverSettings;
  readonly timeoutMs: number;
  readonly clock: () => number;
}

const MAX_PICTURE_BYTES = 1 << 29;

export class CommandCamera implements Source {
  private readonly options: CommandOptions;
  private readonly program: string;
  private readonly args: readonly string[];
  /** Settings that the command does not use, so they have no effect. */
  private readonly unused: readonly string[];

  /** Throws Failure usage.invalid for an empty command, a raw format without a size, or a {setting} without a value. */
  constructor(options: CommandOptions) {
    this.options = options;
    const [program, ...args] = options.command;
    if (program === undefined)
      throw invalid("Camera.command is empty", 'set it, for example to ["python3", "camera.py"]');
    if (options.format !== "picture" && options.size === undefined) {
      throw invalid(`raw ${options.format} frames need Camera.width and Camera.height`, "set both, in pixels");
    }
    this.program = program;
    this.args = args.map((arg) => filled(arg, { ...options.settings, id: options.camera }));
    this.unused = Object.entries(options.settings)
      .filter(([name, value]) => value !== undefined && !args.some((arg) => arg.includes(`{${name}}`)))
      .map(([name, value]) => `Camera.command does not use {${name}}, so the setting ${value} has no effect`);
  }

  async probe(): Promise<readonly Found[]> {
    const { format, size } = this.options;
    const what = size === undefined ? format : `${size.width}x${size.height} ${format}`;
    const toml = ['camera_type = "command"', `command = ${JSON.stringify(this.options.command)}`];
    return [{ name: this.program, description: [this.program, ...this.args].join(" "), details: [what], toml }];
  }

  async open(): Promise<void> {
    // Nothing to open: each capture starts the program again.
  }

  async capture(signal: AbortSignal): Promise<CapturedFrame> {
    const { format, size, timeoutMs, clock } = this.options;
    const raw = format !== "picture" && size !== undefined ? { format, size } : undefined;
    // Twice the size of a frame, so that a program that writes too much is reported, not just cut off.
    const maxBytes = raw === undefined ? MAX_PICTURE_BYTES : 2 * frameBytes(raw.format, raw.size);
    const { program, args } = this;
    const output = await runProgram({ program, args, timeoutMs, maxBytes, signal });
    const moment = exposureMoment(clock, output.firstByteMs);
    const diagnostics = lastWords(output.stderr).slice(2);
    const settings = { program, ...(diagnostics === "" ? {} : { diagnostics }) };
    if (raw === undefined) {
      const encoded = await withWords(output.stderr, () => encodedFrame(output.stdout, program));
      return { ...moment, ...encoded, settings, warnings: this.unused };
    }
    const picture = await withWords(output.stderr, () => grayOfRaw(output.stdout, raw.format, raw.size));
    return { ...moment, picture, sensorBits: bitsOf(raw.format), settings, warnings: this.unused };
  }

  async close(): Promise<void> {
    // Nothing to close; see open.
  }
}

function filled(arg: string, values: Readonly<Record<string, number | undefined>>): string {
  return arg.replaceAll(/\{(exposure|gain|brightness|contrast|id)\}/g, (_whole, name: string) => {
    const value = values[name];
    if (value === undefined) throw invalid(`Camera.command uses {${name}}`, `set Camera.camera_${name}`);
    return String(value);
  });
}

function invalid(what: string, hint: string): Failure {
  return new Failure("usage.invalid", what, { hint });
}
