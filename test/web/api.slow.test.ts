// The HTTP API: the real program answers every address in docs/openapi.json, and no other.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import type { CalibrationView } from "../../src/web/calibration-views.ts";
import type { FrameView } from "../../src/web/picture-views.ts";
import type { RouteName } from "../../src/web/route-table.ts";
import type { ChipView, StateView } from "../../src/web/views.ts";
import { committed, type Operation, operations } from "./api.ts";
import { FOR_ITSELF, sharedRun, simulatedChipConfig } from "./running.ts";

const changing = operations.filter(({ method }) => method !== "GET");

describe("a running experiment", () => {
  const shared = sharedRun(simulatedChipConfig({ collectorSeconds: 3600 }), 1);
  let token: string;
  let values: Readonly<Record<string, string>>;
  let calibration: CalibrationView;

  beforeAll(async () => {
    const { running } = shared;
    token = new URL(running.link).hash.replace("#token=", "");
    const { now: at, lastFrame } = await running.read<StateView>("/api/state");
    await send("POST", "/api/markers", JSON.stringify({ at, text: "buffer" }));
    for (const injection of injectionsFrom(Date.parse(lastFrame?.capturedAt ?? "") + 1000))
      await send("POST", "/api/injections", JSON.stringify(injection));
    await send("POST", "/api/calibration/frame", "{}");
    do {
      await sleep(100);
      calibration = await running.read<CalibrationView>("/api/calibration");
    } while (calibration.state === "searching");
    const { entryId } = await running.read<FrameView>("/api/frame");
    const { rois } = await running.read<ChipView>("/api/chip");
    const { markers, analyses } = await running.read<StateView>("/api/state");
    values = {
      entry: String(entryId),
      a: String(entryId),
      b: String(entryId),
      level: "0",
      column: "0",
      row: "0",
      roi: rois[0]?.label ?? "",
      quantity: "noise",
      other: analyses[0]?.name ?? "",
      calibration: String(calibration.id),
      marker: String(markers.at(-1)?.id),
    };
  });

  /** One injection of each kind that a quantity is made of; a frame just before `at` is in the first one. */
  function injectionsFrom(at: number): readonly object[] {
    const kinds = [
      { type: "sample", solution: "antibody", concentration: 1e-8 },
      { type: "calibration", solution: "2 % ethanol", refractiveIndex: 1.334 },
      { type: "calibration", solution: "4 % ethanol", refractiveIndex: 1.335 },
    ];
    return kinds.map((kind, index) => ({ ...kind, start: at + (index - 0.5) * 60_000, end: at + index * 60_000 }));
  }

  /** The status of the answer, and its text; a stream is left after its head. */
  async function send(
    method: string,
    path: string,
    body?: string | Uint8Array<ArrayBuffer>,
    { type = "application/json", key = token }: { readonly type?: string; readonly key?: string | undefined } = {},
  ) {
    for (;;) {
      const ending = new AbortController();
      const response = await fetch(new URL(path, shared.running.address), {
        method,
        headers: {
          ...FOR_ITSELF,
          ...(key === "" ? {} : { Authorization: `Bearer ${key}` }),
          ...(body === undefined ? {} : { "Content-Type": type }),
        },
        body: body ?? null,
        signal: ending.signal,
      });
      const answered = response.headers.get("content-type") ?? "";
      const text = answered.startsWith("text/event-stream") ? "" : await response.text();
      ending.abort();
      // Too busy to answer in time: whoever asks again gets it.
      if (method !== "GET" || response.status !== 503) return { status: response.status, type: answered, text };
      await sleep(200);
    }
  }

  /** The address of an operation with values that exist. */
  function addressOf({ operationId, path, parameters = [] }: Operation): string {
    const id = operationId === "removeMarker" ? values.marker : values.calibration;
    const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => (name === "id" ? id : values[name]) ?? "");
    const query = new URLSearchParams();
    for (const one of parameters) if (one.in === "query" && one.required) query.set(one.name, values[one.name] ?? "");
    return query.size === 0 ? filled : `${filled}?${query}`;
  }

  /** A body that the operation accepts. */
  function bodyOf({ operationId }: Operation): string | Uint8Array<ArrayBuffer> | undefined {
    const at = Date.now();
    const places = calibration.found?.labels.slice(0, 2).map(({ label, x, y }) => ({ label, x, y }));
    const bodies: Partial<Record<RouteName, object>> = {
      addMarker: { at, text: "antibody" },
      setBaseline: { from: at - 60_000, to: at },
      takeBrightfield: {},
      calibrateFrame: {},
      calibrateByPlaces: { id: calibration.id, places },
      acceptCalibration: { id: calibration.id },
    };
    if (operationId === "calibratePicture") {
      const [image = ""] = readdirSync(join(shared.directory, "data")).filter((name) => name.endsWith(".png"));
      return Uint8Array.from(readFileSync(join(shared.directory, "data", image)));
    }
    const body = bodies[operationId as RouteName];
    return body === undefined ? undefined : JSON.stringify(body);
  }

  test("answers every address that it reads from, with the documented media type", async () => {
    const reading = operations.filter(({ method }) => method === "GET");
    for (const operation of reading) {
      const { status, type, text } = await send("GET", addressOf(operation), undefined, { key: "" });
      // One frame is not enough for a fit.
      if (operation.path.startsWith("/api/kinetics")) {
        expect([status, text]).toEqual([400, expect.stringContaining("no injection of antibody can be fitted")]);
        continue;
      }
      expect(status, `${operation.path} ${text}`).toBe(200);
      const { content } = operation.responses[200] as { content: Record<string, object> };
      expect(type.split(";")[0], operation.path).toBe(Object.keys(content)[0]?.split(";")[0]);
    }
  });

  test("refuses every change without the token, and nothing else", async () => {
    for (const operation of operations) {
      const { status } = await send(operation.method, addressOf(operation), bodyOf(operation), { key: "" });
      const open = operation.security.some((scheme) => Object.keys(scheme).length === 0);
      expect(status === 401, `${operation.method} ${operation.path} ${status}`).toBe(!open);
    }
  });

  test("refuses a body with an unknown field, wherever it takes JSON", async () => {
    const taking = changing.filter(({ requestBody }) => requestBody?.content["application/json"] !== undefined);
    expect(taking.length).toBeGreaterThan(4);
    for (const operation of taking) {
      const { status, text } = await send(operation.method, addressOf(operation), '{"nonsense": 1}');
      expect(status, `${operation.path} ${text}`).toBe(400);
      const { error } = JSON.parse(text) as { error: string };
      expect(error, operation.path).not.toBe("");
    }
  });

  test("answers every address that changes something", async () => {
    // What removes comes last, so that what it removes is there before.
    const order = [...changing].sort((a, b) => Number(a.method === "DELETE") - Number(b.method === "DELETE"));
    for (const operation of order) {
      const image = operation.operationId === "calibratePicture";
      const type = image ? "image/png" : "application/json";
      const { status, text } = await send(operation.method, addressOf(operation), bodyOf(operation), { type });
      expect(status, `${operation.method} ${operation.path} ${text}`).not.toBe(404);
      expect(status, `${operation.method} ${operation.path} ${text}`).not.toBe(500);
      expect(text).not.toContain("no such page or address");
    }
  });

  test("answers no address below /api that the document does not name", async () => {
    for (const path of ["/api", "/api/nothing", "/api/state/more", "/api/markers/1/more"]) {
      expect((await send("GET", path)).status, path).toBe(404);
    }
    for (const { path, parameters = [] } of operations.filter((one) => one.operationId === "addMarker")) {
      expect(parameters).toEqual([]);
      expect((await send("PATCH", path, "{}")).status).toBe(404);
    }
  });

  test("has the documented metrics, with their meaning and labels", async () => {
    const { text } = await send("GET", "/metrics");
    const rows = committed("docs/metrics.md").matchAll(/^\| `(\w+)` \| (\w+) \| (.*) \| (.*) \| (\w*) \|$/gm);
    const documented = new Map(
      [...rows].map(([, name = "", type, help, labels = "", unit = ""]) => {
        return [
          name,
          { type, help, unit, labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label) },
        ] as const;
      }),
    );
    const found = [...text.matchAll(/^# HELP (\w+) (.*)\n# TYPE \w+ (\w+)$/gm)];
    expect(found.length).toBeGreaterThan(10);
    for (const [, name = "", help, type] of found) expect(documented.get(name), name).toMatchObject({ type, help });
    for (const [, name = "", labels = ""] of text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
      const names = [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label);
      expect(names, name).toEqual(documented.get(name)?.labels);
    }
    for (const [name, { unit }] of documented) expect(/_(seconds|bytes)$/.exec(name)?.[1] ?? "", name).toBe(unit);
  });
});
