// Dies by SIGKILL in the middle of a merge: after frames and results, before markers and injections.
import { writeSync } from "node:fs";
import { Manifest } from "../../../src/manifest/manifest.ts";

const [into, other]: [string, string] = JSON.parse(process.argv[2] ?? "");
const manifest = Manifest.open({ file: into });
const from = Manifest.open({ file: other, readonly: true });
from.markers.all = () => {
  writeSync(1, `merged ${manifest.history.counts().total} frames\n`);
  process.kill(process.pid, "SIGKILL");
  return [];
};
manifest.merge(from, 1);
