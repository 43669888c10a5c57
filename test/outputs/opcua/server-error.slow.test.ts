// What a server says with an ERR message when it ends a connection reaches the person, with what to do.
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, beforeAll, expect, test } from "vitest";
import { ownCertificate, readCertificate, trustCertificate } from "../../../src/outputs/opcua/certificates.ts";
import { whySilent } from "../../../src/outputs/opcua/hello.ts";
import { inspect } from "../../../src/outputs/opcua/inspect.ts";
import { type Library, loadLibrary } from "../../../src/outputs/opcua/library.ts";
import { connectionRemedyFor } from "../../../src/outputs/opcua/remedies.ts";
import { serverErrorIn } from "../../../src/outputs/opcua/server-error.ts";
import { PlantSession } from "../../../src/outputs/opcua/session.ts";
import { serverSettings, toml } from "./deliver.ts";
import { message } from "./messages.ts";
import { scratch } from "./plant.ts";

const { directory, gone } = scratch();
let library: Library;
let server: Server | undefined;
const sockets = new Set<Socket>();

beforeAll(async () => {
  library = await loadLibrary(() => undefined);
  return gone;
});

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server?.close();
});

const ACK = message("ACK", 0, 65_536, 65_536, 0, 0);

/** A server that answers the Hello, unless `atHello`, and then ends each connection with this code. */
async function ending(code: number, { atHello = false, hangsUp = true, reason = "" } = {}): Promise<string> {
  const made = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => sockets.delete(socket));
    socket.on("data", (bytes) => {
      const isHello = bytes.toString("latin1", 0, 3) === "HEL";
      if (isHello && !atHello) return socket.write(ACK);
      const error = message("ERR", code, reason);
      if (hangsUp) socket.end(error);
      else socket.write(error);
    });
  });
  server = made;
  await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
  const address = made.address();
  return `opc.tcp://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
}

async function failureOf(url: string, lines: string) {
  const { server: settings } = serverSettings(directory, toml(url, [], lines));
  if (!lines.includes("None")) {
    const own = await ownCertificate(join(directory, "opcua"));
    await trustCertificate(join(directory, "opcua"), url, readCertificate(own.certificateFile));
  }
  const error: unknown = await PlantSession.open(library, settings).catch((thrown: unknown) => thrown);
  return error as { code: string; message: string; hint: string };
}

/** The codes of Part 6 for ERR messages, and those of Part 4 that servers send in them. */
const CODES = [
  "BadTcpServerTooBusy",
  "BadTcpMessageTypeInvalid",
  "BadTcpSecureChannelUnknown",
  "BadTcpMessageTooLarge",
  "BadTcpInternalError",
  "BadTcpNotEnoughResources",
  "BadTcpEndpointUrlInvalid",
  "BadProtocolVersionUnsupported",
  "BadSecurityChecksFailed",
  "BadSecureChannelClosed",
  "BadSecureChannelTokenUnknown",
  "BadCertificateTimeInvalid",
  "BadCertificateIssuerTimeInvalid",
  "BadCertificateHostNameInvalid",
  "BadCertificateUriInvalid",
  "BadCertificateUseNotAllowed",
  "BadCertificateIssuerUseNotAllowed",
  "BadCertificateUntrusted",
  "BadCertificateRevocationUnknown",
  "BadCertificateIssuerRevocationUnknown",
  "BadCertificateRevoked",
  "BadCertificateIssuerRevoked",
  "BadCertificateChainIncomplete",
  "BadCertificateInvalid",
  "BadSecurityPolicyRejected",
  "BadSecurityModeRejected",
  "BadNonceInvalid",
  "BadRequestTooLarge",
  "BadResponseTooLarge",
  "BadTimeout",
] as const;

test.each(CODES)("%s is named, with a cure of its own", async (name) => {
  const url = await ending(library.StatusCodes[name].value, { reason: "said so" });
  const failure = await failureOf(url, 'security_mode = "None"');
  expect(failure).toMatchObject({ code: "opcua.refused", hint: connectionRemedyFor(name) });
  expect(failure.message).toContain(`the server closed the connection: ${name} "said so"`);
  expect(failure.hint).not.toBe("check the log of the server");
});

test("so it is with security, at the Hello, and from a server that leaves the connection open", async () => {
  const { value } = library.StatusCodes.BadCertificateTimeInvalid;
  const secure = 'security_mode = "SignAndEncrypt"\nconnect_timeout_seconds = 600';
  expect((await failureOf(await ending(value), secure)).message).toMatch(/BadCertificateTimeInvalid/);
  expect((await failureOf(await ending(value, { atHello: true }), secure)).message).toMatch(
    /BadCertificateTimeInvalid/,
  );
  const open = await failureOf(await ending(value, { hangsUp: false }), 'security_mode = "None"');
  expect(open.message).toMatch(/BadCertificateTimeInvalid/);
});

test("check says it once, and not that the server describes no endpoints", async () => {
  const url = await ending(library.StatusCodes.BadTcpNotEnoughResources.value);
  const { server: settings } = serverSettings(directory, toml(url, [], 'security_mode = "None"'));
  const findings = await inspect(library, settings, { targets: [], problems: [] });
  const wrong = findings.filter(({ well }) => !well);
  expect(wrong.map(({ subject }) => subject)).toEqual(["session"]);
  expect(wrong[0]?.text).toMatch(/BadTcpNotEnoughResources/);
  expect(wrong[0]?.cure).toMatch(/no free connections .secure channels/);
});

test("a server that ends connections before it says anything has none left: that is named, and not the security", async () => {
  const made = createServer((socket) => socket.end());
  server = made;
  await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
  const address = made.address();
  const url = `opc.tcp://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  for (const mode of ["None", "Sign"]) {
    const failure = await failureOf(url, `security_mode = "${mode}"`);
    expect(failure).toMatchObject({
      code: "opcua.refused",
      message: expect.stringMatching(/without an answer/),
      hint: expect.stringMatching(/no free connections .secure channels/),
    });
  }
  const { server: settings } = serverSettings(directory, toml(url, [], 'security_mode = "None"'));
  const findings = await inspect(library, settings, { targets: [], problems: [] });
  expect(findings.filter(({ well }) => !well)).toEqual([
    expect.objectContaining({ cure: expect.stringMatching(/no free connections .secure channels/) }),
  ]);
});

test.each([
  { what: "says nothing", answers: () => undefined, seconds: 4, text: /did not respond within 4 s/ },
  {
    what: "answers the Hello and then says nothing",
    answers: (is: string) => is === "HEL" && ACK,
    seconds: 4,
    text: /did not respond/,
  },
  {
    what: "speaks another language",
    answers: () => "HTTP/1.1 400 Bad Request\r\n\r\n",
    seconds: 120,
    text: /is not an OPC UA server/,
  },
])("a server that $what is one thing to mend, and no question of certificates", async ({ answers, seconds, text }) => {
  const made = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      const answer = answers(bytes.toString("latin1", 0, 3));
      if (answer) socket.write(answer);
      if (typeof answer === "string") socket.end();
    });
  });
  server = made;
  await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
  const address = made.address();
  const url = `opc.tcp://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  const lines = `security_mode = "None"\nconnect_timeout_seconds = ${seconds}`;
  const { server: settings } = serverSettings(directory, toml(url, [], lines));
  const findings = await inspect(library, settings, { targets: [], problems: [] });
  expect(findings.filter(({ well }) => !well)).toEqual([
    expect.objectContaining({ subject: "session", text: expect.stringMatching(text) }),
  ]);
});

test("a server of another kind is recognised also if it waits for the end of a line before it answers", async () => {
  const made = createServer((socket) => {
    sockets.add(socket);
    socket.on("data", (bytes) => bytes.includes("\n") && socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  });
  server = made;
  await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
  const address = made.address();
  const url = `opc.tcp://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  expect(await whySilent(url, 120_000)).toMatchObject({ message: expect.stringMatching(/is not an OPC UA server/) });
});

test("a code without a name is shown as its number; what is no whole ERR message says nothing", () => {
  expect(serverErrorIn(library, message("ERR", 0x80ff1234, "x\u001b[2J"))).toEqual({
    status: "0x80ff1234",
    reason: "x\\x1b[2J",
  });
  expect(serverErrorIn(library, message("ERR", 0x80140000))).toEqual({
    status: "BadCertificateTimeInvalid",
    reason: "",
  });
  expect(serverErrorIn(library, message("ERR"))).toBeUndefined();
  expect(serverErrorIn(library, ACK)).toBeUndefined();
});
