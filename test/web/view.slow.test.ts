import type { ChildProcess } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { MANIFEST_FILENAME, Manifest } from "../../src/manifest/manifest.ts";
import type { CurvesView, StateView } from "../../src/web/views.ts";
import { experiment as recorded } from "../outputs/csv/experiment.ts";
import { command as phorest } from "../run/commands.ts";
import { start } from "../run/program.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** A stopped experiment of 30 frames; returns its directory. */
function stopped(root: string, name = ""): string {
  const directory = join(root, name);
  mkdirSync(directory, { recursive: true });
  const { manifest, add } = recorded(directory, 4);
  add(30);
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
  const first = stopped(root, "2026/a <b>");
  stopped(root, "2026/second");
  mkdirSync(join(root, "empty"));
  writeFileSync(join(first, "config.toml"), '[Experiment]\nname = "first & foremost"\nsample = "chip 1"\n');
  const { address } = await view(["."], root);
  const page = await (await fetch(address)).text();
  expect(page).toContain("2 experiments");
  expect(page).toContain("first &amp; foremost");
  expect(page).toContain("2026/a &lt;b&gt;");
  expect(page).toMatch(/<td>chip 1<\/td><td>2026-03-04 15:20 UTC<\/td><td>2026-03-04 15:24 UTC<\/td><td>30<\/td>/);
  const opened = await fetch(new URL("/open/0", address), { redirect: "manual" });
  const there = opened.headers.get("location") ?? "";
  expect(await get<StateView>(there, "/api/state")).toMatchObject({ title: "first & foremost", sample: "chip 1" });
  expect((await fetch(new URL("/open/7", address), { redirect: "manual" })).status).toBe(404);
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
