// Runs v4l2-ctl and parses its output. v4l2.ts decides what to do with a camera.

import type { FrameSize } from "../image/raw-pixels.ts";
import { type ProgramOutput, runProgram, tryProgram } from "../system/program.ts";

/** A control of the driver, as `--list-ctrls-menus` shows it. */
export interface Control {
  readonly name: string;
  readonly type: string;
  readonly min?: number;
  readonly max?: number;
  readonly step?: number;
  readonly default?: number;
  readonly value?: number;
  /** Values that the driver accepts, for a menu. */
  readonly menu: readonly number[];
}

/** A pixel format with its sizes; no sizes if the driver lists none, or a range. */
export interface Format {
  /** Four-character code without padding, followed by "-BE" for big-endian formats. */
  readonly code: string;
  readonly compressed: boolean;
  readonly sizes: readonly FrameSize[];
}

export interface Device {
  readonly card: string;
  readonly formats: readonly Format[];
  readonly controls: readonly Control[];
}

/** The current format. */
export interface ActiveFormat extends FrameSize {
  readonly code: string;
  readonly bytesPerLine: number;
}

const INSTALL = "install it with `apt install v4l-utils`";
const TEXT_BYTES = 1 << 20;
/** Timeout of queries, which take milliseconds, and seconds on a busy computer; a slower driver hangs. */
export const QUESTION_MS = 20_000;

/** One device, accessed through v4l2-ctl. All methods throw as runProgram does. */
export class V4l2Ctl {
  readonly device: string;
  private readonly timeoutMs: number;

  constructor(device: string, timeoutMs: number) {
    this.device = device;
    this.timeoutMs = timeoutMs;
  }

  /** Returns card, formats and controls with one call. */
  async describe(signal?: AbortSignal): Promise<Device> {
    const { stdout } = await this.ask(["--info", "--list-formats-ext", "--list-ctrls-menus"], signal);
    const text = stdout.toString();
    return { card: cardOf(text), formats: parseFormats(text), controls: parseControls(text) };
  }

  /** Sets controls; returns the reason if the driver refused, otherwise undefined. */
  async set(values: ReadonlyMap<string, number>, signal?: AbortSignal): Promise<string | undefined> {
    const list = [...values].map(([name, value]) => `${name}=${value}`).join(",");
    const { exitCode, stderr } = await tryProgram(
      this.options([`--set-ctrl=${list}`], QUESTION_MS, TEXT_BYTES, signal),
    );
    return exitCode === 0 ? undefined : (stderr.trim().split(/[\r\n]+/)[0] ?? `code ${exitCode}`);
  }

  /** Returns the current values of the controls and the format. */
  async readBack(
    names: readonly string[],
    signal?: AbortSignal,
  ): Promise<{ values: Map<string, number>; format: ActiveFormat | undefined }> {
    const wanted = names.length === 0 ? [] : [`--get-ctrl=${names.join(",")}`];
    const text = (await this.ask([...wanted, "--get-fmt-video"], signal)).stdout.toString();
    const values = new Map<string, number>();
    for (const [, name, value] of text.matchAll(/^(\w+): (-?\d+)/gm)) values.set(name as string, Number(value));
    return { values, format: parseActiveFormat(text) };
  }

  /** Sets the format, skips `skip` frames and returns the next one as the driver delivers it. */
  frame(code: string, size: FrameSize | undefined, skip: number, maxBytes: number, signal?: AbortSignal) {
    const pixels = size === undefined ? "" : `width=${size.width},height=${size.height},`;
    const args = [
      `--set-fmt-video=${pixels}pixelformat=${code.padEnd(4)}`,
      "--stream-mmap",
      `--stream-skip=${skip}`,
      "--stream-count=1",
      "--stream-to=-",
    ];
    return runProgram(this.options(args, this.timeoutMs, maxBytes, signal));
  }

  private ask(args: readonly string[], signal?: AbortSignal): Promise<ProgramOutput> {
    return runProgram(this.options(args, Math.min(QUESTION_MS, this.timeoutMs), TEXT_BYTES, signal));
  }

  private options(args: readonly string[], timeoutMs: number, maxBytes: number, signal?: AbortSignal) {
    return {
      program: "v4l2-ctl",
      args: ["--device", this.device, ...args],
      timeoutMs: Math.min(timeoutMs, this.timeoutMs),
      maxBytes,
      signal,
      install: INSTALL,
    };
  }
}

function cardOf(text: string): string {
  return /^\s*Card type\s*:\s*(.+)$/m.exec(text)?.[1]?.trim() ?? "unknown camera";
}

/** Parses the controls in the output of `--list-ctrls-menus`; leaves out those without a value (buttons, classes). */
function parseControls(text: string): Control[] {
  const controls: (Control & { menu: number[] })[] = [];
  for (const line of text.split("\n")) {
    const head = /^\s*(\w+) 0x[0-9a-f]+ \((\w+)\)\s*: (.*)$/.exec(line);
    if (head !== null) {
      const [, name = "", type = "", rest = ""] = head;
      const number = (key: string) => {
        const found = new RegExp(`\\b${key}=(-?\\d+)`).exec(rest)?.[1];
        return found === undefined ? undefined : Number(found);
      };
      const [min, max, step, value] = [number("min"), number("max"), number("step"), number("value")];
      const known = { min, max, step, default: number("default"), value };
      if (value !== undefined) controls.push({ name, type, ...withoutGaps(known), menu: [] });
      continue;
    }
    const choice = /^\s+(\d+): /.exec(line)?.[1];
    if (choice !== undefined) controls.at(-1)?.menu.push(Number(choice));
  }
  return controls;
}

function withoutGaps<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/** Parses the formats in the output of `--list-formats-ext`. */
export function parseFormats(text: string): Format[] {
  const formats: { code: string; compressed: boolean; sizes: FrameSize[] }[] = [];
  for (const line of text.split("\n")) {
    const head = /^\s*\[\d+\]: '(.{4}(?:-BE)?)' \((.*)\)$/.exec(line.trimEnd());
    if (head !== null) {
      const [, code = "", description = ""] = head;
      formats.push({ code: code.trim(), compressed: description.includes("compressed"), sizes: [] });
      continue;
    }
    const size = /^\s*Size: Discrete (\d+)x(\d+)/.exec(line);
    const range = /^\s*Size: (?:Stepwise|Continuous) \d+x\d+ - (\d+)x(\d+)/.exec(line);
    const [, width, height] = size ?? range ?? [];
    if (width !== undefined) formats.at(-1)?.sizes.push({ width: Number(width), height: Number(height) });
  }
  return formats;
}

/** Parses the format in the output of `--get-fmt-video`; undefined if it cannot be read. */
function parseActiveFormat(text: string): ActiveFormat | undefined {
  const size = /Width\/Height\s*:\s*(\d+)\/(\d+)/.exec(text);
  const code = /Pixel Format\s*:\s*'(.{4}(?:-BE)?)'/.exec(text)?.[1]?.trim();
  const bytesPerLine = /Bytes per Line\s*:\s*(\d+)/.exec(text)?.[1];
  if (size === null || code === undefined) return undefined;
  return { code, width: Number(size[1]), height: Number(size[2]), bytesPerLine: Number(bytesPerLine ?? 0) };
}
