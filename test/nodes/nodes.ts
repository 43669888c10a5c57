// `npm run test:nodes [-- VERSION...]`: proves that the present commit works with each Node.js that is supported: sets it up
// from nothing with that Node.js (official builds from the package registry), runs the quick tests, and runs an experiment
// of 20 frames to its end. Takes about five minutes a version. Prints a table for docs/install.md.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, stripVTControlCharacters } from "node:util";
import { PackingError, run, say } from "../../scripts/package/steps.ts";

const root = join(fileURLToPath(import.meta.url), "../../..");
/** The oldest supported release, and the newest of each line since. */
const SUPPORTED = ["20.19", "22", "24", "26"];
const FRAMES = 20;

interface Proof {
  readonly version: string;
  readonly setUpSeconds: number;
  readonly tests: string;
  readonly frames: string;
}

function timed<T>(work: () => T): { readonly value: T; readonly seconds: number } {
  const startedMs = performance.now();
  const value = work();
  return { value, seconds: (performance.now() - startedMs) / 1000 };
}

/** Installs the official build of a Node.js below `within`; returns what to set in the environment to use it. */
function installNode(within: string, wanted: string): { readonly version: string; readonly env: NodeJS.ProcessEnv } {
  const place = join(within, `node-${wanted}`);
  mkdirSync(place);
  const name = `node-linux-${process.arch}`;
  const args = ["install", "--no-save", "--ignore-scripts", "--prefix", place, `${name}@${wanted}`];
  run("npm", args, { cwd: place, what: `fetching Node.js ${wanted}` });
  const prefix = join(place, "node_modules", name);
  const env = {
    PATH: [join(prefix, "bin"), process.env.PATH].join(delimiter),
    // Its own headers, so that nothing is fetched to compile against.
    npm_config_nodedir: prefix,
    // The tests that this process itself may be one of must not decide for the others.
    NODE_OPTIONS: "",
  };
  const version = run("node", ["--version"], { cwd: place, env, what: `starting Node.js ${wanted}` }).trim();
  if (!version.startsWith(`v${wanted}.`))
    throw new PackingError(`Node.js ${wanted} was wanted, ${version} was started`);
  return { version, env };
}

/** Twenty frames of the simulated chip; throws unless the run ended by itself, with 0, and measured them all. */
function runExperiment(checkout: string, experiment: string, env: NodeJS.ProcessEnv): string {
  mkdirSync(experiment);
  const args = [join(checkout, "bin/phorest.js"), "run", "--frames", `${FRAMES}`, "--until-idle"];
  const { status, signal, stdout, stderr } = spawnSync("node", args, {
    cwd: experiment,
    env: { ...process.env, ...env },
    encoding: "utf8",
    timeout: 600_000,
  });
  const found = /(\d+) frames? captured, (\d+) measured, (\d+) failed/.exec(stdout);
  if (status !== 0 || found?.[2] !== `${FRAMES}`) {
    const end = stderr.trim().split("\n").slice(-5).join("\n");
    throw new PackingError(`the run ended with ${signal ?? status}: ${stdout.trim()}\n${end}`);
  }
  return found[0];
}

function prove(within: string, wanted: string): Proof {
  const { version, env } = installNode(within, wanted);
  const directory = join(within, `checkout-${wanted}`);
  run("git", ["clone", "--quiet", root, directory], { cwd: within, what: "git clone" });
  say(`${version}: npm ci`);
  const { seconds } = timed(() => run("npm", ["ci"], { cwd: directory, env, what: `npm ci with ${version}` }));
  say(`${version}: quick tests`);
  const told = run("npm", ["run", "test:quick"], { cwd: directory, env, what: `quick tests with ${version}` });
  const tests = (/Tests\s+(.*passed[^\n]*)/.exec(stripVTControlCharacters(told))?.[1] ?? "").replaceAll(" | ", ", ");
  say(`${version}: ${FRAMES} frames`);
  const frames = runExperiment(directory, join(within, `experiment-${wanted}`), env);
  rmSync(directory, { recursive: true });
  return { version, setUpSeconds: seconds, tests, frames };
}

function main(): void {
  const { positionals } = parseArgs({ allowPositionals: true });
  const within = mkdtempSync(join(tmpdir(), "phorest-nodes-"));
  try {
    const proofs = (positionals.length > 0 ? positionals : SUPPORTED).map((wanted) => prove(within, wanted));
    const rows = proofs.map(
      ({ version, setUpSeconds, tests, frames }) =>
        `| ${version} | ${setUpSeconds.toFixed(0)} s | ${tests} | ${frames} |`,
    );
    process.stdout.write(
      `| Node.js | npm ci | quick tests | ${FRAMES} frames |\n|---|---|---|---|\n${rows.join("\n")}\n`,
    );
  } finally {
    rmSync(within, { recursive: true, force: true });
  }
}

try {
  main();
} catch (error) {
  if (!(error instanceof PackingError)) throw error;
  process.stderr.write(`phorest: ${error.message}\n`);
  process.exitCode = 1;
}
