// The page's server against wrong, hostile and slow clients.

import { request } from "node:http";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { Failure } from "../../src/failure/failure.ts";
import { broughtUpToDate } from "../../src/web/app/drawn.ts";
import type { CalibrationView } from "../../src/web/calibration-views.ts";
import type { CurvesView, StateView } from "../../src/web/views.ts";
import { serving, TOKEN } from "./server.ts";

const AUTHORISED = { Authorization: `Bearer ${TOKEN}` };
const JSON_BODY = { "Content-Type": "application/json" };
const MARKER = JSON.stringify({ at: 1_772_637_600_000, text: "antibody" });

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** A request exactly as given: no cleaning of paths, any Host. */
function ask(
  port: number,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, method, path, headers }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      response.on("error", reject);
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

/** What a raw connection says until it is closed by the server. */
function raw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(text));
  });
}

test("a monitor reads the metrics at the usual address", async () => {
  const { port } = await serving();
  const { status, headers, text } = await ask(port, "GET", "/metrics");
  expect(status).toBe(200);
  expect(headers["content-type"]).toContain("text/plain; version=0.0.4");
  expect(text).toMatch(/^phorest_\w+(\{.*\})? \d/m);
});

describe("who may do what", () => {
  test("on the machine itself, reading needs no token and changing does", async () => {
    const { port, changes } = await serving();
    expect((await ask(port, "GET", "/api/state")).status).toBe(200);
    expect((await ask(port, "POST", "/api/markers", JSON_BODY, MARKER)).status).toBe(401);
    expect(changes).toEqual([]);
    expect((await ask(port, "POST", "/api/markers", { ...AUTHORISED, ...JSON_BODY }, MARKER)).status).toBe(200);
    expect(changes).toEqual([{ type: "add-markers", markers: [{ atUs: 1_772_637_600_000_000, text: "antibody" }] }]);
  });

  test("on any other address, nothing of the experiment is read without the token", async () => {
    const { port } = await serving({ host: "0.0.0.0" });
    for (const path of [
      "/metrics",
      "/api/state",
      "/api/live",
      "/api/chip",
      "/api/log",
      "/api/experiment",
      "/api/frame/1/0/0/0",
    ]) {
      expect((await ask(port, "GET", path)).status, path).toBe(401);
      expect((await ask(port, "HEAD", path)).status, path).toBe(401);
    }
    expect((await ask(port, "GET", "/api/state", AUTHORISED)).status).toBe(200);
    expect((await ask(port, "GET", "/metrics", AUTHORISED)).status).toBe(200);
    expect((await ask(port, "GET", "/")).text).toBe("<p>page</p>");
  });

  test.each([["wrong"], [TOKEN.slice(0, -1)], [`${TOKEN}x`], [TOKEN.toUpperCase()], [""]])(
    "the token %j is refused, also for reading",
    async (token) => {
      const { port } = await serving({ frames: 1 });
      expect((await ask(port, "GET", "/api/state", { Authorization: `Bearer ${token}` })).status).toBe(401);
    },
  );

  test("a site whose name points here (DNS rebinding) is refused", async () => {
    const { port } = await serving({ frames: 1 });
    for (const host of ["evil.example", `evil.example:${port}`, "127.0.0.1.evil.example", "[::2]"]) {
      expect((await ask(port, "GET", "/api/state", { Host: host })).status, host).toBe(403);
    }
    const own = ["localhost", `localhost:${port}`, `[::1]:${port}`, "127.0.0.1", "127.0.0.1:", "[0:0:0:0:0:0:0:1]:80"];
    for (const host of [...own, "[::ffff:127.0.0.1]", "LOCALHOST."]) {
      expect((await ask(port, "GET", "/api/state", { Host: host })).status, host).toBe(200);
    }
  });

  test("a head that can be read in two ways is refused with a line of JSON, whoever is named in it", async () => {
    const { port, complaints } = await serving({ frames: 1 });
    const own = `Host: 127.0.0.1:${port}`;
    for (const head of [
      "GET /api/state HTTP/1.1\r\nHost: 127.999.1.1",
      "GET /api/state HTTP/1.1\r\nHost:",
      "GET /api/state HTTP/1.1\r\nAccept: */*",
      "GET /api/state HTTP/1.0\r\nAccept: */*",
      `GET /api/state HTTP/1.1\r\n${own}\r\nHost: evil.example`,
      `GET /api/state HTTP/1.1\r\n${own}\r\n${own}`,
      `GET http://evil.example/api/state HTTP/1.1\r\n${own}`,
      `POST /api/markers HTTP/1.1\r\n${own}\r\nContent-Type: application/json\r\nContent-Type: text/plain`,
    ]) {
      const answer = await raw(port, `${head}\r\nConnection: close\r\n\r\n`);
      expect(answer, head).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer, head).toContain("X-Content-Type-Options: nosniff");
      const [, body = ""] = answer.split("\r\n\r\n");
      expect(body, head).toMatch(/\{"error":"[^"\n]+"\}/);
    }
    expect(complaints).toEqual([]);
  });

  test("another site cannot change anything, even with the token", async () => {
    const { port, changes } = await serving({ frames: 1 });
    const headers = { ...AUTHORISED, ...JSON_BODY, Origin: "https://evil.example" };
    expect((await ask(port, "POST", "/api/markers", headers, MARKER)).status).toBe(403);
    expect((await ask(port, "POST", "/api/markers", { ...headers, Origin: "null" }, MARKER)).status).toBe(403);
    // What a form of another site can send without asking.
    const form = { ...AUTHORISED, "Content-Type": "text/plain" };
    expect((await ask(port, "POST", "/api/markers", form, MARKER)).status).toBe(415);
    expect(changes).toEqual([]);
    const own = { ...headers, Origin: `http://127.0.0.1:${port}` };
    expect((await ask(port, "POST", "/api/markers", own, MARKER)).status).toBe(200);
  });
});

describe("a picture to calibrate on", () => {
  const PICTURE = "/api/calibration/picture?name=a.png";
  const BYTES = { "Content-Type": "image/png" };

  test("is taken from the token's owner only, and only as a picture", async () => {
    const { port } = await serving({ frames: 1 });
    expect((await ask(port, "POST", PICTURE, BYTES, "x")).status).toBe(401);
    const stranger = { ...AUTHORISED, ...BYTES, Origin: "https://evil.example" };
    expect((await ask(port, "POST", PICTURE, stranger, "x")).status).toBe(403);
    expect((await ask(port, "POST", PICTURE, { ...AUTHORISED, ...JSON_BODY }, "{}")).status).toBe(415);
    // Bytes are taken at this address alone.
    expect((await ask(port, "POST", "/api/markers", { ...AUTHORISED, ...BYTES }, "x")).status).toBe(415);
    const refused = await ask(port, "POST", PICTURE, { ...AUTHORISED, ...BYTES }, "not a picture");
    expect(refused.status).toBe(400);
    expect(refused.text).toContain("a.png: not an image");
    const { state } = JSON.parse((await ask(port, "GET", "/api/calibration")).text) as CalibrationView;
    expect(state).toBe("failed");
  });

  test("that is larger than any camera's is refused before it is read", async () => {
    const { port } = await serving({ frames: 1 });
    const start = `POST ${PICTURE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nAuthorization: Bearer ${TOKEN}\r\n`;
    expect(await raw(port, `${start}Content-Length: 9000000000\r\n\r\nx`)).toMatch(/^HTTP\/1\.1 413/);
  });

  test("that breaks off leaves the way free for the next one", async () => {
    const { port } = await serving({ frames: 1 });
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(`POST ${PICTURE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n`);
      socket.write(`Authorization: Bearer ${TOKEN}\r\nContent-Length: 1000\r\n\r\nhalf`);
    });
    socket.on("error", () => undefined);
    const seen = async () => (JSON.parse((await ask(port, "GET", "/api/calibration")).text) as CalibrationView).state;
    await expect.poll(seen).toBe("receiving");
    const meanwhile = await ask(port, "POST", PICTURE, { ...AUTHORISED, ...BYTES }, "x");
    expect(meanwhile.text).toContain("another calibration is in progress");
    socket.destroy();
    await expect.poll(seen).toBe("failed");
  });

  test.each([
    ["/api/calibration/search", '{"id": 1, "places": [{"label": "A", "x": 1, "y": 1}]}', "at least two"],
    ["/api/calibration/search", '{"id": 1, "places": [{"label": "A", "x": "1", "y": 1}]}', "places"],
    ["/api/calibration/accept", '{"id": 7}', "replaced"],
    ["/api/calibration/frame", "{}", "no image"],
  ])("POST %s %s is refused with a reason", async (path, body, word) => {
    const { port, complaints } = await serving({ frames: 1 });
    const answer = await ask(port, "POST", path, { ...AUTHORISED, ...JSON_BODY }, body);
    expect(answer.status, complaints.join()).toBe(400);
    expect((JSON.parse(answer.text) as { error: string }).error).toContain(word);
  });
});

describe("wrong input", () => {
  test.each([
    ["GET", "/api/nothing", undefined, 404, "address"],
    ["GET", "/api/curves", undefined, 400, "roi"],
    ["GET", "/api/curves?roi=001A_N&columns=1e9", undefined, 400, "columns"],
    ["GET", "/api/curves?roi=001A_N&from=9&to=3", undefined, 400, "from"],
    ["GET", "/api/log?level=loud", undefined, 400, "level"],
    ["GET", "/api/log?stage=../../etc/passwd", undefined, 400, "stage"],
    ["GET", "/api/frame/x/0/0/0", undefined, 400, "entry"],
    ["GET", "/api/profile?roi=nobody", undefined, 404, "label"],
    ["GET", "/api/profile", undefined, 400, "roi"],
    ["POST", "/api/brightfield", '{"more": 1}', 400, "more"],
    ["POST", "/api/markers", "{", 400, "JSON"],
    ["POST", "/api/markers", '{"at": 1}', 400, "text"],
    ["POST", "/api/markers", '{"at": 1, "text": "  "}', 400, "text"],
    ["POST", "/api/markers", '{"at": 1, "text": "a\\u0007b"}', 400, "control"],
    ["POST", "/api/markers", '{"at": -1, "text": "a"}', 400, "at"],
    ["POST", "/api/markers", '{"at": 1, "text": "a", "more": 1}', 400, "more"],
    ["PUT", "/api/baseline", '{"from": 2, "to": 1}', 400, "from"],
    ["DELETE", "/api/markers/none", undefined, 400, ""],
    ["PATCH", "/api/markers", "{}", 404, "address"],
  ] as const)("%s %s %s is answered %i in JSON", async (method, path, body, status, word) => {
    const { port, changes, complaints } = await serving({ frames: 1 });
    const answer = await ask(port, method, path, { ...AUTHORISED, ...JSON_BODY }, body);
    expect(answer.status, complaints.join()).toBe(status);
    const { error } = JSON.parse(answer.text) as { error: string };
    expect(error).toContain(word);
    expect(changes).toEqual([]);
  });

  test("a change that the supervisor refuses is answered with its reason", async () => {
    const { port } = await serving({
      frames: 1,
      refuse: new Failure("usage.invalid", "there are already 1000 markers"),
    });
    const answer = await ask(port, "POST", "/api/markers", { ...AUTHORISED, ...JSON_BODY }, MARKER);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain("1000 markers");
  });

  test("no path leads out of the page's own files, however it is written", async () => {
    const { port } = await serving({ frames: 1 });
    const up = ["..", "%2e%2e", "%2E.", "..%2f..", "%252e%252e", "..%c0%af..", "....//", "..;", ".%00."];
    const paths = up.flatMap((step) => [
      `/${step}/package.json`,
      `/${step}/${step}/${step}/etc/passwd`,
      `/api/frame/${step}/0/0/0`,
    ]);
    for (const path of [
      ...paths,
      "//etc/passwd",
      "/%",
      "/%ff%fe",
      "/\\..\\x",
      `/${"a".repeat(4000)}`,
      "/.git/config",
      "/web_token",
    ]) {
      const { status, text } = await ask(port, "GET", path);
      expect([400, 404], path).toContain(status);
      expect(text).not.toMatch(/root:|"name": "phorest"/);
    }
  });

  test("random requests are answered below 500 or closed, and the server goes on", async () => {
    const { port, complaints } = await serving({ frames: 1 });
    let state = 7;
    const random = (below: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const pieces = [
      "/",
      "api",
      "frame",
      "curves",
      "?",
      "roi=",
      "%",
      "..",
      "\0",
      "é",
      "*",
      "&",
      "state",
      "1e99",
      "-1",
      "[",
      "]",
      "live?",
      "log",
    ];
    for (let round = 0; round < 150; round += 1) {
      const path = Array.from({ length: 1 + random(8) }, () => pieces[random(pieces.length)]).join("");
      if (path.includes("live")) continue;
      const verb = ["GET", "HEAD", "POST", "DELETE", "get", "TRACE"][random(6)];
      const text = await raw(port, `${verb} /${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
      expect(text, path).not.toMatch(/^HTTP\/1\.1 5/);
    }
    expect(complaints).toEqual([]);
    expect((await ask(port, "GET", "/api/state")).status).toBe(200);
  });
});

describe("abuse", () => {
  test("a body of ten megabytes is refused, announced or not", async () => {
    const { port, changes } = await serving({ frames: 1 });
    const start =
      "POST /api/markers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n";
    const authorised = `${start}Authorization: Bearer ${TOKEN}\r\n`;
    const ten = "x".repeat(10_000_000);
    const chunked = `${authorised}Transfer-Encoding: chunked\r\n\r\n${ten.length.toString(16)}\r\n${ten}\r\n0\r\n\r\n`;
    const announced = `${authorised}Content-Length: ${ten.length}\r\n\r\n${ten}`;
    for (const bytes of [chunked, announced]) expect(await raw(port, bytes)).toMatch(/^HTTP\/1\.1 413|^$/);
    expect(changes).toEqual([]);
    expect((await ask(port, "GET", "/api/state")).status).toBe(200);
  });

  test("a client that never ends its headers is closed, and others are answered meanwhile", async () => {
    const { port } = await serving({ frames: 1 });
    const closed = Promise.all(Array.from({ length: 20 }, () => raw(port, "GET /api/state HTTP/1.1\r\nHost: local")));
    const unused = raw(port, "");
    expect((await ask(port, "GET", "/api/state")).status).toBe(200);
    for (const said of await closed) expect(said).toMatch(/^HTTP\/1\.1 4|^$/);
    // Nobody has asked anything there: a browser would take an answer for that to its first request.
    expect(await unused).toBe("");
  });

  test("more pages than there may be are told so; those that went make room", async () => {
    const { address, live } = await serving({ frames: 1 });
    const ending = new AbortController();
    const open = await Promise.all(
      Array.from({ length: 32 }, () => fetch(`${address}api/live`, { signal: ending.signal })),
    );
    expect(open.map(({ status }) => status)).toEqual(open.map(() => 200));
    expect((await fetch(`${address}api/live`)).status).toBe(503);
    ending.abort();
    await expect.poll(() => live.clients, { timeout: 60_000 }).toBe(0);
  });

  test("a small body that comes in chunks is taken", async () => {
    const { port, changes } = await serving({ frames: 1 });
    const start = `POST /api/markers HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n`;
    const chunk = `${Buffer.byteLength(MARKER).toString(16)}\r\n${MARKER}\r\n0\r\n\r\n`;
    const said = await raw(
      port,
      `${start}Authorization: Bearer ${TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`,
    );
    expect(said).toMatch(/^HTTP\/1\.1 200/);
    expect(changes).toHaveLength(1);
  });

  test("every answer forbids foreign scripts, frames and sniffing", async () => {
    const { port } = await serving({ frames: 1 });
    for (const path of ["/", "/api/state", "/nothing"]) {
      const { headers } = await ask(port, "GET", path);
      expect(headers["content-security-policy"], path).toContain("default-src 'none'");
      expect(headers["content-security-policy"]).not.toContain("unsafe");
      expect(headers["x-content-type-options"]).toBe("nosniff");
      expect(headers["x-frame-options"]).toBe("DENY");
      expect(headers["access-control-allow-origin"]).toBeUndefined();
    }
  });
});

describe("what is read", () => {
  test("the stream says what is new, at once", async () => {
    const { address, recorded, live } = await serving({ frames: 3 });
    const ending = new AbortController();
    const { body } = await fetch(`${address}api/live`, { signal: ending.signal });
    const reader = (body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
    let read = "";
    /** The last outcome of the first state that is another one than before; while nothing happens, the last is sent again. */
    const outcomeAfter = async (before: number) => {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) throw new Error("the stream has ended");
        read += value;
        const states = [...read.matchAll(/^data: (.*)\n\n/gm)].map(([, data = ""]) => JSON.parse(data) as StateView);
        const other = states.find(({ outcome }) => outcome > before);
        if (other !== undefined) return other.outcome;
      }
    };
    expect(await outcomeAfter(0)).toBe(3);
    recorded.add(1);
    live.look();
    expect(await outcomeAfter(3)).toBe(4);
    ending.abort();
  });

  test("curves are shifts since the baseline, minus references, halves combined, brought up to date", async () => {
    const { address, recorded } = await serving({ frames: 30 });
    const curves = async (query: string) => (await (await fetch(`${address}api/curves?${query}`)).json()) as CurvesView;
    // Every position rises by 0.01 px a frame; the baseline is the first six frames.
    const one = await curves("roi=000A_N");
    expect(one.curves[0]?.values.at(-1)).toBeCloseTo(0.29 - 0.025, 6);
    expect(one.temperatures[0]?.values.at(-1)).toBeCloseTo(21.29, 6);
    recorded.add(2);
    expect((await curves("roi=000A_N")).curves[0]?.values.at(-1)).toBeCloseTo(0.31 - 0.025, 6);
    const pairs = await curves("roi=000A&pairs=1");
    expect(pairs.curves.map(({ label }) => label)).toEqual(["000A"]);
    const referenced = await curves("roi=000A_N&own=1&reference=003A*");
    expect(referenced.references).toEqual(["003A_N", "003A_S"]);
    expect(referenced.curves[0]?.values.at(-1)).toBeCloseTo(0, 6);
    const group = await curves("roi=group:A");
    expect(group.curves[0]?.members).toBe(8);
    expect(group.curves[0]?.values.at(-1)).toBeCloseTo(0.31 - 0.025, 4);
  });

  test("what names nothing is told, also where it should be a reference", async () => {
    const { address } = await serving({ frames: 10 });
    const asked = "roi=000A&roi=zzz&roi=group:A&roi=group:Q&own=1&reference=9*";
    const view = (await (await fetch(`${address}api/curves?${asked}`)).json()) as CurvesView;
    expect(view.unknown).toEqual(["zzz", "9*", "group:Q"]);
  });

  test("a group has the same references as single curves, also where they are gratings", async () => {
    const { address } = await serving({ frames: 30 });
    for (const reference of ["003A", "003A*"]) {
      const asked = `roi=group:A&roi=000A&pairs=1&own=1&reference=${reference}`;
      const view = (await (await fetch(`${address}api/curves?${asked}`)).json()) as CurvesView;
      expect(view.references).toEqual(["003A"]);
      const group = view.curves.find(({ members }) => members !== undefined);
      expect(group?.members).toBe(6);
      expect(group?.values.at(-1)).toBeCloseTo(0, 4);
    }
  });

  test("the CSV holds groups as well", async () => {
    const { address } = await serving({ frames: 10 });
    const text = await (await fetch(`${address}api/curves.csv?roi=000A_N&roi=group:A`)).text();
    const lines = text.trim().split("\n");
    expect(lines).toHaveLength(1 + 10 + 10);
    expect(lines.at(-1)).toMatch(
      /^2026-03-04T15:21:30\.000000Z,group A,,,0\.065,,,,,,0\.\d+,,,,,,,,21\.09,0\.065,0\.\d+,90$/,
    );
  });

  test("a page that has drawn curves is sent their end alone, and all of them when anything else is asked", async () => {
    const { address, recorded } = await serving({ frames: 300 });
    const curves = async (query: string) => (await (await fetch(`${address}api/curves?${query}`)).json()) as CurvesView;
    const asked = "roi=000A_N&columns=16";
    const whole = await curves(asked);
    expect(whole.tailFrom).toBeUndefined();
    recorded.add(1);
    const end = await curves(`${asked}&key=${whole.key}&after=${whole.outcome}`);
    expect(end.tailFrom).toBeGreaterThan(whole.span[0]);
    expect(end.curves[0]?.times[0]).toBeGreaterThanOrEqual(end.tailFrom ?? 0);
    const anew = await curves(asked);
    const kept = whole.curves[0]?.times.filter((ms) => ms < (end.tailFrom ?? 0)) ?? [];
    expect([...kept, ...(end.curves[0]?.times ?? [])]).toEqual(anew.curves[0]?.times);
    const other = await curves(`roi=001A_N&columns=16&key=${whole.key}&after=${whole.outcome}`);
    expect(other.tailFrom).toBeUndefined();
  });

  test("a drawing brought up to date by its end is the one that is made anew", async () => {
    const { address, recorded } = await serving({ frames: 10 });
    recorded.manifest.together(() => recorded.add(700));
    const curves = async (query: string) => (await (await fetch(`${address}api/curves?${query}`)).json()) as CurvesView;
    for (const wanted of [
      "roi=000A_N&roi=002A_S",
      "roi=000A_N&own=1&reference=003A*",
      "roi=000A&pairs=1&own=1&reference=003A",
      "roi=group:A",
    ]) {
      const asked = `${wanted}&columns=100`;
      const whole = await curves(asked);
      recorded.add(4, [1]);
      const end = await curves(`${asked}&key=${whole.key}&after=${whole.outcome}`);
      expect(end.tailFrom, wanted).toBeDefined();
      const { tailFrom: _, ...brought } = broughtUpToDate(whole, end);
      expect(brought, wanted).toEqual(await curves(asked));
    }
  });

  test("the CSV holds every frame of the window, the marker, the temperature, and no formula", async () => {
    const { address, recorded } = await serving({ frames: 10 });
    const frames = [...recorded.manifest.history.entries()];
    recorded.manifest.markers.add((frames[4]?.capturedAtUs ?? 0) - 1, "=injection", 1);
    const from = (frames[2]?.capturedAtUs ?? 0) / 1000;
    const lines = (await (await fetch(`${address}api/curves.csv?roi=000A_N&from=${from}`)).text()).trim().split("\n");
    expect(lines).toHaveLength(9);
    expect(lines[0]).toMatch(/,flags,marker,temperature_room_air,result_px,/);
    expect(lines.filter((line) => line.includes("'=injection,21.04,"))).toEqual([lines[3]]);
  });
});
