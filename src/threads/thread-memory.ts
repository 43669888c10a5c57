// Limits how much memory a thread may fill with garbage. By default V8 lets the heap of every new thread grow to hundreds of
// megabytes (more on larger machines) before it first collects old objects; ten threads that run for weeks would each keep that.
import type { ResourceLimits } from "node:worker_threads";

/**
 * Limits of a thread's JavaScript heap; pixels, curves and other typed arrays do not count. The limit for old objects is much
 * larger than any thread has needed: V8 derives from it how far the heap may grow between two collections.
 */
export const THREAD_LIMITS: ResourceLimits = { maxYoungGenerationSizeMb: 6, maxOldGenerationSizeMb: 512 };
