// How soon the plant's server is asked again: at once when it is back, ever more seldom when it ends what it began.
import { rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { parseConfig } from "../../../src/config/config.ts";
import type { FailureData } from "../../../src/failure/failure.ts";
import { createLogger } from "../../../src/log/logger.ts";
import { MANIFEST_FILENAME, Manifest } from "../../../src/manifest/manifest.ts";
import { OPC_UA_OUTPUT } from "../../../src/manifest/opcua-output-state.ts";
import { noteAsked } from "../../../src/outputs/opcua/asked.ts";
import { patience } from "../../../src/outputs/opcua/output.ts";
import type { StageReport } from "../../../src/stages/contract/stage-report.ts";
import { stageOf } from "../../../src/supervisor/stage.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { partOf } from "./deliver.ts";
import { freePort } from "./plant.ts";

const failed = (code: string) => ({ code, message: "", retry: "later" }) as FailureData;

/** Delays after these failures, all in one row. */
function delays(...codes: string[]): number[] {
  const delayMs = patience();
  return codes.map((code, at) => delayMs(failed(code), at + 1));
}

const many = (code: string, times: number): string[] => Array.from({ length: times }, () => code);

test("a server that is away is looked for several times a second, however long it takes", () => {
  for (const delay of delays(...many("opcua.unreachable", 500))) expect(delay).toBeLessThan(320);
});

test("a refusal while the server starts is not paid for with the time that it was away", () => {
  expect(delays(...many("opcua.unreachable", 500), "opcua.refused").at(-1)).toBeLessThanOrEqual(1250);
  expect(delays(...many("opcua.refused", 20)).at(-1)).toBeGreaterThanOrEqual(60_000);
});

test("a server that ends every session is not flooded with them", () => {
  const lost = delays(...many("opcua.lost", 30));
  expect(Math.max(...lost.slice(0, 8))).toBeLessThan(320);
  expect(lost.at(-1)).toBeGreaterThanOrEqual(60_000);
  expect(delays(...many("opcua.lost", 30), "opcua.unreachable", "opcua.lost").at(-1)).toBeLessThan(320);
});

test("after a success the count begins anew", () => {
  const delayMs = patience();
  for (let failures = 1; failures < 20; failures += 1) delayMs(failed("opcua.refused"), failures);
  expect(delayMs(failed("opcua.refused"), 1)).toBeLessThanOrEqual(1250);
});

test("after a refused log-in the server is left in peace", () => {
  for (const delay of delays(...many("opcua.login", 50))) expect(delay).toBeGreaterThanOrEqual(3_600_000);
});

/** The stage's part against a server at this port. */
function partAt(port: number, lines = "") {
  const directory = temporaryDirectory("phorest-patience-");
  const manifestFile = join(directory, MANIFEST_FILENAME);
  const manifest = Manifest.open({ file: manifestFile });
  manifest.outputs.configure([OPC_UA_OUTPUT]);
  const text =
    `[OPC_UA]\nendpoint_url = "opc.tcp://127.0.0.1:${port}"\nsecurity_mode = "None"\n${lines}` +
    '[[OPC_UA.nodes]]\nnode_id = "i=1"\nvalue = "frame"\n';
  const { config } = parseConfig(text, directory);
  const log = createLogger({ level: "error", console: false, rotateSeconds: 3600 });
  const part = partOf(config, manifest, manifestFile, log);
  onTestFinished(async () => {
    await part.close(5000);
    await log.close();
    manifest.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return { part, certificates: config.OPC_UA.certificate_dir };
}

/** A server that ends each connection at once, and how often it was asked. */
async function hangingUp() {
  const asked = { connections: 0 };
  const server = createServer((socket) => {
    asked.connections += 1;
    socket.on("error", () => undefined);
    socket.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  onTestFinished(() => {
    server.close();
  });
  return { asked, port: typeof address === "object" ? (address?.port ?? 0) : 0 };
}

test("a person who looks at the server, or gives another secret, ends the back-off; looks are not counted as failures", async () => {
  const { asked, port } = await hangingUp();
  const secret = join(temporaryDirectory("phorest-secret-"), "password");
  writeFileSync(secret, "one", { mode: 0o600 });
  onTestFinished(() => rmSync(dirname(secret), { recursive: true, force: true }));
  const { part, certificates } = partAt(port, `user_name = "plant"\npassword_file = "${secret}"\n`);
  let looks = 0;
  const { isOver } = part.retry.backOffEnd;
  Object.assign(part.retry, {
    backOffMs: () => 3_600_000,
    backOffEnd: {
      everyMs: 10,
      isOver: () => {
        looks += 1;
        return isOver();
      },
    },
  });
  const reports: StageReport<"opcua">[] = [];
  const stage = stageOf("opcua", part, (report) => reports.push(report));
  const rests = () => reports.filter(({ state }) => state === "backing_off").map(({ failures }) => failures);
  const restsAfter = (tries: number) =>
    expect.poll(rests, { timeout: 60_000 }).toEqual(many("", tries).map((_, i) => i + 1));
  stage.start();
  await restsAfter(1);
  const before = asked.connections;
  await expect.poll(() => looks, { timeout: 60_000 }).toBeGreaterThan(20);
  expect(asked.connections).toBe(before);
  noteAsked(certificates);
  await restsAfter(2);
  expect(asked.connections).toBeGreaterThan(before);
  writeFileSync(secret, "two");
  await restsAfter(3);
  await stage.stop();
  expect(rests()).toEqual([1, 2, 3]);
});

test("what ails the server reaches the stage as what it is: the stage's patience depends on it", async () => {
  const { part } = partAt(await freePort());
  const asked: { code: string; delayMs: number }[] = [];
  const delayMs = part.retry.backOffMs;
  Object.assign(part.retry, {
    backOffMs: (failure: FailureData, failures: number) => {
      asked.push({ code: failure.code, delayMs: delayMs(failure, failures) });
      return 0;
    },
  });
  const stage = stageOf("opcua", part, () => undefined);
  stage.start();
  await expect.poll(() => asked.length, { timeout: 60_000 }).toBeGreaterThan(10);
  await stage.stop();
  expect(new Set(asked.map(({ code }) => code))).toEqual(new Set(["opcua.unreachable"]));
  expect(Math.max(...asked.map((one) => one.delayMs))).toBeLessThan(320);
});
