// Whose certificates are trusted: ours to a server whose clock is behind, none with a short key, and none in place of another
// one unless a person says so.
import { spawn } from "node:child_process";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { OPCUACertificateManager } from "node-opcua-certificate-manager";
import { afterAll, expect, test } from "vitest";
import {
  ownCertificate,
  readCertificate,
  thumbprint,
  trustCertificate,
  trustedCertificate,
  whyOutOfDate,
  whyWeak,
} from "../../../src/outputs/opcua/certificates.ts";
import { loadLibrary } from "../../../src/outputs/opcua/library.ts";
import { PlantSession } from "../../../src/outputs/opcua/session.ts";
import { packageRoot } from "../../../src/system/files.ts";
import { hasPython, runPython } from "../../python.ts";
import { serverSettings, toml } from "./deliver.ts";
import { scratch } from "./plant.ts";
import { SHORT_CERTIFICATE } from "./short-key.ts";

const { directory, gone } = scratch();
const URL_TEXT = "opc.tcp://127.0.0.1:4841";
const DAY_MS = 86_400_000;
afterAll(gone);

/** A server's certificate, with a key of so many bits. */
async function certificate(name: string, keySize: 2048 | 3072 = 2048, startDate = new Date()): Promise<string> {
  const manager = new OPCUACertificateManager({
    rootFolder: join(directory, name),
    keySize,
    disableFileWatchers: true,
  });
  await manager.initialize();
  const outputFile = join(directory, `${name}.pem`);
  const about = { applicationUri: `urn:${name}`, dns: [name], subject: `/CN=${name}`, validity: 10 };
  await manager.createSelfSignedCertificate({ ...about, startDate, outputFile });
  await manager.dispose();
  return outputFile;
}

/** The arguments of `phorest opcua trust` with these words. */
function command(lines: string, ...words: string[]): string[] {
  const file = join(directory, "phorest.toml");
  writeFileSync(file, toml(URL_TEXT, [], `${lines}\ncertificate_dir = "${directory}/opcua"`));
  return [join(packageRoot(), "bin/phorest.js"), "opcua", "trust", "--config", file, ...words];
}

/** `phorest opcua trust` with these words, without a terminal. */
async function trust(lines: string, ...words: string[]): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, command(lines, ...words), { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (bytes: Buffer) => {
      said += bytes.toString();
    });
  }
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, said };
}

test("our own certificate is good for a server whose clock is minutes behind", async () => {
  const own = await ownCertificate(join(directory, "mine"));
  const made = new X509Certificate(readFileSync(own.certificateFile));
  for (const behindMs of [120_000, DAY_MS - 3_600_000]) {
    expect(whyOutOfDate(made, new Date(Date.now() - behindMs))).toBeUndefined();
  }
  expect(whyOutOfDate(made, new Date(Date.now() + 3649 * DAY_MS))).toBeUndefined();
  expect(whyOutOfDate(made, new Date(Date.now() - 2 * DAY_MS))).toMatch(/not valid before/);
});

test("a key of fewer than 2048 bits is refused, by name of the setting that allows it", async () => {
  const of = (modulusLength: number) => whyWeak({ publicKey: generateKeyPairSync("rsa", { modulusLength }).publicKey });
  expect(of(2048)).toBeUndefined();
  expect(of(2047)).toMatch(/2047 bits/);
  const curve = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  expect(whyWeak(curve)).toBeUndefined();

  const short = join(directory, "short.pem");
  writeFileSync(short, SHORT_CERTIFICATE);
  const refused = await trust("", "--certificate", short);
  expect(refused).toMatchObject({ said: expect.stringMatching(/1024 bits.*OPC_UA\.unsafe_short_keys = true/) });
  expect(refused.code).not.toBe(0);
  expect(trustedCertificate(join(directory, "opcua"), URL_TEXT)).toBeUndefined();

  // One that was trusted by a version that did not look. Something has to answer there before certificates are looked at.
  const answering = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  await once(answering, "listening");
  const address = `opc.tcp://127.0.0.1:${(answering.address() as AddressInfo).port}`;
  await trustCertificate(join(directory, "opcua"), address, readCertificate(short));
  const library = await loadLibrary(() => undefined);
  const open = (lines: string) =>
    PlantSession.open(library, serverSettings(directory, toml(address, [], lines)).server);
  await expect(open("")).rejects.toMatchObject({
    code: "opcua.untrusted",
    message: expect.stringMatching(/1024 bits/),
  });
  answering.close();
  await once(answering, "close");
  await expect(open("unsafe_short_keys = true")).rejects.toMatchObject({
    code: "opcua.unreachable",
  });
});

test("a trusted certificate is replaced only by a person who names the other one", async () => {
  const [first, second] = [await certificate("first"), await certificate("second", 2048, new Date("2020-01-01"))];
  const [before, after] = [first, second].map((file) => thumbprint(readCertificate(file)));
  await trustCertificate(join(directory, "opcua"), URL_TEXT, readCertificate(first));
  const pinned = () => thumbprint(trustedCertificate(join(directory, "opcua"), URL_TEXT) ?? Buffer.alloc(0));

  const silent = await trust("", "--certificate", second);
  expect(silent.code).not.toBe(0);
  expect(silent.said).toMatch(new RegExp(`${after}.*${before}.*nothing was changed.*trust --thumbprint ${after}`));
  expect(pinned()).toBe(before);

  expect((await trust("", "--certificate", first)).code).toBe(0);
  expect(pinned()).toBe(before);

  const named = await trust("", "--certificate", second, "--thumbprint", after ?? "");
  expect(named).toMatchObject({ code: 0, said: expect.stringMatching(/not usable .*expired on .*2020/) });
  expect(pinned()).toBe(after);
  expect(existsSync(join(directory, "opcua", "checked"))).toBe(true);
});

/** `phorest opcua trust` in a pseudo terminal, answering the question; prints what the terminal showed. */
const AT_TERMINAL = `
import json, os, pty, sys
answer, arguments = sys.argv[1], json.loads(sys.argv[2])
child, terminal = pty.fork()
if child == 0:
    os.execv(arguments[0], arguments)
shown = b""
asked = False
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:
        break
    if not piece:
        break
    shown += piece
    if b"Type yes" in shown and not asked:
        asked = True
        os.write(terminal, answer.encode())
_, status = os.waitpid(child, 0)
print(json.dumps({"code": os.waitstatus_to_exitcode(status), "said": shown.decode()}))
`;

test("at a terminal, both certificates are shown, and the other one is trusted when the person says yes", async ({
  skip,
}) => {
  if (!hasPython("pty")) return skip();
  const [first, second] = [await certificate("before"), await certificate("after")];
  const [before = "", after = ""] = [first, second].map((file) => thumbprint(readCertificate(file)));
  await trustCertificate(join(directory, "opcua"), URL_TEXT, readCertificate(first));
  const pinned = () => thumbprint(trustedCertificate(join(directory, "opcua"), URL_TEXT) ?? Buffer.alloc(0));
  const answered = (answer: string): { code: number; said: string } =>
    JSON.parse(
      runPython(AT_TERMINAL, answer, JSON.stringify([process.execPath, ...command("", "--certificate", second)])),
    );

  // Enter alone, Ctrl-C and Ctrl-D are no consent either.
  for (const answer of ["no\n", "\n", "y\n", "\u0003", "\u0004"]) {
    const { code, said } = answered(answer);
    expect(said).toMatch(new RegExp(`trusted +${before} .*\\r\\nnew +${after} `));
    expect(said).toMatch(/nothing was changed/);
    expect(said).not.toMatch(/AbortError/);
    expect(code).toBe(1);
    expect(pinned()).toBe(before);
  }
  const { code, said } = answered("yes\n");
  expect(said).toMatch(new RegExp(`trusted for ${URL_TEXT}`));
  expect(code).toBe(0);
  expect(pinned()).toBe(after);
});
