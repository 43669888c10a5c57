// The health stage's thread.
import { open } from "../src/stages/health/worker.ts";
import { serve } from "../src/threads/host-loop.ts";

serve(open);
