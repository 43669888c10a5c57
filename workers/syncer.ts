// The syncer's process.
import { open } from "../src/stages/syncer/worker.ts";
import { serve } from "../src/threads/host-loop.ts";

serve(open);
