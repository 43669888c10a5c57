// A server at an IPv6 address, with and without security.
import { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { trustCertificate } from "../../../src/outputs/opcua/certificates.ts";
import { inspect } from "../../../src/outputs/opcua/inspect.ts";
import { loadLibrary } from "../../../src/outputs/opcua/library.ts";
import { hostAndPort } from "../../../src/outputs/opcua/probe.ts";
import { isThere } from "../../support/needed.ts";
import { experiment } from "../csv/experiment.ts";
import { deliverUpTo, delivery, type NodeEntry, serverSettings, toml } from "./deliver.ts";
import { Plant, scratch } from "./plant.ts";

const { directory, gone } = scratch();
const NODE: NodeEntry = { node_id: "ns=2;s=Plain", roi: "000A_N", value: "position" };
const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"));
const needsIPv6 = test.skipIf(!isThere("the IPv6 address ::1", hasIPv6));
let plant: Plant;
let made: ReturnType<typeof experiment>;

beforeAll(async () => {
  made = experiment(directory, 4);
  made.add(2, []);
  if (hasIPv6) plant = await Plant.start({ pki: join(directory, "plant"), host: "::1", nodes: [{ name: "Plain" }] });
});

afterAll(async () => {
  await plant?.kill();
  made.manifest.close();
  gone();
});

needsIPv6("a server at an IPv6 address is trusted, looked at and written to like any other", async () => {
  expect(plant.endpointUrl).toMatch(/^opc\.tcp:\/\/\[::1\]:/);
  const certs = join(directory, "plant", "own", "certs");
  const pem = readFileSync(join(certs, readdirSync(certs).find((name) => name.endsWith(".pem")) ?? "none"));
  await trustCertificate(join(directory, "opcua"), plant.endpointUrl, new X509Certificate(pem).raw);
  for (const mode of ["None", "SignAndEncrypt"]) {
    const text = toml(plant.endpointUrl, [NODE], `security_mode = "${mode}"`);
    const { delivery: to } = delivery(directory, made.manifest, text);
    const steps = await deliverUpTo(to, 0, 2);
    await to.close();
    expect(steps.flatMap(({ failure }) => failure ?? [])).toEqual([]);
    const findings = await inspect(await loadLibrary(() => undefined), serverSettings(directory, text).server, {
      targets: [],
      problems: [],
    });
    expect(findings.filter(({ well }) => !well)).toEqual([]);
    expect(findings.some(({ subject }) => subject === "endpoint")).toBe(true);
  }
  expect((await plant.values("Plain")).Plain).toMatchObject({ value: 60.01, status: "Good" });
  await plant.kill();
  const { delivery: to } = delivery(directory, made.manifest, toml(plant.endpointUrl, [NODE]));
  expect((await to.step(0, "")).failure?.code).toBe("opcua.unreachable");
});

test("the brackets are no part of the address", () => {
  expect(hostAndPort("opc.tcp://[::1]:4841/plant")).toEqual({ host: "::1", port: 4841 });
  expect(hostAndPort("opc.tcp://[fd00::2]")).toEqual({ host: "fd00::2", port: 4840 });
  expect(hostAndPort("opc.tcp://plc.example")).toEqual({ host: "plc.example", port: 4840 });
});
