#!/usr/bin/env node
// The command `phorest`: says plainly what is missing before anything can fail obscurely, then starts the program.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const [major, minor] = process.versions.node.split(".").map(Number);
const program = new URL("../dist/src/cli.js", import.meta.url);

if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `phorest needs Node.js 20.19 or newer, this is ${process.versions.node}: install a newer one from nodejs.org`,
  );
  process.exitCode = 2;
} else if (!existsSync(fileURLToPath(program))) {
  console.error("phorest is not built yet: run `npm ci` in its directory");
  process.exitCode = 2;
} else {
  await import(program);
}
