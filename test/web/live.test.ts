// The stream of states: one is made for each event, however many pages are open.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import { expect, onTestFinished, test } from "vitest";
import { Live } from "../../src/web/live.ts";
import type { StateView } from "../../src/web/views.ts";

const PAGES = 12;
const STATE: StateView = {
  sample: undefined,
  analyses: [],
  title: "test",
  version: "0",
  experiment: "running",
  startedAt: undefined,
  camera: undefined,
  now: 0,
  timeZone: "UTC",
  nextCapture: undefined,
  brightfield: undefined,
  counts: undefined,
  outputs: [],
  stages: [],
  alarms: [],
  notes: [],
  disk: undefined,
  share: undefined,
  lastFrame: undefined,
  outcome: 0,
  method: undefined,
  markers: [],
  injectionChange: 0,
};

/** Counts the states made: the number is their `outcome`. */
async function streaming(longestSilenceMs: number) {
  let made = 0;
  const read = () => {
    made += 1;
    return { ...STATE, outcome: made };
  };
  const live = new Live(read, { longestSilenceMs });
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.get("/", (context) => live.serve(context) ?? context.json({}, 503));
  const server = createServer(getRequestListener(app.fetch));
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  onTestFinished(() => {
    live.close();
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { live, address: `http://127.0.0.1:${port}/`, made: () => made };
}

/** A page: the `outcome` of each state it is sent. */
async function open(address: string) {
  const ending = new AbortController();
  onTestFinished(() => ending.abort());
  const { body } = await fetch(address, { signal: ending.signal });
  const seen: number[] = [];
  const read = async () => {
    for await (const bytes of body as unknown as AsyncIterable<Uint8Array>) {
      const text = Buffer.from(bytes).toString();
      for (const [, outcome] of text.matchAll(/"outcome":(\d+)/g)) seen.push(Number(outcome));
    }
  };
  read().catch((error: Error) => expect(error.name).toMatch(/AbortError|TypeError/));
  return seen;
}

test("an event makes one state, which every page is sent", async () => {
  const { live, address, made } = await streaming(60_000);
  const pages = await Promise.all(Array.from({ length: PAGES }, () => open(address)));
  await expect.poll(() => pages.every((seen) => seen.length === 1)).toBe(true);
  expect(made()).toBe(1);
  for (const event of [2, 3]) {
    live.look();
    await expect.poll(() => pages.map((seen) => seen.at(-1))).toEqual(pages.map(() => event));
    expect(made()).toBe(event);
  }
  // A page that comes between two events is sent what the others have.
  const late = await open(address);
  await expect.poll(() => late).toEqual([3]);
  expect(made()).toBe(3);
});

test("in silence the state is made for all pages together", async () => {
  const { address, made } = await streaming(200);
  const pages = await Promise.all(Array.from({ length: PAGES }, () => open(address)));
  await expect.poll(() => pages.every((seen) => seen.length >= 5)).toBe(true);
  const sent = pages.reduce((sum, seen) => sum + seen.length, 0);
  expect(made()).toBeLessThan(sent / 2);
});
