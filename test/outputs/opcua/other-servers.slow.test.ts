// What the standard permits a server and the one of the tests does not do by itself: services left out, arrays of a fixed
// length, types whose ancestors are not shown, answers that are good and yet not plain.
import { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { trustCertificate } from "../../../src/outputs/opcua/certificates.ts";
import { experiment } from "../csv/experiment.ts";
import { deliverUpTo, delivery, type NodeEntry, toml } from "./deliver.ts";
import { Plant, scratch } from "./plant.ts";

const ROIS = 4;
const FRAMES = 2;
const { directory, gone } = scratch();
let plant: Plant;
let made: ReturnType<typeof experiment>;

beforeAll(async () => {
  made = experiment(directory, ROIS);
  made.add(FRAMES, []);
  plant = await Plant.start({
    pki: join(directory, "odd"),
    noBrowsePaths: true,
    nodes: [
      { name: "Plain" },
      { name: "Long", rank: 1, length: 6 },
      { name: "Short", rank: 1, length: 2 },
      { name: "Pixel", type: "Float", ownType: true },
      { name: "Clamped", refuseWith: "GoodClamped" },
      { name: "Doubted", refuseWith: "UncertainLastUsableValue" },
      { name: "Later", refuseWith: "GoodCompletesAsynchronously" },
      { name: "Busy", refuseWith: "BadWaitingForInitialData" },
      { name: "Timeless", refusesTime: true },
      { name: "Matrix", rank: 2 },
      { name: "Guid", type: "Guid" },
      { name: "Range", type: "Range" },
      { name: "Bytes", type: "ByteString" },
      { name: "Byte", type: "Byte" },
    ],
  });
});

afterAll(async () => {
  await plant?.kill();
  made.manifest.close();
  gone();
});

/** All frames to these nodes: what the server holds then, what is refused, what was said. */
async function passed(nodes: readonly NodeEntry[]) {
  const { delivery: to, said } = delivery(directory, made.manifest, toml(plant.endpointUrl, nodes));
  const steps = await deliverUpTo(to, 0, FRAMES);
  await to.close();
  expect(steps.filter(({ failure }) => failure !== undefined)).toEqual([]);
  const refusals = steps.at(-1)?.report?.refusals ?? [];
  return {
    values: await plant.values(),
    refusals: Object.fromEntries(refusals.map(({ node, status, cure }) => [node, `${status}: ${cure}`])),
    said: said.join("\n"),
  };
}

function certificateOf(pki: string): string {
  const certs = join(pki, "own", "certs");
  return join(certs, readdirSync(certs).find((name) => name.endsWith(".pem")) ?? "none");
}

const PLAIN: NodeEntry = { node_id: "ns=2;s=Plain", roi: "000A_N", value: "position" };
const of = (name: string): NodeEntry => ({ ...PLAIN, node_id: `ns=2;s=${name}` });

test("a server without browse paths is written to by node ids, and the paths are told with the service's status", async () => {
  const browsed: NodeEntry = { browse_path: "/Objects/2:Chip/2:Plain", value: "contrast" };
  const { values, refusals } = await passed([PLAIN, browsed]);
  expect(values.Plain).toMatchObject({ value: 60.01, status: "Good" });
  expect(refusals).toEqual({ "/Objects/2:Chip/2:Plain": expect.stringMatching(/^BadServiceUnsupported: .*node_id/) });
});

test("an array shorter than the chip is refused with both numbers, a longer one gets as many values as there are ROIs", async () => {
  const all = (name: string): NodeEntry => ({ node_id: `ns=2;s=${name}`, value: "position" });
  const { values, refusals } = await passed([all("Long"), all("Short")]);
  expect(values.Long?.value).toEqual([60.01, 61.01, 62.01, 63.01]);
  expect(refusals).toEqual({ "ns=2;s=Short": expect.stringMatching(/the node has 2 values, not 4/) });
});

test("a type whose ancestors the server hides is the type of the value it holds", async () => {
  const { values, refusals } = await passed([of("Pixel")]);
  expect(values.Pixel?.type).toBe("Float");
  expect(values.Pixel?.value).toBeCloseTo(60.01, 5);
  expect(refusals).toEqual({});
});

test("a value the server clamps counts as passed and is remarked upon once; one that it takes by and by is not", async () => {
  const { refusals, said } = await passed([of("Clamped"), of("Later")]);
  expect(refusals).toEqual({});
  expect(said.match(/GoodClamped/g)).toHaveLength(1);
  expect(said).toMatch(/ns=2;s=Clamped/);
  expect(said).not.toMatch(/GoodCompletesAsynchronously/);
});

test("a value that the server will not vouch for is not counted as taken, is told with the status, and tried again", async () => {
  const { values, refusals, said } = await passed([of("Doubted"), PLAIN]);
  expect(values.Plain?.value).toBe(60.01);
  expect(refusals).toEqual({
    "ns=2;s=Doubted": expect.stringMatching(/^UncertainLastUsableValue: .*continues with the next frame/),
  });
  expect(said).not.toMatch(/accepted the value/);
});

test("a node that is not ready yet is asked again with the next frame, and holds none up", async () => {
  const { values, refusals } = await passed([of("Busy"), PLAIN]);
  expect(values.Plain?.value).toBe(60.01);
  expect(refusals["ns=2;s=Busy"]).toMatch(/^BadWaitingForInitialData: .*next frame/);
});

test("a node id or path that cannot even be sent is refused by itself", async () => {
  const far: NodeEntry = { ...PLAIN, node_id: "ns=99999;s=Plain" };
  const path: NodeEntry = { browse_path: "/Objects/99999:Chip", value: "contrast" };
  const { values, refusals } = await passed([far, path, PLAIN]);
  expect(values.Plain?.value).toBe(60.01);
  expect(refusals).toEqual({
    "ns=99999;s=Plain": expect.stringMatching(/^BadNodeIdInvalid/),
    "/Objects/99999:Chip": expect.stringMatching(/^BadBrowseNameInvalid/),
  });
});

test("types that no value of ours fits are known as such before anything is written", async () => {
  const { refusals } = await passed([of("Guid"), of("Range"), of("Bytes"), of("Matrix")]);
  expect(refusals).toEqual({
    "ns=2;s=Guid": expect.stringMatching(
      /^BadTypeMismatch: the node is a Guid, and position cannot be converted to it/,
    ),
    "ns=2;s=Range": expect.stringMatching(
      /^BadTypeMismatch: the node is a Range, and position cannot be converted to it/,
    ),
    "ns=2;s=Bytes": expect.stringMatching(/^BadTypeMismatch: .*position cannot be converted to it/),
    "ns=2;s=Matrix": expect.stringMatching(/^BadTypeMismatch: the node is a matrix/),
  });
  const everywhere = await passed([{ node_id: "ns=2;s=Matrix", value: "position" }]);
  expect(everywhere.refusals["ns=2;s=Matrix"]).toMatch(/the node is a matrix/);
});

test("a value that does not fit into its node's type is said once, with the range's cure", async () => {
  const { values, said } = await passed([{ ...of("Byte"), scale: 100 }, PLAIN]);
  expect(values.Byte?.status).toBe("BadOutOfRange");
  expect(said.match(/ns=2;s=Byte: position is outside the range of its type, Byte; .*scale and offset/g)).toHaveLength(
    1,
  );
});

test("nodes found by a path are found anew after a restart, before anything is written to their old numbers", async () => {
  const node = { access: "CurrentRead | CurrentWrite" };
  const options = { pki: join(directory, "odd"), journal: join(directory, "renumbered") };
  const before = await Plant.start({ ...options, nodes: [{ ...node, name: "Ours", id: "i=1001" }] });
  const after = new Plant({
    ...before.options,
    nodes: [
      { ...node, name: "Valve", id: "i=1001" },
      { ...node, name: "Ours", id: "i=1002" },
    ],
  });
  const entry: NodeEntry = { browse_path: "/Objects/2:Chip/2:Ours", roi: "000A_N", value: "position" };
  const { delivery: to } = delivery(directory, made.manifest, toml(before.endpointUrl, [entry]));
  try {
    await deliverUpTo(to, 0, FRAMES);
    await before.kill();
    await after.start();
    await deliverUpTo(to, FRAMES - 1, FRAMES);
    expect(await after.values()).toMatchObject({ Ours: { value: 60.01 }, Valve: { value: null } });
    expect(readFileSync(options.journal, "utf8")).not.toMatch(/Valve/);
  } finally {
    await to.close();
    await before.kill();
    await after.kill();
  }
});

test("a node that refuses time stamps alone is still told what is in doubt", async () => {
  const failed = experiment(join(directory, "failed"), ROIS);
  failed.add(1, [0]);
  const { delivery: to, said } = delivery(directory, failed.manifest, toml(plant.endpointUrl, [of("Timeless")]));
  const steps = await deliverUpTo(to, 0, 1);
  await to.close();
  failed.manifest.close();
  expect(steps.at(-1)?.report).toMatchObject({ refused: 0, withoutTime: 1, withoutStatus: 0 });
  expect((await plant.values("Timeless")).Timeless?.status).toMatch(/^Bad/);
  expect(said.join("\n")).toMatch(/Timeless\): they get no time stamp/);
});

test("limits that a server keeps and does not name are learnt once, and not again with each session", async () => {
  const many = Array.from({ length: 25 }, (_x, i) => ({ name: `Many${i}` }));
  const limits = { maxNodesPerWrite: 10, maxNodesPerRead: 40, hidesLimits: true };
  const silent = await Plant.start({ pki: join(directory, "odd"), ...limits, nodes: many });
  const entries = many.map(({ name }): NodeEntry => ({ node_id: `ns=2;s=${name}`, value: "contrast" }));
  const { delivery: to } = delivery(directory, made.manifest, toml(silent.endpointUrl, entries));
  try {
    await deliverUpTo(to, 0, FRAMES);
    const first = await silent.counts();
    expect(first.oversized).toBeGreaterThan(0);
    await to.close();
    await deliverUpTo(to, 0, FRAMES);
    const second = await silent.counts();
    expect(second.everSessions).toBe(first.everSessions + 1);
    expect(second.writes).toBeGreaterThan(first.writes);
    expect(second.oversized).toBe(first.oversized);
    expect((await silent.values("Many24")).Many24?.status).toBe("Good");
  } finally {
    await to.close();
    await silent.kill();
  }
});

test("a server that takes only small messages gets a frame in several", async () => {
  const many = Array.from({ length: 400 }, (_x, i) => ({ name: `Small${i}` }));
  const transport = { maxMessageSize: 16_384, maxChunkCount: 2, bufferSize: 8192 };
  const small = await Plant.start({ pki: join(directory, "odd"), transport, nodes: many });
  const entries = many.map(
    ({ name }): NodeEntry => ({ node_id: `ns=2;s=${name}`, value: "frame", data_type: "Double" }),
  );
  const { delivery: to } = delivery(directory, made.manifest, toml(small.endpointUrl, entries));
  try {
    const steps = await deliverUpTo(to, 0, FRAMES);
    expect(steps.at(-1)?.report).toMatchObject({ written: 400, refused: 0 });
    expect(new Set(Object.values(await small.values()).map(({ value }) => value))).toEqual(new Set([FRAMES]));
    expect((await small.counts()).everSessions).toBeLessThan(10);
  } finally {
    await to.close();
    await small.kill();
  }
});

test("a session and a channel shorter than asked for are kept, also while there is nothing to write", async () => {
  // Long enough for a machine that has other work as well.
  const shortens = { sessionMs: 8000, channelMs: 8000 };
  const hasty = await Plant.start({ pki: join(directory, "odd"), shortens, nodes: [{ name: "Plain" }] });
  const { delivery: to, said } = delivery(directory, made.manifest, toml(hasty.endpointUrl, [PLAIN]));
  try {
    await deliverUpTo(to, 0, FRAMES);
    const { keys } = await hasty.counts();
    // Two keys on: both lives are over.
    while ((await hasty.counts()).keys < keys + 2) {
      expect((await to.step(FRAMES, "")).failure).toBeUndefined();
      await sleep(200);
    }
    expect((await hasty.counts()).everSessions).toBe(1);
    expect(said.filter((line) => line.includes("connected to"))).toHaveLength(1);
  } finally {
    await to.close();
    await hasty.kill();
  }
});

test("a password that a server wants in the clear is not sent, unless that is allowed or the channel encrypts it", async () => {
  process.env.PLANT_PASSWORD = "sesame";
  const open = await Plant.start({ pki: join(directory, "odd"), wantsOpenPasswords: true, nodes: [{ name: "Plain" }] });
  const logIn = async (lines: string) => {
    const text = toml(open.endpointUrl, [PLAIN], `user_name = "plant"\npassword_env = "PLANT_PASSWORD"\n${lines}`);
    const { delivery: to } = delivery(directory, made.manifest, text);
    const { failure } = await to.step(FRAMES - 1, "");
    await to.close();
    return { failure, passwords: (await open.counts()).passwords };
  };
  try {
    const der = new X509Certificate(readFileSync(certificateOf(join(directory, "odd")))).raw;
    await trustCertificate(join(directory, "opcua"), open.endpointUrl, der);
    for (const mode of ["None", "Sign"]) {
      const { failure, passwords } = await logIn(`security_mode = "${mode}"`);
      expect(failure).toMatchObject({
        code: "opcua.refused",
        message: expect.stringMatching(/unencrypted password .*it was not sent/),
      });
      expect(failure?.hint).toMatch(/SignAndEncrypt.*password_in_clear/);
      expect(failure?.message).not.toContain("sesame");
      expect(passwords).toBe(0);
    }
    expect(await logIn('security_mode = "SignAndEncrypt"')).toEqual({ failure: undefined, passwords: 1 });
    expect(await logIn('security_mode = "None"\npassword_in_clear = true')).toEqual({
      failure: undefined,
      passwords: 2,
    });
  } finally {
    await open.kill();
  }
});
