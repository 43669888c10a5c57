// The thread that evaluates injections for the web page.

import { serve } from "../src/threads/host-loop.ts";
import { open } from "../src/web/evaluator-worker.ts";

serve(open);
