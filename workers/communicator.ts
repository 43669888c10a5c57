// The communicator's thread.
import { open } from "../src/outputs/csv/worker.ts";
import { serve } from "../src/threads/host-loop.ts";

serve(open);
