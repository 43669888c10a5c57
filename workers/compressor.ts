// The compressor's thread.
import { open } from "../src/stages/compressor/worker.ts";
import { serve } from "../src/threads/host-loop.ts";

serve(open);
