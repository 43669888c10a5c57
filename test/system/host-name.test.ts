import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/config.ts";
import { encodeFailure } from "../../src/failure/failure.ts";
import { isHost } from "../../src/system/host-name.ts";

const HOSTS = [
  "127.0.0.1",
  "0.0.0.0",
  "192.168.1.20",
  "::1",
  "::",
  "fe80::1%eth0",
  "::ffff:10.0.0.1",
  "localhost",
  "lab-pc",
  "my_lab-pc.local",
  "plc.example",
  "plc.example.",
  "3com.example",
  "10.0.0.1.example",
  "labor-münchen.example",
];
const NO_HOSTS = [
  "",
  " ",
  "127.999.1.1",
  "256.0.0.1",
  "127.1",
  "1",
  "127.0.0.1.",
  "127.0.0.0.1",
  "0x7f.0.0.1",
  "0x7f000001",
  "127.0.0.01",
  "a.b.7",
  "1.2.3.4:80",
  "::1::2",
  "12345::1",
  "[::1]",
  "a b",
  "-lab",
  "lab-.example",
  "a..b",
  ".",
  "lab!",
  "http://lab",
  "lab/pc",
  "user@lab",
  "１２７.９９９.１.１",
  "x".repeat(64),
  "abcdefg.".repeat(40),
];

/** The line with which a configuration is refused; undefined where it is taken. */
function refusal(section: string, key: string, value: string): string | undefined {
  try {
    parseConfig(`[${section}]\n${key} = ${JSON.stringify(value)}\n`, "/experiment");
    return undefined;
  } catch (error) {
    const { code, message } = encodeFailure(error);
    expect(code).toBe("config.invalid");
    expect(message).toMatch(/^[^\n]+$/);
    return message;
  }
}

/** Every key that holds a host, and how it is written there. */
const KEYS: readonly (readonly [string, string, (host: string) => string])[] = [
  ["Web", "host", (host) => host],
  ["OPC_UA", "endpoint_url", (host) => `opc.tcp://${bracketed(host)}:4840/server`],
  ["OPC_UA", "endpoint_url", (host) => `opc.tcp://${bracketed(host)}`],
  ["Alarm", "webhook", (host) => `https://${bracketed(host)}/hooks/phorest?to=lab`],
  ["Alarm", "webhook", (host) => `http://user:secret@${bracketed(host)}:8080`],
];

const bracketed = (host: string): string => (/^[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*$/i.test(host) ? `[${host}]` : host);

describe.each(KEYS)("%s.%s", (section, key, written) => {
  const inUrl = written("x") !== "x";

  test("takes addresses and names of hosts", () => {
    // A zone has no place in an address of the web.
    for (const host of HOSTS.filter((one) => !(inUrl && one.includes("%")))) {
      expect(refusal(section, key, written(host)), host).toBeUndefined();
    }
  });

  test("refuses everything else, naming the key", () => {
    // A port, a path, a user and brackets are parts of an address of the web.
    const ofUrls = ["1.2.3.4:80", "[::1]", "lab/pc", "user@lab"];
    for (const host of NO_HOSTS.filter((one) => !(inUrl && ofUrls.includes(one)))) {
      expect(isHost(host), host).toBe(false);
      expect(refusal(section, key, written(host)), written(host)).toContain(`${section}.${key}`);
    }
  });
});

test.each([
  ["OPC_UA", "endpoint_url", "opc.tcp://plc:0"],
  ["OPC_UA", "endpoint_url", "opc.tcp://plc:65536"],
  ["OPC_UA", "endpoint_url", "opc.tcp://plc:port"],
  ["OPC_UA", "endpoint_url", "opc.tcp://"],
  ["OPC_UA", "endpoint_url", "http://plc"],
  ["OPC_UA", "endpoint_url", "opc.tcp://[::1"],
  ["Alarm", "webhook", "https://lab:99999/"],
  ["Alarm", "webhook", "ftp://lab/"],
  ["Alarm", "webhook", "https:///path"],
])("[%s] %s = %j is refused", (section, key, value) => {
  expect(refusal(section, key, value)).toContain(`${section}.${key}`);
});
