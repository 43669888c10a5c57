// The thread that draws one picture.
import "../src/figures/drawing-worker.ts";
