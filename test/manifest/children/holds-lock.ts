// Takes the experiment's lock and keeps it until killed.
import { writeSync } from "node:fs";
import { lockExperiment } from "../../../src/manifest/lock.ts";

lockExperiment(process.argv[2] ?? "");
writeSync(1, "locked\n");
setInterval(() => undefined, 1000);
