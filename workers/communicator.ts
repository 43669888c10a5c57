// The communicator's thread.
import { open } from "../src/stages/communicator/worker.ts";
import { serve } from "../src/threads/host-loop.ts";

serve(open);
