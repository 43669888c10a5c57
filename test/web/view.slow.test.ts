import type { ChildProcess } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { MANIFEST_FILENAME, Manifest } from "../../src/manifest/manifest.ts";
import type { ComparisonView } from "../../src/web/evaluation-views.ts";
import type { CurvesView, StateView } from "../../src/web/views.ts";
import { experiment as recorded } from "../outputs/csv/experiment.ts";
import { command as phorest } from "../run/commands.ts";
import { start } from "../run/program.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { HAS_CHROMIUM, inaccessible, launch, openPage, PHONE } from "./browser.ts";

/** A stopped experiment of 30 frames, also measured `again` if wanted; returns its directory. */
function stopped(root: string, name = "", again?: string): string {
  const directory = join(root, name);
  mkdirSync(directory, { recursive: true });
  const { manifest, add, remeasure } = recorded(directory, 4);
  add(30);
  if (again !== undefined) remeasure(again, 5);
  manifest.close();
  return directory;
}

/** Starts `phorest view`, and resolves with the address it prints. */
async function view(words: readonly string[], cwd: string) {
  const { child, ended } = start(["view", ...words, "--port", "0"], cwd);
  onTestFinished(() => void child.kill("SIGKILL"));
  const link = await printed(child, /(http:\S+)/);
  return { link, address: new URL("/", link).href, token: new URL(link).hash.slice("#token=".length), child, ended };
}

function printed(child: ChildProcess, pattern: RegExp): Promise<string> {
  let said = "";
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        const found = pattern.exec(said)?.[1];
        if (found !== undefined) resolve(found);
      });
    }
    child.on("exit", () => reject(new Error(said)));
  });
}

const get = async <T>(address: string, path: string): Promise<T> =>
  (await (await fetch(new URL(path, address))).json()) as T;

test("the page of a stopped experiment shows its curves and keeps markers; Ctrl-C ends it", async () => {
  const root = stopped(temporaryDirectory());
  const { address, token, child, ended } = await view([], root);
  expect(await get<StateView>(address, "/api/state")).toMatchObject({ experiment: "stopped", markers: [] });
  const curves = await get<CurvesView>(address, "/api/curves?roi=000A_N");
  expect(curves).toMatchObject({ frames: 30, curves: [{ label: "000A_N" }] });
  const change = (method: string, path: string, body?: object) =>
    fetch(new URL(path, address), {
      method,
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const at = Date.UTC(2026, 2, 4, 15, 21);
  expect((await change("POST", "/api/markers", { at, text: "buffer" })).status).toBe(200);
  expect((await change("PUT", "/api/markers/1", { text: "wash" })).status).toBe(200);
  const none = await change("POST", "/api/brightfield", {});
  expect([none.status, await none.json()]).toMatchObject([
    400,
    { error: "no run is active, so no image can be captured" },
  ]);
  const manifest = Manifest.open({ file: join(root, "data", MANIFEST_FILENAME), readonly: true });
  expect(manifest.markers.all()).toMatchObject([{ atUs: at * 1000, text: "wash" }]);
  manifest.close();
  child.kill("SIGINT");
  expect(await ended).toMatchObject({ code: 0 });
});

test("several experiments are listed, and each opens", async () => {
  const root = temporaryDirectory();
  const first = stopped(root, "2026/a <b>", "second look");
  stopped(root, "2026/second");
  mkdirSync(join(root, "empty"));
  writeFileSync(join(first, "config.toml"), '[Experiment]\nname = "first & foremost"\nsample = "chip 1"\n');
  const { address, child, ended } = await view(["."], root);
  const page = await (await fetch(address)).text();
  expect(page).toContain("2 experiments");
  expect(page).toContain("first &amp; foremost");
  expect(page).toContain("2026/a &lt;b&gt;");
  expect(page).toMatch(/<td>chip 1<\/td><td>2026-03-04 15:20 UTC<\/td><td>2026-03-04 15:24 UTC<\/td><td>30<\/td>/);
  const opened = await fetch(new URL("/open/0", address), { redirect: "manual" });
  const there = opened.headers.get("location") ?? "";
  expect(await get<StateView>(there, "/api/state")).toMatchObject({ title: "first & foremost", sample: "chip 1" });
  expect((await fetch(new URL("/open/7", address), { redirect: "manual" })).status).toBe(404);
  const compared = await (await fetch(new URL("/compare?a=0&b=1", address))).text();
  const { stdout, stderr } = await phorest(["compare", "2026/a <b>", "2026/second", "--pairs"], root);
  expect(stderr, "how another analysis is named to this command").toContain('for another use "2026/a <b>#gaussian"');
  const rows = stdout.split("\n").filter((line) => /^\d{3}A /.test(line));
  expect(rows).toHaveLength(2);
  for (const row of rows) {
    const cells = row.split(/ {2,}/).map((cell) => `<td[^>]*>${cell}</td>`);
    expect(compared).toMatch(new RegExp(`<tr>${cells.join("")}</tr>`));
  }
  expect(compared).toContain("A: first &amp; foremost (gaussian, analysis &quot;second look&quot;)");
  expect(compared).toContain('src="data:image/png;base64,');
  for (const query of ["a=0", "a=0&b=7", "a=x&b=1"]) {
    const refused = await fetch(new URL(`/compare?${query}`, address));
    expect([refused.status, await refused.text()]).toEqual([400, "choose an experiment as A and another one as B"]);
  }
  child.kill("SIGINT");
  expect((await ended).stderr, "no advice about options of another command").toBe("");
});

test("two analyses are compared on the page, with the numbers of phorest compare", async () => {
  const root = stopped(temporaryDirectory(), "", "second look");
  const { address } = await view([], root);
  const query = "analysis=gaussian&other=second+look";
  const found = await get<ComparisonView>(address, `/api/compare?${query}`);
  const { stdout } = await phorest(["compare", ".#gaussian", ".#second look", "--pairs", "--json"], root);
  const note = expect.stringMatching(
    /^All in px; .*; values of gratings: half the sum of both halves of each grating\.$/,
  );
  expect(found).toEqual({ ...JSON.parse(stdout), notes: [note] });
  expect(found.curves.map(({ label }) => label)).toEqual(["000A", "001A"]);
  const drawing = await fetch(new URL(`/api/compare.svg?${query}&roi=001A`, address));
  expect([drawing.status, drawing.headers.get("content-type")]).toEqual([200, "image/svg+xml"]);
  const svg = await drawing.text();
  expect([svg.includes(">001A<"), svg.includes(">000A<")]).toEqual([true, false]);
  const unknown = await fetch(new URL("/api/compare?other=second+lok", address));
  expect([unknown.status, await unknown.json()]).toMatchObject([
    400,
    { error: expect.stringContaining("second look") },
  ]);
});

describe.skipIf(!HAS_CHROMIUM)("in a browser", () => {
  test("an analysis is chosen to compare with, and its table and drawing are shown", async () => {
    const root = stopped(temporaryDirectory(), "", "second look");
    const { address } = await view([], root);
    const browser = await launch();
    onTestFinished(() => browser.close());
    const { page, errors } = await openPage(browser, new URL("/#sensorgrams", address).href, PHONE);
    await page.getByLabel("Analysis B").selectOption("gaussian");
    await page.getByAltText("Curves of both analyses over each other, and B minus A").waitFor();
    const [compared] = (await get<ComparisonView>(address, "/api/compare?other=gaussian&roi=000A")).curves;
    const row = page.locator("table.compared tbody tr").first();
    expect(await row.locator("td").nth(1).textContent()).toBe(
      (compared?.a.end_shift_median_px ?? Number.NaN).toFixed(4),
    );
    expect(await inaccessible(page)).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
    expect(errors).toEqual([]);
  });
});

test("where there is nothing to show, or the port is taken, one line says so", async () => {
  const root = temporaryDirectory();
  const nothing = await phorest(["view"], root);
  expect([nothing.code, nothing.stderr]).toEqual([2, expect.stringContaining("there is no experiment in .")]);
  stopped(root);
  const server = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const taken = await phorest(["view", "--port", String(port)], root);
  expect([taken.code, taken.stderr.trim().split("\n")]).toEqual([
    1,
    [expect.stringContaining(`port ${port} is in use`)],
  ]);
});
