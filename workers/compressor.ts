// The compressor's thread: one picture at a time, at lower priority. zlib runs in this thread itself and not in Node's
// pool of threads, whose priority nobody lowers.
import { type CompressOutcome, tryCompress } from "../src/archive/compress.ts";
import type { CompressorJob, CompressorSettings } from "../src/supervisor/messages.ts";
import { type Station, serve } from "./host.ts";
import { lowerPriority } from "./priority.ts";

async function open(settings: CompressorSettings): Promise<Station<CompressorJob, CompressOutcome>> {
  lowerPriority();
  return {
    run: ({ filepath, filename, sha256 }) => tryCompress(filepath, filename, sha256, settings),
    close: async () => {
      // Nothing is held open between two pictures.
    },
  };
}

serve<CompressorSettings, CompressorJob, CompressOutcome>(open);
