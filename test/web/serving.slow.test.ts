// The page beside a real run: what happens when it cannot be served, and to whom its token is known.
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { addressFor, addressWarning } from "../../src/web/server.ts";
import { ensureToken, isToken, TOKEN_FILENAME } from "../../src/web/token.ts";
import { command as phorest } from "../run/commands.ts";
import { type Ended, experiment, start } from "../run/program.ts";

const QUICK = `
[Timing]
collector_interval_seconds = 0.1
communicator_interval_seconds = 60
[Camera]
camera_type = "simulated"
[Simulation]
width = 640
height = 480
speckle = 0
[Report]
plot = false
[Supervisor]
shutdown_timeout_seconds = 120
`;

/** A run that is asked to stop once it has said all of `words`. */
async function runUntil(
  place: string,
  words: readonly RegExp[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const { child, ended } = start(["run"], place, env);
  let said = "";
  let asked = false;
  child.stderr?.on("data", (chunk: Buffer) => {
    said += chunk.toString();
    // Once: a second signal would end it at once.
    if (!asked && words.every((word) => word.test(said))) asked = child.kill("SIGTERM");
  });
  return await ended;
}

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), "phorest-token-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

test("a taken port is one clear line; the run goes on without the page and ends well", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => {
    taken.listen(0, "127.0.0.1", resolve);
  });
  onTestFinished(() => void taken.close());
  const { port } = taken.address() as AddressInfo;
  const place = experiment(`${QUICK}[Web]\nport = ${port}\n`);
  const { code, stderr, stdout } = await runUntil(place, [/the web page is not available/, /captured in/]);
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(new RegExp(`\\nThere was no web page: .*port ${port} is in use`));
  const lines = stderr.split("\n").filter((line) => line.includes(" web:"));
  expect(lines, stderr).toHaveLength(1);
  expect(lines[0]).toContain(`port ${port} is in use`);
});

test("the link with the token is shown at the first start only, and the token is in no log", async () => {
  const place = experiment(`${QUICK}[Web]\nport = 0\n`);
  const first = await runUntil(place, [/#token=/]);
  const token = readFileSync(join(place, TOKEN_FILENAME), "utf8").trim();
  expect(first.stderr).toContain(`#token=${token}`);
  expect(statSync(join(place, TOKEN_FILENAME)).mode & 0o777).toBe(0o600);
  const log = readFileSync(join(place, "logs", "web.log"), "utf8");
  expect(log).toContain("web page: http://127.0.0.1:");
  expect(log).not.toContain(token);
  const second = await runUntil(place, [/web page: /]);
  expect(second.stderr).toContain("web page: ");
  expect(second.stderr).not.toContain(token);
});

test("the environment says where the page is served and found, and every start where it is and which file holds its token", async () => {
  const place = experiment(`${QUICK}[Web]\nhost = "127.0.0.1"\nport = 0\n`);
  const env = { PHOREST_WEB_HOST: "0.0.0.0", PHOREST_WEB_ADDRESS: "labpc:9000" };
  const said = `web page: http://labpc:9000/ (access token in ${join(place, TOKEN_FILENAME)})`;
  for (const _start of ["first", "second"]) {
    const { code, stderr } = await runUntil(place, [/web page: /], env);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain(said);
  }
  const shown = await phorest(["config", "show"], place, env);
  expect(shown.stdout).toMatch(/^Web\.host +"0\.0\.0\.0" +PHOREST_WEB_HOST$/m);
  const wrong = await phorest(["run"], place, { PHOREST_WEB_HOST: "no host" });
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringMatching(/^PHOREST_WEB_HOST = "no host": must be/)]);
});

test.each([
  ["0.0.0.0", { PHOREST_WEB_ADDRESS: "127.0.0.1:8081" }, "http://127.0.0.1:8081/"],
  ["::", { PHOREST_WEB_ADDRESS: "[fd00::7]" }, "http://[fd00::7]:4000/"],
  ["0.0.0.0", {}, `http://${hostname().toLowerCase()}:4000/`],
  ["0.0.0.0", { PHOREST_WEB_ADDRESS: "http://x/" }, `http://${hostname().toLowerCase()}:4000/`],
  ["192.0.2.1", { PHOREST_WEB_ADDRESS: "127.0.0.1:8081" }, "http://192.0.2.1:4000/"],
])("a page served on %s is found, with %j, at %s", (host, env, address) => {
  expect(addressFor(host, 4000, env).toLowerCase()).toBe(address);
});

test("a token stays, until others may have read it or it is damaged", () => {
  const place = directory();
  const made = ensureToken(place);
  expect(made.fresh).toBe(true);
  expect(ensureToken(place)).toEqual({ ...made, fresh: false });
  chmodSync(made.file, 0o644);
  const renewed = ensureToken(place);
  expect(renewed.token).not.toBe(made.token);
  writeFileSync(made.file, "");
  expect(ensureToken(place).token).toMatch(/^[\w-]{43}$/);
});

test("only the whole token is the token", () => {
  expect(isToken("abc", "abc")).toBe(true);
  for (const other of ["", "ab", "abcd", "ABC", "abc "]) expect(isToken(other, "abc"), other).toBe(false);
});

test.each([
  ["127.0.0.1:8080", false],
  ["[::1]:8080", false],
  ["lab.example", false],
  ["", false],
  ["host:99999", true],
  ["http://lab:80", true],
  ["a b", true],
])("an address of the page that cannot be one is not ignored in silence: %j", (said, doubtful) => {
  const doubt = addressWarning({ PHOREST_WEB_ADDRESS: said });
  expect(doubt !== undefined).toBe(doubtful);
  if (doubtful) expect(doubt).toContain(`PHOREST_WEB_ADDRESS = "${said}" is ignored`);
});
