// What an outage costs: time, and never a value. The server is killed, hung and revived, and so is phorest.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { phorest, QUICK_CONFIG, start } from "../../run/program.ts";
import { experiment } from "../csv/experiment.ts";
import { deliverUpTo, delivery, type NodeEntry, toml } from "./deliver.ts";
import { freePort, JOURNAL_START, journalOf, Plant, scratch } from "./plant.ts";

const { directory, gone } = scratch();
const journal = join(directory, "journal");
const FRAME: NodeEntry = { node_id: "ns=2;s=Frame", value: "frame" };
let plant: Plant;

beforeAll(async () => {
  const nodes = [
    { name: "Frame", type: "UInt32" },
    { name: "All", rank: 1 },
  ];
  plant = await Plant.start({ pki: join(directory, "pki"), journal, nodes });
});

afterAll(async () => {
  plant?.signal("SIGCONT");
  await plant?.kill();
  gone();
});

/** Frames in the order in which the server got them. */
const written = (): number[] =>
  journalOf(journal, "Frame")
    .flat()
    .map(({ value }) => Number(value));

/** What is left when every frame that was already there is left out: repeats and the newest ahead of its turn. */
const inOrder = (frames: readonly number[], newest: number): number[] =>
  frames.filter((frame, at) => frame !== newest && !frames.slice(0, at).includes(frame));

test("1,000 frames reach a server that is killed, revived and hung in between: none lost, in order, few sessions", {
  timeout: 600_000,
}, async () => {
  const { manifest, add } = experiment(join(directory, "thousand"), 2);
  add(1000);
  const lines =
    'security_mode = "None"\nmax_frames_per_second = 400\nrequest_timeout_seconds = 5\nconnect_timeout_seconds = 5';
  const nodes = [FRAME, { node_id: "ns=2;s=All", value: "position" }];
  const { delivery: to } = delivery(join(directory, "thousand"), manifest, toml(plant.endpointUrl, nodes, lines));
  const first = await deliverUpTo(to, 0, 100);
  const at = first.at(-1)?.cursor ?? 0;
  expect(at).toBeLessThan(1000);

  await plant.kill();
  const away = await to.step(at, "");
  expect(away).toMatchObject({ cursor: at, frames: 0 });
  expect(away.failure?.code).toMatch(/^opcua\.(unreachable|lost)$/);
  await plant.start();
  const back = await deliverUpTo(to, at, at + 1);
  // The newest at once, then the backlog.
  expect((await plant.values("Frame")).Frame?.time).not.toBeNull();
  const resumed = back.at(-1)?.cursor ?? 0;

  const { everSessions } = await plant.counts();
  plant.signal("SIGSTOP");
  const hung = await to.step(resumed, "");
  expect(hung.failure?.code).toMatch(/^opcua\.(timeout|lost)$/);
  expect(hung.failure?.message).toMatch(/did not respond within 5 s|no longer responds/);
  plant.signal("SIGCONT");
  const rest = await deliverUpTo(to, hung.cursor, 1000);
  expect((await plant.values("Frame")).Frame).toMatchObject({ value: 1000, status: "Good" });
  // None is begun without need; a busy machine may look like a server that hangs.
  const failures = rest.filter(({ failure }) => failure !== undefined).length;
  expect((await plant.counts()).everSessions - everSessions).toBeLessThanOrEqual(2 + failures);
  await to.close();
  manifest.close();
  expect(inOrder(written(), 1000)).toEqual(Array.from({ length: 999 }, (_x, i) => i + 1));
});

/** A way to the plant's server on which its machine can lose its power and have it back at once: what it knew of connections is gone. */
async function powered(to: Plant) {
  const port = await freePort();
  const clients = new Set<Socket>();
  const forgotten = new Set<Socket>();
  const way = createServer((client) => {
    clients.add(client);
    const server = connect(Number(new URL(to.endpointUrl).port), "127.0.0.1");
    client.on("data", (bytes) => (forgotten.has(client) ? client.resetAndDestroy() : server.write(bytes)));
    server.on("data", (bytes) => forgotten.has(client) || client.write(bytes));
    for (const end of [client, server]) end.on("error", () => undefined);
    client.on("close", () => server.destroy());
  });
  await new Promise<void>((resolve) => way.listen(port, "127.0.0.1", resolve));
  return {
    endpointUrl: to.endpointUrl.replace(/:\d+/, `:${port}`),
    lose: () => {
      for (const client of clients) forgotten.add(client);
    },
    close: () => {
      for (const client of clients) client.destroy();
      way.close();
    },
  };
}

test("a server whose machine lost its power is noticed and given its values again, though nothing is new", async () => {
  const home = join(directory, "power");
  const { manifest, add } = experiment(home, 2);
  add(3);
  const way = await powered(plant);
  const { delivery: to } = delivery(home, manifest, toml(way.endpointUrl, [FRAME]));
  await deliverUpTo(to, 0, 3);
  const { everSessions } = await plant.counts();
  const before = (await plant.counts()).writes;
  way.lose();
  const looked = async () => {
    await to.step(3, "");
    return (await plant.counts()).everSessions - everSessions;
  };
  // Far less than the library's own pace, which follows the session's time-out.
  await expect.poll(looked, { timeout: 60_000, interval: 100 }).toBe(1);
  expect((await plant.counts()).writes).toBeGreaterThan(before);
  expect((await plant.values("Frame")).Frame).toMatchObject({ value: 3, status: "Good" });
  await to.close();
  way.close();
  manifest.close();
});

test("backlog latest: only the newest frame is sent after an outage", async () => {
  const { manifest, add } = experiment(join(directory, "latest"), 2);
  add(20);
  const lines = 'security_mode = "None"\nbacklog = "latest"';
  const { delivery: to } = delivery(join(directory, "latest"), manifest, toml(plant.endpointUrl, [FRAME], lines));
  const before = written().length;
  expect(await to.step(0, "")).toMatchObject({ cursor: 20, more: false, failure: undefined });
  expect(written().slice(before)).toEqual([20]);
  await to.close();
  manifest.close();
});

test("phorest killed in between: the next run sends what was missing, and each frame is in the CSV once", async () => {
  const home = join(directory, "run");
  mkdirSync(home);
  writeFileSync(journal, `${JOURNAL_START}\n`);
  writeFileSync(join(home, "config.toml"), QUICK_CONFIG + toml(plant.endpointUrl, [FRAME]));
  const { child, ended } = start(["run"], home);
  await expect.poll(() => written().length >= 3 || child.exitCode !== null, { timeout: 240_000 }).toBe(true);
  child.kill("SIGKILL");
  await ended;
  const { code, stderr, stdout } = await phorest(["run", "--frames", "2", "--until-idle"], home);
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/^2 frames captured[^\n]*\n$/);
  const frames = new Set(written());
  const newest = Math.max(...frames);
  expect([...frames].sort((a, b) => a - b)).toEqual(Array.from({ length: newest }, (_x, i) => i + 1));
  const status = JSON.parse((await phorest(["status", "--json"], home)).stdout);
  expect(status.outputs).toEqual([
    { name: "csv", waiting: 0 },
    { name: "opcua", waiting: 0 },
  ]);
  expect(status.opcUa).toMatchObject({ written: 1, refused: 0 });
});

test("a server that is not there delays nothing: the CSV is whole, the frames wait, and the run says so", async () => {
  const home = join(directory, "alone");
  mkdirSync(home);
  const nowhere = `opc.tcp://127.0.0.1:${await freePort()}/plant`;
  writeFileSync(join(home, "config.toml"), QUICK_CONFIG + toml(nowhere, [FRAME]));
  const { code, stdout } = await phorest(["run", "--frames", "3", "--until-idle"], home);
  expect(code).toBe(1);
  expect(stdout).toContain("no program listens there; 3 frames waiting for the next run");
  const status = JSON.parse((await phorest(["status", "--json"], home)).stdout);
  expect(status.outputs).toEqual([
    { name: "csv", waiting: 0 },
    { name: "opcua", waiting: 3 },
  ]);
});

test("frames that are still being measured when the run ends are counted at its end as in status", async () => {
  const home = join(directory, "counted");
  mkdirSync(home);
  const nowhere = `opc.tcp://127.0.0.1:${await freePort()}/plant`;
  // Pictures come faster than they are measured: some are in hand at the end.
  const fast = QUICK_CONFIG.replace("collector_interval_seconds = 0.05", "collector_interval_seconds = 0.001");
  writeFileSync(join(home, "config.toml"), fast + toml(nowhere, [FRAME]));
  const { stdout } = await phorest(["run", "--frames", "40"], home);
  const status = JSON.parse((await phorest(["status", "--json"], home)).stdout);
  const [, opcua] = status.outputs;
  expect(opcua).toMatchObject({ name: "opcua", waiting: status.counts.processed });
  expect(stdout).toContain(`; ${opcua.waiting} frames waiting for the next run`);
  expect((await phorest(["status"], home)).stdout).toContain(`, ${opcua.waiting} waiting for the OPC UA server`);
});

test("what cannot work is refused before anything is started", async () => {
  const home = join(directory, "refused");
  mkdirSync(home);
  const attempt = async (text: string) => {
    writeFileSync(join(home, "config.toml"), QUICK_CONFIG + text);
    const { code, stderr } = await phorest(["run", "--frames", "1"], home);
    return `${code} ${stderr.trim()}`;
  };
  const url = "opc.tcp://127.0.0.1:4840";
  expect(await attempt('[Communication]\nmethod = "OPC_UA"\n')).toMatch(
    /^2 .*endpoint_url is missing[^\n]*\n.*nodes is empty/,
  );
  expect(await attempt(toml(url, [FRAME], 'user_name = "plant"'))).toMatch(
    /^2 .*the password is missing.*PHOREST_OPCUA_PASSWORD/,
  );
  expect(await attempt(toml(url, [{ node_id: "ns=2;s=A", value: "middle" }]))).toMatch(/^2 .*unknown value/);
  expect(await attempt(toml(url, [{ node_id: "ns=2;s=A", value: "resonance.median" }]))).toMatch(
    /^2 .*gaussian has no resonance/,
  );
  expect(existsSync(join(home, "data"))).toBe(false);
});
