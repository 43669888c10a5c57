// The OPC UA output's thread.
import { open } from "../src/outputs/opcua/worker.ts";
import { serve } from "../src/threads/host-loop.ts";

serve(open);
