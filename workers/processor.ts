// A thread of the analysis pool: piscina calls the default export with each image.
export { processTask as default, ready } from "../src/stages/processor/worker.ts";
