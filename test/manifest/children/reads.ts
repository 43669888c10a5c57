// Prints the counts of a manifest opened for reading.
import { writeSync } from "node:fs";
import { Manifest } from "../../../src/manifest/manifest.ts";
import { manifestFile } from "../frames.ts";

const manifest = Manifest.open({ file: manifestFile(process.argv[2] ?? ""), readonly: true });
writeSync(1, `${JSON.stringify(manifest.history.counts())}\n`);
manifest.close();
