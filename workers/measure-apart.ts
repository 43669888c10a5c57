// The process that measures one frame that may have ended the program before.
import "../src/stages/processor/apart-worker.ts";
