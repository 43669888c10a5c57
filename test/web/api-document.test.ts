// docs/openapi.json and docs/metrics.md are what the code says.
import { describe, expect, test } from "vitest";
import { GENERATED } from "../../scripts/docs/generated.ts";
import { ROUTES } from "../../src/web/route-table.ts";
import { routes } from "../../src/web/routes.ts";
import type { Served } from "../../src/web/served.ts";
import { committed, document, operations } from "./api.ts";

test.each(Object.entries(GENERATED))("%s is up to date (else: npm run docs)", (path, text) => {
  expect(committed(path)).toBe(text());
});

describe("the document", () => {
  test("has every route that the server registers, and no other", () => {
    const unused = new Proxy({} as Served, { get: () => undefined });
    const registered = routes(unused).routes.flatMap(({ method, path }) =>
      method === "ALL" || path.includes("*") ? [] : [`${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`],
    );
    expect(registered.length).toBe(Object.keys(ROUTES).length);
    expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(registered.sort());
  });

  test("declares every parameter of a path, names each operation once, and refers to what is in it", () => {
    for (const { path, parameters = [] } of operations) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(
        parameters.flatMap((one) => (one.in === "path" && one.required ? [one.name] : [])),
        path,
      ).toEqual(named);
    }
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    for (const [, reference = ""] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const found = reference.split("/").reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], document);
      expect(found, reference).toBeTypeOf("object");
    }
  });

  test("has the limits that the server checks", () => {
    const [marker] = operations.filter(({ operationId }) => operationId === "addMarker");
    expect(marker?.requestBody).toMatchObject({
      required: true,
      content: {
        "application/json": {
          schema: { required: ["at", "text"], additionalProperties: false, properties: { text: { maxLength: 200 } } },
        },
      },
    });
  });
});
