// The process that measures one frame which may have ended the program before.
import "../src/stages/processor/apart-worker.ts";
