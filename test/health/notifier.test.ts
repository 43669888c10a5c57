import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type AlarmState, EMPTY_ALARM_STATE, note } from "../../src/health/alarm-state.ts";
import { Notifier } from "../../src/health/notifier.ts";
import { runCommand } from "../../src/health/send-notice.ts";
import { fakeClock } from "../support/clock.ts";

const message = {
  event: "alarm",
  key: "disk.low",
  text: "disk 'nearly' full; $(reboot)",
  since: "2026-03-04T15:20:00.000Z",
  at: "2026-03-04T15:20:00.000Z",
  experiment: "/lab/7",
  host: "pi",
} as const;

function folder(): string {
  const directory = mkdtempSync(join(tmpdir(), "phorest-alarm-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** What a sound receiver may take, ms. */
const PATIENCE_MS = 120_000;

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** A receiver on this machine; every body it was sent. */
async function receiver(answer: Answer): Promise<{ url: string; bodies: Record<string, string>[] }> {
  const bodies: Record<string, string>[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on("end", () => {
      bodies.push(JSON.parse(body));
      answer(request, response, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, bodies };
}

function waiting(...keys: string[]): AlarmState {
  const findings = keys.map(
    (key) => ({ key, state: "problem", text: `${key} is bad`, notifyAfterSeconds: 0 }) as const,
  );
  return note(EMPTY_ALARM_STATE, findings, { nowUs: 1e15, channels: ["webhook"] });
}

const toWebhook = (webhook: string, timeoutMs = PATIENCE_MS, firstDelayMs = 0) =>
  new Notifier({ command: [], webhook, timeoutMs, experiment: "/lab/7" }, firstDelayMs);

test("the program gets JSON on its input and the text as its last argument, which no shell reads", async () => {
  const out = join(folder(), "told");
  await runCommand(["sh", "-c", `cat > ${out}.json; printf %s "$1" > ${out}.txt`, "sh"], message, PATIENCE_MS);
  expect(JSON.parse(readFileSync(`${out}.json`, "utf8"))).toEqual(message);
  expect(readFileSync(`${out}.txt`, "utf8")).toBe("ALARM pi /lab/7: disk 'nearly' full; $(reboot)");
});

test("a program that fails, is not there or hangs is a failure to be tried again, and its children end with it", async () => {
  const started = join(folder(), "started");
  const later = { retry: "later" };
  await expect(runCommand(["sh", "-c", "echo no route >&2; exit 3"], message, PATIENCE_MS)).rejects.toMatchObject({
    ...later,
    message: "Alarm.command sh: exited with code 3: no route",
  });
  await expect(runCommand(["/no/such/program"], message, PATIENCE_MS)).rejects.toMatchObject(later);
  const hangs = ["sh", "-c", `sleep 600 & echo $! > ${started}; wait`];
  const clock = fakeClock();
  const refused = expect(runCommand(hangs, message, 2000)).rejects.toMatchObject(later);
  await expect.poll(() => existsSync(started) && readFileSync(started, "utf8")).toMatch(/\d\n$/);
  await clock.advance(2000);
  await refused;
  const stat = `/proc/${Number(readFileSync(started, "utf8"))}/stat`;
  // Killed, it may still wait for init to take note of it.
  const runs = () => existsSync(stat) && !/\) Z /.test(readFileSync(stat, "utf8"));
  await expect.poll(runs).toBe(false);
});

test("the webhook is posted each notice, in order, and they are gone from the alarmState", async () => {
  const { url, bodies } = await receiver((_request, response) => response.writeHead(204).end());
  const { alarmState, problems } = await toWebhook(url).deliver(waiting("disk.low", "share.gone"));
  expect(bodies.map(({ event, key, experiment }) => [event, key, experiment])).toEqual([
    ["alarm", "disk.low", "/lab/7"],
    ["alarm", "share.gone", "/lab/7"],
  ]);
  expect({ left: alarmState.outbox, problems }).toEqual({ left: [], problems: [] });
});

test("a receiver that answers with an error is tried again, and nothing overtakes what waits", async () => {
  let broken = true;
  const { url, bodies } = await receiver((_request, response) => response.writeHead(broken ? 503 : 200).end());
  const notifier = toWebhook(url);
  const first = await notifier.deliver(waiting("disk.low", "share.gone"));
  expect(first.problems).toHaveLength(1);
  expect(first.problems[0]).toContain("answered 503");
  expect(first.alarmState.outbox).toHaveLength(2);
  broken = false;
  expect((await notifier.deliver(first.alarmState)).alarmState.outbox).toEqual([]);
  expect(bodies.map(({ key }) => key)).toEqual(["disk.low", "disk.low", "share.gone"]);
});

test("a receiver that never answers ends with its time, and the secret path is in no message", async () => {
  const { url } = await receiver(() => undefined);
  const { alarmState, problems } = await toWebhook(url, 200).deliver(waiting("disk.low"));
  expect(problems[0]).toContain("no answer within 0.2 s");
  expect(problems[0]).not.toContain("/hook");
  expect(alarmState.outbox).toHaveLength(1);
});

test("after a failure a receiver is left in peace for a while", async () => {
  const { url, bodies } = await receiver((_request, response) => response.writeHead(500).end());
  const notifier = toWebhook(url, PATIENCE_MS, 600_000);
  const { alarmState } = await notifier.deliver(waiting("disk.low"));
  await notifier.deliver(alarmState);
  expect(bodies).toHaveLength(1);
});
