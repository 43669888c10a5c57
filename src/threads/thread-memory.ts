// How much memory a thread may fill with garbage. By itself V8 lets the heap of every new thread grow to hundreds of megabytes
// before it first collects its old objects, the more the larger the machine; ten threads that run for weeks each keep that.
import type { ResourceLimits } from "node:worker_threads";

/**
 * Limits of a thread's JavaScript heap; pixels, curves and other arrays of numbers do not count. Old objects may take much
 * more than any thread has needed: V8 derives from this limit how far the heap may grow between two collections.
 */
export const THREAD_LIMITS: ResourceLimits = { maxYoungGenerationSizeMb: 6, maxOldGenerationSizeMb: 512 };
