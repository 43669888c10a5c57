// Which headers are taken for what they say, and which are refused because programs read them differently.
import { describe, expect, test } from "vitest";
import { refusal } from "../../src/web/auth.ts";
import { malformed } from "../../src/web/head.ts";
import { isLoopback, parseHost } from "../../src/web/host.ts";
import { mediaType } from "../../src/web/media-type.ts";
import { TOKEN } from "./server.ts";

/** The status a request to a page on `served` is refused with; undefined where it may go on. */
function statusOf(
  headers: Readonly<Record<string, string>>,
  method = "GET",
  path = "/api/state",
  served = "127.0.0.1",
) {
  return refusal({ method, path, header: (name) => headers[name] }, served, TOKEN)?.status;
}

describe("Host", () => {
  test.each([
    "127.0.0.1",
    "127.0.0.1:8080",
    "127.0.0.1:",
    "127.8.9.10:1",
    "localhost",
    "LocalHost:65535",
    "localhost.",
    "[::1]",
    "[::1]:8080",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::FFFF:7f00:1]:80",
  ])("%j is the machine's own", (host) => {
    expect(statusOf({ host })).toBeUndefined();
  });

  test.each([
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example:8080",
    "evil.localhost",
    "my_lab-pc",
    "128.0.0.1",
    "10.0.0.1:8080",
    "0.0.0.0",
    "[::2]",
    "[::]",
    "[::ffff:10.0.0.1]",
    "xn--lcalhost-54a",
  ])("%j is a host, and not this one", (host) => {
    expect(parseHost(host)).toBeDefined();
    expect(statusOf({ host })).toBe(403);
    // Elsewhere the token decides.
    expect(statusOf({ host }, "GET", "/api/state", "0.0.0.0")).toBe(401);
  });

  test.each([
    "",
    " ",
    "127.999.1.1",
    "127.0.0.256",
    "127.0.0.01",
    "127.1",
    "127.0.0",
    "2130706433",
    "0x7f.0.0.1",
    "evil.0x7f",
    "127.0.0.1.",
    "127.0.0.1.5",
    "127.0.0.1:0",
    "127.0.0.1:65536",
    "127.0.0.1:123456",
    "127.0.0.1:80:80",
    "127.0.0.1:http",
    "127.0.0.1, evil.example",
    "127.0.0.1 evil.example",
    "evil.example#127.0.0.1",
    "127.0.0.1/evil",
    "127.0.0.1\\evil",
    "user@127.0.0.1",
    "evil.example\u0000",
    "::1",
    "[::1",
    "::1]",
    "[::1]8080",
    "[127.0.0.1]",
    "[localhost]",
    "[::1%lo]",
    "[::g]",
    "[1:2:3:4:5:6:7:8:9]",
    ".localhost",
    "localhost..",
    "local host",
    "-a.example",
    "a-.example",
    "ｌocalhost",
    "１27.0.0.1",
    `${"a".repeat(64)}.example`,
    `${"a.".repeat(130)}example`,
  ])("%j is no host", (host) => {
    expect(parseHost(host)).toBeUndefined();
    expect(statusOf({ host })).toBe(400);
    expect(statusOf({ host }, "GET", "/api/state", "0.0.0.0")).toBe(400);
  });

  test("an address to listen on is the machine's own in each of its spellings", () => {
    const own = ["127.0.0.1", "127.3.2.1", "::1", "0:0:0:0:0:0:0:1", "localhost", "LOCALHOST"];
    expect(own.filter((host) => !isLoopback(host))).toEqual([]);
    expect(["127.999.1.1", "0.0.0.0", "::", "lab-pc", "127.0.0.1.evil.example", ""].filter(isLoopback)).toEqual([]);
  });
});

describe("the head of a request", () => {
  const of = (url: string, ...rawHeaders: string[]) => ({ url, rawHeaders, headers: { host: rawHeaders[1] } });

  test("what decides may stand there once only", () => {
    expect(malformed(of("/", "Host", "localhost", "Accept", "a", "accept", "b"))).toBeUndefined();
    expect(malformed(of("/", "Host", "localhost", "hOST", "localhost"))).toMatch(/host is sent more than once/);
    for (const name of ["Authorization", "Content-Type", "Origin"]) {
      expect(malformed(of("/", "Host", "localhost", name, "a", name, "b"))).toMatch(/more than once/);
    }
  });

  test("a whole URL in place of the path is refused, and so is a missing Host", () => {
    expect(malformed(of("http://localhost/api/state", "Host", "localhost"))).toMatch(/path/);
    expect(malformed({ url: "/", rawHeaders: [], headers: {} })).toMatch(/Host/);
  });
});

describe("Content-Type", () => {
  const change = (type: string, path = "/api/markers") =>
    statusOf({ host: "127.0.0.1", authorization: `Bearer ${TOKEN}`, "content-type": type }, "POST", path);

  test.each([
    "application/json",
    "Application/JSON",
    "application/json; charset=utf-8",
    'application/json;charset="UTF-8"',
  ])("%j is JSON", (type) => {
    expect(change(type)).toBeUndefined();
  });

  test.each([
    "",
    "application/jsonx",
    "application/json-patch+json",
    "application/json/x",
    "application",
    "text/plain; application/json",
    "text/plain;charset=application/json",
    "application/json, text/plain",
    "text/plain, application/json",
    "application/json; charset=utf-16",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=application/json",
    "image/png",
  ])("%j is not", (type) => {
    expect(change(type)).toBe(415);
  });

  test("a picture is one by its type, not by how the header begins or ends", () => {
    const picture = "/api/calibration/picture";
    for (const type of ["image/png", "IMAGE/TIFF", "application/octet-stream", "application/gzip; a=b"]) {
      expect(change(type, picture), type).toBeUndefined();
    }
    for (const type of ["image/", "image", "text/plain; image/png", "application/octet-streams", "application/json"]) {
      expect(change(type, picture), type).toBe(415);
    }
    expect(mediaType("text/html; a=image/png")).toBe("text/html");
  });

  test("an Origin is this page's when host and port are", () => {
    const from = (origin: string, host = "127.0.0.1:8080") =>
      statusOf(
        { host, origin, authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
        "POST",
        "/api/markers",
      );
    expect(from("http://127.0.0.1:8080")).toBeUndefined();
    expect(from("http://localhost", "LOCALHOST:80")).toBeUndefined();
    for (const origin of [
      "null",
      "",
      "https://127.0.0.1:8080",
      "http://127.0.0.1:8081",
      "http://127.0.0.1",
      "http://127.0.0.1:8080/",
      "http://localhost:8080",
      "http://127.0.0.1:8080.evil.example",
    ]) {
      expect(from(origin), origin).toBe(403);
    }
  });
});
