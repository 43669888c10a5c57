// Against a real server in its own process, over TCP: security, identities, what nodes take and refuse.
import { once } from "node:events";
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { OPCUACertificateManager } from "node-opcua-certificate-manager";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readCertificate, revokeCertificate, trustCertificate } from "../../../src/outputs/opcua/certificates.ts";
import { inspect } from "../../../src/outputs/opcua/inspect.ts";
import { loadLibrary } from "../../../src/outputs/opcua/library.ts";
import { PlantSession } from "../../../src/outputs/opcua/session.ts";
import { mapNodes } from "../../../src/outputs/opcua/target.ts";
import { experiment } from "../csv/experiment.ts";
import { deliverUpTo, delivery, type NodeEntry, serverSettings, toml } from "./deliver.ts";
import { Plant, scratch } from "./plant.ts";
import { SHORT_CERTIFICATE } from "./short-key.ts";

const ROIS = 4;
const VALUE_ONLY = "CurrentRead | CurrentWrite";
const { directory, gone } = scratch();
const library = () => loadLibrary(() => undefined);
let open: Plant;
let closed: Plant;
let ownServerCertificate: Buffer;
let made: ReturnType<typeof experiment>;

beforeAll(async () => {
  made = experiment(directory, ROIS);
  made.add(3, [1]);
  [open, closed] = await Promise.all([
    Plant.start({
      pki: join(directory, "open"),
      hostname: "plant.example",
      maxNodesPerWrite: 10,
      maxNodesPerRead: 7,
      nodes: [
        ...["Float", "Double", "SByte", "Byte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64"].map(
          (type) => ({
            name: type,
            type,
          }),
        ),
        ...["String", "DateTime", "Boolean", "Number", "Integer", "UInteger", "Duration", "BaseDataType"].map(
          (type) => ({
            name: type,
            type,
          }),
        ),
        { name: "Array", rank: 1 },
        { name: "FloatArray", type: "Float", rank: 1 },
        { name: "Bare", access: VALUE_ONLY },
        { name: "BareWhole", type: "Int16", access: VALUE_ONLY },
        { name: "ReadOnly", access: "CurrentRead" },
        { name: "Denied", userAccess: "CurrentRead" },
        { name: "Guid", type: "Guid" },
        { name: "Liar", refuseWith: "BadWriteNotSupported" },
        { name: "Broken", refuseWith: "BadDeviceFailure" },
        { name: "Beat", type: "Byte" },
        { name: "Alarm", type: "String" },
        ...Array.from({ length: 25 }, (_x, i) => ({ name: `Many${i}` })),
      ],
    }),
    Plant.start({
      pki: join(directory, "closed"),
      modes: ["SignAndEncrypt"],
      policies: ["Basic256Sha256"],
      allowAnonymous: false,
      trustsClients: false,
      nodes: [{ name: "Double" }],
    }),
  ]);
  ownServerCertificate = readCertificate(certificateOf("open"));
});

afterAll(async () => {
  await Promise.all([open?.kill(), closed?.kill()]);
  made.manifest.close();
  gone();
});

function certificateOf(pki: string): string {
  const certs = join(directory, pki, "own", "certs");
  return join(certs, readdirSync(certs).find((name) => name.endsWith(".pem")) ?? "none");
}

const POSITION: NodeEntry = { node_id: "ns=2;s=Double", roi: "000A_N", value: "position" };

/** A port of this machine that was free a moment ago. */
async function closedPort(): Promise<number> {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  taken.close();
  await once(taken, "close");
  return port;
}

/** A session by these lines of [OPC_UA]; the failure's line instead when there is none. */
async function attempt(plant: Plant, lines: string): Promise<string> {
  const { server } = serverSettings(directory, toml(plant.endpointUrl, [POSITION], lines));
  try {
    const session = await PlantSession.open(await library(), server);
    await session.close();
    return "in";
  } catch (error) {
    return `${(error as { code?: string }).code}: ${(error as { line?: string }).line ?? error}`;
  }
}

describe("security", () => {
  test("nothing is trusted silently: an unknown server is refused with the cure, and let in once trusted", async () => {
    const secure = 'security_mode = "Sign"';
    expect(await attempt(open, secure)).toMatch(/^opcua\.untrusted: .*not trusted yet \(.*phorest opcua trust\)/);
    await trustCertificate(join(directory, "opcua"), open.endpointUrl, ownServerCertificate);
    expect(await attempt(open, secure)).toBe("in");
  });

  test("a port that nobody listens on is called that, whether or not its certificate is trusted", async () => {
    const port = await closedPort();
    const { server } = serverSettings(
      directory,
      toml(`opc.tcp://127.0.0.1:${port}`, [POSITION], 'security_mode = "Sign"'),
    );
    const opening = library().then((loaded) => PlantSession.open(loaded, server, { asked: true }));
    await expect(opening).rejects.toMatchObject({
      code: "opcua.unreachable",
      message: `opc.tcp://127.0.0.1:${port}: no program listens there`,
    });
  });

  test.each(["Sign", "SignAndEncrypt"])("every policy works with %s", async (mode) => {
    await trustCertificate(join(directory, "opcua"), open.endpointUrl, ownServerCertificate);
    for (const policy of ["Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"]) {
      expect(await attempt(open, `security_mode = "${mode}"\nsecurity_policy = "${policy}"`)).toBe("in");
    }
  });

  test("our own key and certificate are made once, for our eyes alone", async () => {
    await attempt(open, 'security_mode = "None"');
    const own = join(directory, "opcua");
    const certificate = readFileSync(join(own, "own/certs/phorest.pem"), "utf8");
    expect(statSync(own).mode & 0o777).toBe(0o700);
    expect(statSync(join(own, "own/private/private_key.pem")).mode & 0o077).toBe(0);
    await attempt(open, 'security_mode = "None"');
    expect(readFileSync(join(own, "own/certs/phorest.pem"), "utf8")).toBe(certificate);
  });

  test("a certificate that has run out is refused, and so is another one than the trusted", async () => {
    const manager = new OPCUACertificateManager({ rootFolder: join(directory, "old"), disableFileWatchers: true });
    await manager.initialize();
    const make = (outputFile: string, startDate: Date) =>
      manager.createSelfSignedCertificate({
        applicationUri: "urn:old",
        dns: ["plant"],
        subject: "/CN=old",
        startDate,
        validity: 10,
        outputFile,
      });
    const [expired, other] = [join(directory, "expired.pem"), join(directory, "other.pem")];
    await make(expired, new Date("2020-01-01"));
    await make(other, new Date());
    await manager.dispose();
    const trust = (der: Buffer) => trustCertificate(join(directory, "opcua"), open.endpointUrl, der);
    await trust(readCertificate(expired));
    expect(await attempt(open, "")).toMatch(/^opcua\.untrusted: .* expired on .*2020.*renew/);
    await trust(readCertificate(other));
    expect(await attempt(open, "")).toMatch(/^opcua\.untrusted: .*is not the trusted one.*--thumbprint [0-9a-f]{40}/);
    await trust(ownServerCertificate);
    expect(await attempt(open, "")).toBe("in");
  });

  test("a server without a None endpoint is reached with its certificate from a file; it has to trust ours, too", async () => {
    process.env.PLANT_PASSWORD = "sesame";
    const login = 'user_name = "plant"\npassword_env = "PLANT_PASSWORD"';
    expect(await attempt(closed, `security_mode = "None"\n${login}`)).toMatch(/^opcua\.refused: /);
    await trustCertificate(join(directory, "opcua"), closed.endpointUrl, readCertificate(certificateOf("closed")));
    expect(await attempt(closed, login)).toMatch(/^opcua\.refused: .*trust the certificate of phorest/);
    const rejected = join(directory, "closed", "rejected");
    expect(existsSync(rejected)).toBe(true);
    const ours = readCertificate(join(directory, "opcua", "own/certs/phorest.pem"));
    await closed.ask({ do: "trust", certificate: ours.toString("base64") });
    expect(await attempt(closed, login)).toBe("in");
    expect(await attempt(closed, "")).toMatch(/^opcua\.refused: .*(BadIdentityToken|log-in)/);
  });

  test("a mode the server does not offer is named beside those it offers", async () => {
    const text = await attempt(
      closed,
      'security_policy = "Aes256_Sha256_RsaPss"\nuser_name = "plant"\npassword_env = "PLANT_PASSWORD"',
    );
    expect(text).toMatch(/^opcua\.refused: /);
  });

  test("trust ends when it is revoked", async () => {
    expect(revokeCertificate(join(directory, "opcua"), open.endpointUrl)).toBe(true);
    expect(await attempt(open, "")).toMatch(/not trusted yet/);
    await trustCertificate(join(directory, "opcua"), open.endpointUrl, ownServerCertificate);
  });
});

describe("identity", () => {
  const user = 'security_mode = "SignAndEncrypt"\nuser_name = "plant"';

  test("a right password is let in, a wrong one refused, a missing one named; none of them is ever told", async () => {
    process.env.PLANT_PASSWORD = "sesame";
    process.env.WRONG_PASSWORD = "s3same-wrong";
    expect(await attempt(open, `${user}\npassword_env = "PLANT_PASSWORD"`)).toBe("in");
    const wrong = await attempt(open, `${user}\npassword_env = "WRONG_PASSWORD"`);
    expect(wrong).toMatch(/^opcua\.login: .*(BadUserAccessDenied|BadIdentityTokenRejected).*password_file/);
    expect(wrong).not.toContain("s3same-wrong");
    expect(await attempt(open, `${user}\npassword_env = "NO_SUCH"`)).toMatch(
      /^config\.invalid: .*NO_SUCH.*password_file/,
    );
  });

  test("check says that a password without security can be read on the way", async () => {
    process.env.PLANT_PASSWORD = "sesame";
    const lines = 'security_mode = "None"\nuser_name = "plant"\npassword_env = "PLANT_PASSWORD"';
    const { server } = serverSettings(directory, toml(open.endpointUrl, [POSITION], lines));
    const findings = await inspect(await library(), server, mapNodes([], []));
    expect(findings.find(({ subject }) => subject === "password")).toMatchObject({
      well: false,
      cure: 'security_mode = "SignAndEncrypt"',
    });
    expect(findings.find(({ subject }) => subject === "session")).toMatchObject({ well: true });
  });

  test("a password file must be its owner's alone", async () => {
    const file = join(directory, "password");
    writeFileSync(file, "sesame\n", { mode: 0o644 });
    const lines = `${user}\npassword_file = "${file}"`;
    expect(await attempt(open, lines)).toMatch(/^config\.invalid: .*can be read by others.*chmod 600/);
    chmodSync(file, 0o600);
    expect(await attempt(open, lines)).toBe("in");
  });

  test("an X.509 user with a short key, or with another certificate's key, is refused before anything is sent", async () => {
    const short = join(directory, "user.pem");
    writeFileSync(short, SHORT_CERTIFICATE);
    const key = join(directory, "opcua", "own/private/private_key.pem");
    const lines = `user_certificate_file = "${short}"\nuser_key_file = "${key}"`;
    const refused = await attempt(open, lines);
    expect(refused).toMatch(/^config\.invalid: .*user_certificate_file.*1024 bits.*OPC_UA\.unsafe_short_keys = true/);
    expect(await attempt(open, `${lines}\nunsafe_short_keys = true`)).toMatch(
      /^config\.invalid: .*user_key_file.*does not match the certificate of the user/,
    );
  });

  test("an X.509 user is let in by certificate and key", async () => {
    const own = join(directory, "opcua", "own");
    const lines = `user_certificate_file = "${own}/certs/phorest.pem"\nuser_key_file = "${own}/private/private_key.pem"`;
    expect(await attempt(open, lines)).toBe("in");
  });
});

describe("nodes", () => {
  const WHOLE = ["SByte", "Byte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64", "Integer", "UInteger"];
  const NODES: NodeEntry[] = [
    POSITION,
    ...WHOLE.map((name) => ({ node_id: `ns=2;s=${name}`, value: "frame" })),
    { node_id: "ns=2;s=Float", roi: "000A_N", value: "standard_error", scale: 1000 },
    { node_id: "nsu=urn:phorest:test;s=String", value: "filename" },
    { node_id: "ns=2;s=DateTime", value: "captured_at" },
    { node_id: "ns=2;s=Boolean", value: "ok" },
    { node_id: "ns=2;s=Number", value: "brightness" },
    { node_id: "ns=2;s=Duration", value: "temperature.Room air" },
    { node_id: "ns=2;s=BaseDataType", roi: "000A_S", value: "shift" },
    { node_id: "ns=2;s=Array", value: "position" },
    { browse_path: "/Objects/2:Chip/2:FloatArray", roi: "001A_N", value: "median" },
    { node_id: "ns=2;s=Bare", roi: "000A_N", value: "position" },
    { node_id: "ns=2;s=BareWhole", roi: "000A_N", value: "position" },
    { node_id: "ns=2;s=ReadOnly", value: "contrast" },
    { node_id: "ns=2;s=Denied", value: "contrast" },
    { node_id: "ns=2;s=Guid", value: "contrast" },
    { node_id: "ns=2;s=Nowhere", value: "contrast" },
    { node_id: "not a node id", value: "contrast" },
    { browse_path: "/Objects/2:Chip/2:Nowhere", value: "contrast" },
    { node_id: "ns=2;s=Liar", value: "contrast" },
    { node_id: "ns=2;s=Broken", value: "contrast" },
    { node_id: "ns=2;s=Alarm", value: "alarm" },
    { node_id: "ns=2;s=Beat", value: "heartbeat" },
  ];
  const LAST_TIME = new Date(made_time(2)).toISOString();
  function made_time(frame: number): number {
    return Date.UTC(2026, 2, 4, 15, 20) + frame * 10_000;
  }

  test("each value arrives in exactly the node's type, with the capture time; refusals are told with the cure", async () => {
    const { delivery: to, said } = delivery(directory, made.manifest, toml(open.endpointUrl, NODES));
    const steps = await deliverUpTo(to, 0, 3, "the camera is away");
    expect(steps.filter(({ failure }) => failure !== undefined)).toEqual([]);
    const step = steps.at(-1);
    const values = await open.values();
    for (const name of WHOLE.slice(0, 6)) {
      expect(values[name], name).toEqual({ type: name, value: 3, status: "Good", time: LAST_TIME });
    }
    expect(values.Int64).toMatchObject({ type: "Int64", value: [0, 3] });
    expect(values.UInt64).toMatchObject({ type: "UInt64", value: [0, 3] });
    expect(values.Integer).toMatchObject({ type: "Int64", value: [0, 3] });
    expect(values.UInteger).toMatchObject({ type: "UInt64", value: [0, 3] });
    expect(values.Double).toEqual({ type: "Double", value: 60.02, status: "Good", time: LAST_TIME });
    expect(values.Float).toMatchObject({ type: "Float", value: 10 });
    expect(values.String).toMatchObject({ type: "String", value: "image_2.png" });
    expect(values.DateTime).toMatchObject({ type: "DateTime", value: LAST_TIME });
    expect(values.Boolean).toMatchObject({ type: "Boolean", value: true });
    expect(values.Number).toMatchObject({ type: "Double", value: 1 });
    expect(values.Duration).toMatchObject({ type: "Double", value: 21.02 });
    expect(values.BaseDataType).toMatchObject({ type: "Double", status: "Good" });
    expect(values.BaseDataType?.value).toBeCloseTo(0.02, 9);
    expect(values.Array).toMatchObject({ type: "Double", value: [60.02, 61.02, 62.02, 63.02] });
    expect(values.FloatArray).toMatchObject({ type: "Float", value: [2] });
    expect(values.Bare).toMatchObject({ type: "Double", value: 60.02 });
    expect(values.Bare?.time).not.toBe(LAST_TIME);
    expect(values.BareWhole).toMatchObject({ type: "Int16", value: 60 });
    expect(values.Alarm).toMatchObject({ value: "the camera is away" });
    expect(values.Beat).toMatchObject({ value: 1 });
    expect(Object.fromEntries((step?.report?.refusals ?? []).map(({ node, status }) => [node, status]))).toEqual({
      "ns=2;s=ReadOnly": "BadNotWritable",
      "ns=2;s=Denied": "BadUserAccessDenied",
      "ns=2;s=Guid": "BadTypeMismatch",
      "ns=2;s=Nowhere": "BadNodeIdUnknown",
      "not a node id": "BadNodeIdInvalid",
      "/Objects/2:Chip/2:Nowhere": "BadNoMatch",
      "ns=2;s=Liar": "BadWriteNotSupported",
      "ns=2;s=Broken": "BadDeviceFailure",
    });
    expect(step?.report?.refusals.every(({ cure }) => cure.length > 10)).toBe(true);
    expect(said.join("\n")).toMatch(/do not accept a time stamp/);
    expect(said.join("\n")).toMatch(
      /declare that they accept status and time stamp, but refuse them \(first: ns=2;s=Liar\)/,
    );
    await to.close();
  });

  test("a failed frame is Bad with its reason, and leaves what cannot say so as it was", async () => {
    const nodes = [POSITION, ...["Bare", "BareWhole"].map((name) => ({ ...POSITION, node_id: `ns=2;s=${name}` }))];
    const failing = made.manifest.outcomes.after(1, 1)[0];
    const source = {
      outcomes: { after: () => (failing === undefined ? [] : [failing]), lastId: () => 2 },
      curves: {
        after: () => made.manifest.curves.after(0),
        latest: () => made.manifest.curves.latest(0, 1),
        within: () => made.manifest.curves.within(0, 0, 1),
        countWithin: () => 0,
      },
      markers: made.manifest.markers,
      archives: made.manifest.archives,
      analyses: made.manifest.analyses,
      results: made.manifest.results,
    };
    const { delivery: to, said } = delivery(directory, source, toml(open.endpointUrl, nodes));
    expect((await to.step(1, "")).failure).toBeUndefined();
    expect(
      said.filter((line) => /BareWhole .*it keeps its last value while there is no new one/.test(line)),
    ).toHaveLength(1);
    await to.close();
    const values = await open.values();
    expect(values.Double).toMatchObject({ value: "NaN", status: "BadSensorFailure" });
    expect(values.Bare).toMatchObject({ value: "NaN" });
    expect(values.BareWhole).toMatchObject({ value: 60, status: "Good" });
  });

  test("one frame is split into Writes no larger than the server's limit", async () => {
    const nodes = Array.from({ length: 25 }, (_x, i) => ({ ...POSITION, node_id: `ns=2;s=Many${i}` }));
    const { delivery: to, said } = delivery(directory, made.manifest, toml(open.endpointUrl, nodes));
    const before = await open.counts();
    await to.step(2, "");
    await to.close();
    const { writes } = await open.counts();
    expect(writes - before.writes).toBe(3);
    expect(said.join("\n")).toContain("up to 10 nodes per write");
    const values = await open.values();
    for (const { node_id } of nodes) expect(values[node_id.slice(7)]?.value).toBe(60.02);
  });

  test("check says of each node what it is, what it takes and what to do", async () => {
    const { server, nodes } = serverSettings(directory, toml(open.endpointUrl, NODES));
    const labels = made.manifest.analyses.all().at(-1)?.labels ?? [];
    const findings = await inspect(await library(), server, mapNodes(nodes, labels));
    const of = (subject: string) => findings.find((one) => one.subject.startsWith(subject));
    expect(findings.filter(({ subject }) => subject === "endpoint").length).toBeGreaterThan(3);
    expect(of("limits")?.text).toContain("write 10");
    expect(of("ns=2;s=Double")).toMatchObject({ well: true, text: "Double" });
    expect(of("ns=2;s=Bare ")).toMatchObject({ well: true, text: "Double, does not accept a time stamp or status" });
    expect(of("ns=2;s=Nowhere")).toMatchObject({ well: false, text: "BadNodeIdUnknown" });
  });

  test("a channel whose keys are renewed again and again goes on", async () => {
    const lines = 'security_mode = "SignAndEncrypt"\nchannel_lifetime_seconds = 8';
    const { delivery: to, said } = delivery(directory, made.manifest, toml(open.endpointUrl, [POSITION], lines));
    const { keys } = await open.counts();
    const renewed = async () => {
      expect((await to.step(2, "")).failure).toBeUndefined();
      return (await open.counts()).keys - keys;
    };
    // Those of the beginning, and two renewals: they come after three quarters of the life.
    await expect.poll(renewed, { timeout: 120_000, interval: 100 }).toBeGreaterThanOrEqual(3);
    await to.close();
    expect(said.filter((line) => line.includes("connected to"))).toHaveLength(1);
  });
});
