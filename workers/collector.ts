// The collector's thread.
import { open } from "../src/stages/collector/worker.ts";
import { serve } from "../src/threads/host-loop.ts";

serve(open);
