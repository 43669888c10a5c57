// What an image promises, tried as the compose example runs it: read-only root, no capability, a user without rights.
import { once } from "node:events";
import { chownSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { command, type Execution, type Root } from "./root.ts";

export interface Image {
  readonly root: Root;
  /** The bare system it began with. */
  readonly base: string;
  readonly execution: Execution;
  readonly words: Readonly<Record<"ENTRYPOINT" | "CMD" | "HEALTHCHECK", readonly string[]>>;
}

type Say = (line: string) => void;

const CONFIG = `
[Timing]
collector_interval_seconds = 0.5
[Simulation]
width = 640
height = 480
`;
/** A health check every 30 s must not cost a measurement its processor. */
const MOST_HEALTH_CPU_S = 0.1;

/** Where the image serves the page; the proof runs in the network of this machine. */
const PAGE = { host: "127.0.0.1", port: 8080 };

/** Throws where something is not as the Dockerfile promises. */
export async function proveImage(image: Image, say: Say): Promise<void> {
  if (image.execution.user === "root" || image.execution.user === "0") throw new Error("the image runs as root");
  JSON.parse(readFileSync(image.root.inside("/usr/share/doc/phorest/phorest.cdx.json"), "utf8"));
  proveRefusals(image, say);
  await proveRun(image, say);
}

/** The volume, empty, of this owner. */
function emptyVolume({ root, execution }: Image, uid: number): string {
  const volume = root.inside(execution.directory);
  for (const name of readdirSync(volume)) rmSync(join(volume, name), { recursive: true });
  chownSync(volume, uid, uid);
  return volume;
}

/** Whose the directory was made for. */
const ownerOf = ({ root, execution }: Image) => root.idOf(execution.user);

function closed({ execution }: Image): Execution {
  return { ...execution, closed: { volume: execution.directory } };
}

/** What a start without a configuration, or in a directory of root's, says: one line, with the cure. */
function proveRefusals(image: Image, say: Say): void {
  const { root, words } = image;
  const start = () => root.outcome([...words.ENTRYPOINT, ...words.CMD], closed(image));
  const uid = ownerOf(image);
  for (const [owner, expected] of [
    [uid, /config\.toml does not exist, and PHOREST_REQUIRE_CONFIG/],
    [0, new RegExp(`config\\.toml does not exist.*sudo chown -R ${uid}:${uid} `)],
  ] as const) {
    emptyVolume(image, owner);
    const { status, stderr } = start();
    const lines = stderr.trim().split("\n");
    if (status !== 2 || lines.length !== 1 || !expected.test(stderr)) {
      throw new Error(`without a configuration, in a directory of ${owner}: ${status}: ${stderr}`);
    }
    say(`refused with 2: ${stderr.trim()}`);
  }
  const volume = emptyVolume(image, 0);
  writeFileSync(join(volume, "config.toml"), CONFIG);
  const { status, stderr } = start();
  if (status !== 2 || !stderr.includes(`sudo chown -R ${uid}:${uid} `) || stderr.trim().includes("\n")) {
    throw new Error(`in a directory of root's: ${status}: ${stderr}`);
  }
  say(`refused with 2: ${stderr.trim()}`);
}

/** Throws where another program has the page's port: the container's network would be its own, here it is this machine's. */
export async function checkPortFree({ host, port }: typeof PAGE = PAGE): Promise<void> {
  const probe = createServer().listen(port, host);
  try {
    await once(probe, "listening");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== "EADDRINUSE") throw cause;
    throw new Error(`port ${port} of ${host} is in use, which the image needs: stop the program that has it`, {
      cause,
    });
  }
  probe.close();
  await once(probe, "close");
}

async function proveRun(image: Image, say: Say): Promise<void> {
  await checkPortFree();
  const { root, words } = image;
  const uid = ownerOf(image);
  const volume = emptyVolume(image, uid);
  writeFileSync(join(volume, "config.toml"), CONFIG);
  const before = root.outcome(words.HEALTHCHECK, closed(image)).status;
  if (before !== 1) throw new Error(`with nothing running the health check ends with ${before}, not with 1`);

  const { child, said, until, ended } = follow(image);
  await until(/processor entry 3: .* measured/);
  await until(/web page: \S+/, /web page is not available: .*/);
  const program = await theProgram(child.pid);
  // In the containers of an engine the check sees the same /tmp; here it enters that of the program.
  const health = root.outcomeBeside(program, words.HEALTHCHECK, closed(image));
  if (health.status !== 0) throw new Error(`the health check of a running program: ${health.status} ${health.stdout}`);
  if (health.cpuSeconds > MOST_HEALTH_CPU_S) throw new Error(`the health check takes ${health.cpuSeconds} s of CPU`);
  const token = await provePage(said(), volume);
  const state = readFileSync(`/proc/${program}/status`, "utf8");
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, "m").exec(state)?.[1] ?? "";
  if (!/\t1$/.test(field("NSpid"))) throw new Error(`the program is not the first process: ${field("NSpid")}`);
  if (field("CapBnd") !== "0000000000000000") throw new Error(`it holds capabilities: ${field("CapBnd")}`);
  if (!field("Uid").startsWith(`${uid}\t`)) throw new Error(`it runs as ${field("Uid")}`);
  const resident = Number.parseInt(field("VmRSS"), 10) / 1000;
  process.kill(program, "SIGTERM");
  const stoppedMs = performance.now();
  const code = await ended;
  if (code !== 0) throw new Error(`after SIGTERM it ended with ${code}: ${said()}`);
  const seconds = ((performance.now() - stoppedMs) / 1000).toFixed(1);
  say(
    `ran as ${image.execution.user} (uid ${uid}), first process, read-only root, no capability; ${resident.toFixed(0)} MB resident`,
  );
  say(
    `health ${before} before, ${health.status} while it ran, in ${health.cpuSeconds.toFixed(3)} s of CPU; SIGTERM ended it with 0 after ${seconds} s`,
  );
  say(`the page: ${token}`);
  const pictures = readdirSync(join(volume, "data")).filter((name) => /\.(png|tiff|bmp)/.test(name));
  if (pictures.length < 3) throw new Error(`only ${pictures.length} pictures in the volume`);
}

/** The page answers with the token, and without it shows nothing; returns the line that leads to it. */
async function provePage(said: string, volume: string): Promise<string> {
  const [line = "", address = ""] = /web page: (\S+) \(access token in \S+\)/.exec(said) ?? [];
  if (address !== `http://${PAGE.host}:${PAGE.port}/`)
    throw new Error(`the start does not say where the page is: ${said}`);
  const token = readFileSync(join(volume, "web_token"), "utf8").trim();
  const answer = async (headers: Record<string, string>) => (await fetch(`${address}api/state`, { headers })).status;
  const statuses = [await answer({}), await answer({ authorization: `Bearer ${token}` })];
  if (statuses.join() !== "401,200") throw new Error(`the page answers ${statuses.join()} without and with the token`);
  return line;
}

function follow({ root, words, ...image }: Image) {
  const child = root.start([...words.ENTRYPOINT, ...words.CMD], closed({ root, words, ...image }));
  let text = "";
  let gone = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
  }
  const ended = new Promise<number | null>((done) => {
    child.on("close", (code) => {
      gone = true;
      done(code);
    });
  });
  const until = async (pattern: RegExp, refusal?: RegExp) => {
    while (!pattern.test(text)) {
      const [refused] = refusal?.exec(text) ?? [];
      if (refused !== undefined) throw new Error(refused);
      if (gone) throw new Error(`the program ended: ${text}`);
      await sleep(100);
    }
  };
  return { child, said: () => text, until, ended };
}

/** The first process of the list that `unshare` made. */
async function theProgram(unshare: number | undefined): Promise<number> {
  const [program = ""] = command("ps", ["--ppid", String(unshare), "-o", "pid="])
    .trim()
    .split(/\s+/);
  if (!statSync(`/proc/${program}`).isDirectory()) throw new Error("the program is gone");
  return Number(program);
}
