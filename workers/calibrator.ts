// The calibrator's thread.

import { serve } from "../src/threads/host-loop.ts";
import { open } from "../src/web/calibrator-worker.ts";

serve(open);
