// Dies by SIGKILL after a result was written and before the transaction that writes it ends.
import { writeSync } from "node:fs";
import { Manifest } from "../../../src/manifest/manifest.ts";
import { ensureAnalysis, manifestFile, resultOf } from "../frames.ts";

const directory = process.argv[2] ?? "";
const manifest = Manifest.open({ file: manifestFile(directory) });
const analysisId = ensureAnalysis(manifest);
const [claim] = manifest.entries.claimPending(1, 1);
if (claim === undefined) throw new Error("nothing to claim");
manifest.together(() => {
  const outcomeId = manifest.complete(claim, analysisId, resultOf(10), 2);
  writeSync(1, `outcome ${outcomeId}\n`);
  process.kill(process.pid, "SIGKILL");
});
