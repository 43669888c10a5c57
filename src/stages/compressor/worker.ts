// The compressor's thread: one image at a time, at lower priority. zlib runs in this thread and not in Node's thread pool, whose
// priority is not lowered.
import { type CompressOutcome, tryCompress } from "../../archive/compress.ts";
import type { JobHandler } from "../../threads/host-loop.ts";
import { lowerPriority } from "../../threads/priority.ts";
import type { CompressorJob, CompressorSettings } from "./messages.ts";

export async function open(settings: CompressorSettings): Promise<JobHandler<CompressorJob, CompressOutcome>> {
  lowerPriority();
  return {
    run: ({ filepath, filename, sha256 }) => tryCompress(filepath, filename, sha256, settings),
    close: async () => {
      // Nothing is open between two images.
    },
  };
}
