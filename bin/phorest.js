#!/usr/bin/env node
// The command `phorest`: says plainly what is missing before anything can fail obscurely, then starts the program.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const [major, minor] = process.versions.node.split(".").map(Number);
const program = new URL("../dist/src/cli.js", import.meta.url);
const signals = new URL("../dist/src/system/stop-signals.js", import.meta.url);

if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `phorest needs Node.js 20.19 or newer, this is ${process.versions.node}: install a newer one from nodejs.org`,
  );
  process.exitCode = 2;
} else if (!existsSync(fileURLToPath(program))) {
  console.error("phorest is not built yet: run `npm ci` in its directory");
  process.exitCode = 2;
} else {
  // Before all the rest is loaded, which takes a second or more.
  const { holdStopSignals } = await import(signals);
  holdStopSignals(process.argv.slice(2));
  await import(program);
}
