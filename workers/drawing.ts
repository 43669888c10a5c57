// The thread that draws one figure.
import "../src/figures/drawing-worker.ts";
