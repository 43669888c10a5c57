// What `phorest opcua check` and `browse` show of a server's nodes.
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { browseBelow } from "../../../src/outputs/opcua/browse.ts";
import { readCertificate, trustCertificate } from "../../../src/outputs/opcua/certificates.ts";
import { inspect } from "../../../src/outputs/opcua/inspect.ts";
import { loadLibrary } from "../../../src/outputs/opcua/library.ts";
import { connectionRemedyFor } from "../../../src/outputs/opcua/remedies.ts";
import { PlantSession } from "../../../src/outputs/opcua/session.ts";
import { mapNodes } from "../../../src/outputs/opcua/target.ts";
import { experiment } from "../csv/experiment.ts";
import { type NodeEntry, serverSettings, toml } from "./deliver.ts";
import { freePort, Plant, scratch } from "./plant.ts";
import { SHORT_CERTIFICATE } from "./short-key.ts";
import { wayTo } from "./way.ts";

const FRAMES = 2;
const { directory, gone } = scratch();
const of = (name: string): NodeEntry => ({ node_id: `ns=2;s=${name}`, roi: "000A_N", value: "position" });
let plant: Plant;
let made: ReturnType<typeof experiment>;

beforeAll(async () => {
  made = experiment(directory, 4);
  made.add(FRAMES);
  plant = await Plant.start({
    pki: join(directory, "pki"),
    nodes: [
      { name: "Byte", type: "Byte" },
      { name: "Bytes", type: "Byte", rank: 1 },
      { name: "Float", type: "Float" },
      { name: "Guid", type: "Guid" },
      { name: "Seen", type: "Int16", rank: 1, access: "CurrentRead" },
    ],
  });
});

afterAll(async () => {
  await plant?.kill();
  made.manifest.close();
  gone();
});

test("of a server that is not there, check says that and nothing else", async () => {
  const url = `opc.tcp://127.0.0.1:${await freePort()}`;
  const { server } = serverSettings(directory, toml(url, []));
  const findings = await inspect(await loadLibrary(() => undefined), server, { targets: [], problems: [] });
  expect(findings.filter(({ well }) => !well)).toEqual([
    { subject: "server", well: false, text: expect.stringMatching(/no program listens there/) },
  ]);
});

test("check compares the values of the last frame with the ranges of the nodes", async () => {
  const text = toml(plant.endpointUrl, [
    { ...of("Byte"), scale: 100 },
    { ...of("Float"), scale: 100 },
  ]);
  const { server, nodes } = serverSettings(directory, text);
  const [latest] = made.manifest.outcomes.after(FRAMES - 1, 1);
  const mapping = mapNodes(nodes, latest?.labels ?? []);
  const findings = await inspect(await loadLibrary(() => undefined), server, mapping, latest);
  expect(findings.filter(({ well }) => !well)).toEqual([
    expect.objectContaining({
      subject: "ns=2;s=Byte <- position",
      text: expect.stringMatching(/6001, is outside its range/),
    }),
  ]);
});

test("of a list, check says how many values are out of range, and shows the first", async () => {
  const text = toml(plant.endpointUrl, [{ node_id: "ns=2;s=Bytes", value: "position", scale: 100 / 3 }]);
  const { server, nodes } = serverSettings(directory, text);
  const [latest] = made.manifest.outcomes.after(FRAMES - 1, 1);
  const mapping = mapNodes(nodes, latest?.labels ?? []);
  const findings = await inspect(await loadLibrary(() => undefined), server, mapping, latest);
  expect(findings.filter(({ well }) => !well).map(({ text }) => text)).toEqual([
    "Byte[]: 4 values of the last frame (first: 2000.33) are outside its range",
  ]);
});

test("a node that a path and a node id name is given one value, and check says so", async () => {
  const path: NodeEntry = { browse_path: "/Objects/2:Chip/2:Float", value: "contrast" };
  const { server, nodes } = serverSettings(directory, toml(plant.endpointUrl, [of("Float"), path]));
  const [latest] = made.manifest.outcomes.after(FRAMES - 1, 1);
  const findings = await inspect(await loadLibrary(() => undefined), server, mapNodes(nodes, latest?.labels ?? []));
  expect(findings.filter(({ well }) => !well)).toEqual([
    expect.objectContaining({ text: "BadEntryExists", cure: expect.stringMatching(/same node as ns=2;s=Float/) }),
  ]);
});

test("a trusted certificate that may not be used is one thing to mend, with what to do", async () => {
  const { server } = serverSettings(directory, toml(plant.endpointUrl, [], 'security_mode = "Sign"'));
  const short = join(directory, "short.pem");
  writeFileSync(short, SHORT_CERTIFICATE);
  await trustCertificate(server.certificate_dir, plant.endpointUrl, readCertificate(short));
  const findings = await inspect(await loadLibrary(() => undefined), server, { targets: [], problems: [] });
  const [weak, other, ...rest] = findings.filter(({ well }) => !well);
  expect(weak).toMatchObject({
    text: expect.stringMatching(/it has a key of 1024 bits/),
    cure: expect.stringMatching(/OPC_UA\.unsafe_short_keys/),
  });
  expect(other?.text).toMatch(/the server has another one/);
  expect(rest).toEqual([]);
});

test("browse takes a path or a node id, and shows of each variable its type and what may be done with it", async () => {
  const { server } = serverSettings(directory, toml(plant.endpointUrl, []));
  const session = await PlantSession.open(await loadLibrary(() => undefined), server);
  try {
    const found = [];
    for await (const one of browseBelow(session, "/Objects/2:Chip", 1)) found.push(one);
    expect(found).toContainEqual(
      expect.objectContaining({
        nodeId: "ns=2;s=Guid",
        nodeClass: "Variable",
        dataType: "Guid",
        access: "read and write",
      }),
    );
    expect(found).toContainEqual(
      expect.objectContaining({ nodeId: "ns=2;s=Seen", dataType: "Int16[]", access: "read" }),
    );
    expect(new Set(found.map(({ nodeId }) => nodeId)).size).toBe(found.length);
    const all = async (start: string) => {
      const nodes = [];
      for await (const one of browseBelow(session, start, 1)) nodes.push(one);
      return nodes;
    };
    expect(await all("/Objects/2:Chip/")).toEqual(found);
    expect((await all("/")).map(({ browseName }) => browseName)).toContain("Objects");
    // Nothing is below a variable: it is shown itself.
    const leaf = { depth: 0, nodeId: "ns=2;s=Guid", browseName: "2:Guid", nodeClass: "Variable", dataType: "Guid" };
    for (const start of ["/Objects/2:Chip/2:Guid", "ns=2;s=Guid"]) {
      expect(await all(start)).toEqual([{ ...leaf, access: "read and write" }]);
    }
    const nowhere = browseBelow(session, "/Objects/2:Nowhere", 1).next();
    await expect(nowhere).rejects.toMatchObject({
      code: "usage.invalid",
      message: expect.stringMatching(/BadNoMatch/),
    });
    const [objects] = [await browseBelow(session, "i=85", 1).next()];
    expect(objects.value).toMatchObject({ depth: 0, nodeClass: "Object" });
  } finally {
    await session.close();
  }
});

test("a server that lists its endpoints for no unknown client is well once it accepts us; before that, its certificate has to be exported", async () => {
  const library = await loadLibrary(() => undefined);
  const way = await wayTo(plant, { refusesOpen: library.StatusCodes.BadSecurityPolicyRejected.value });
  try {
    const { server } = serverSettings(directory, toml(way.url, [], 'security_mode = "SignAndEncrypt"'));
    const wrong = async () => {
      const findings = await inspect(library, server, { targets: [], problems: [] });
      return findings.filter(({ well }) => !well);
    };
    expect(await wrong()).toContainEqual(
      expect.objectContaining({
        subject: "endpoints",
        cure: expect.stringMatching(/export it.*trust --certificate FILE/),
      }),
    );
    const certs = join(directory, "pki", "own", "certs");
    const pem = join(certs, readdirSync(certs).find((name) => name.endsWith(".pem")) ?? "none");
    await trustCertificate(server.certificate_dir, way.url, readCertificate(pem));
    expect(await wrong()).toEqual([]);
  } finally {
    way.close();
  }
});

test("why the server ends a session that was well is told with what to do", async () => {
  const library = await loadLibrary(() => undefined);
  const way = await wayTo(plant);
  const { server } = serverSettings(directory, toml(way.url, []));
  const session = await PlantSession.open(library, server);
  try {
    way.end(library.StatusCodes.BadTcpMessageTooLarge.value);
    await expect.poll(() => session.broken, { timeout: 60_000 }).toMatch(/BadTcpMessageTooLarge "so it is"/);
    await expect(session.read([{ nodeId: "i=2255", attributeId: 13 }])).rejects.toMatchObject({
      code: "opcua.lost",
      message: expect.stringMatching(/BadTcpMessageTooLarge/),
      hint: connectionRemedyFor("BadTcpMessageTooLarge"),
    });
  } finally {
    await session.close();
    way.close();
  }
});
