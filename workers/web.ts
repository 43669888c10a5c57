// The page's thread.
import "../src/web/worker.ts";
