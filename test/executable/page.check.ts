// The page of the one executable, in the system's Chromium: its files come out of the executable as well.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DESKTOP, HAS_CHROMIUM, launch, openPage, turnTo, VIEWS } from "../web/browser.ts";
import { Alone, madeFor, type Started } from "./alone.ts";

const CONFIG = `
[Timing]
collector_interval_seconds = 0.4
[Simulation]
width = 960
height = 730
px_per_um = 0.362
[Web]
port = 0
`;

describe.skipIf(!HAS_CHROMIUM)("the executable's page", () => {
  let alone: Alone;
  let browser: Browser;
  let run: Started;

  beforeAll(async () => {
    alone = new Alone(madeFor(process.arch));
    browser = await launch();
    run = alone.start(["run"], alone.experiment(CONFIG));
  });
  afterAll(async () => {
    await browser.close();
    run.child.kill("SIGKILL");
    await run.ended;
    alone.remove();
  });

  it("shows every view with its data, without an error and without asking anybody else", async () => {
    const [, link = ""] = await run.saying(/to make changes, open (\S+)/);
    await run.saying(/processor entry 3: .* measured/);
    const { page, errors, unknownNames } = await openPage(browser, new URL("/", link).href, DESKTOP);
    for (const view of VIEWS) await turnTo(page, view);
    expect([errors, unknownNames]).toEqual([[], []]);
  });

  it("goes with the program, which a SIGTERM ends cleanly", async () => {
    run.child.kill("SIGTERM");
    expect(await run.ended, run.said()).toBe(0);
  });
});
