// TypeScript interface to the C++ kernel, and its version.
import { loadKernel } from "../native/kernel-binding.ts";
import type { KernelAnswer } from "./kernel-answer.ts";

/** The C++ functions. Enumerations are passed as their index, in the order of METHODS and so on. */
interface Native {
  measure(
    pixels: Uint8Array | Uint16Array,
    width: number,
    height: number,
    angleDegrees: number,
    rois: Float64Array,
    subRois: number,
    sampling: number,
    bitDepthScaling: number,
    tasks: readonly NativeTask[],
    depth: Int32Array,
    darkLevel: number,
  ): NativeAnswer[];
  statistics(columns: Float64Array, status: Uint8Array, rowStart: Int32Array, quantities: number): Float64Array;
  summaries(
    columns: Float64Array,
    status: Uint8Array,
    rowStart: Int32Array,
    quantities: number,
    standardError: Float64Array,
    explained: Float64Array,
    peakToNoise: Float64Array,
    positionColumn: number,
    widthColumn: number,
    rounding: number,
  ): Float64Array;
  robustLine(positions: Float64Array): [start: number, slope: number];
  version(): string;
}

type NativeAnswer = Omit<KernelAnswer, "depth"> & { readonly depth: Int32Array };

interface NativeTask {
  readonly method: number;
  readonly jointLine: number;
  readonly lines?: Uint8Array;
  readonly findsForms?: boolean;
  readonly anchors?: Float64Array;
  readonly reference?: Uint16Array;
  readonly grow?: boolean;
}

/** Returns the loaded kernel. Throws Failure `installation.broken` if it cannot be loaded. */
export function native(): Native {
  return loadKernel() as Native;
}

/**
 * Returns the kernel's version, which is raised whenever its results change. It does not depend on the vector unit: results of
 * different units differ by far less than the standard error, and an experiment that moves to another processor continues with
 * the same analysis.
 */
export function kernelVersion(): string {
  return native().version().split("/", 1)[0] ?? "";
}

/** Returns the vector unit that the kernel uses here: "avx512", "avx2" or "baseline". */
export function vectorUnit(): string {
  return native().version().split("/")[1] ?? "";
}
