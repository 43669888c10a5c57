// The backup's thread.
import { open } from "../src/stages/backup/worker.ts";
import { serve } from "../src/threads/host-loop.ts";

serve(open);
