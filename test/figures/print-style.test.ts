import { expect, test } from "vitest";
import { profilesFigure } from "../../src/figures/profiles-figure.ts";
import { renderVegaLite } from "../../src/figures/render.ts";

test.each([37, 184, 200])("every label of an axis of %i px stands in the middle below its own tick", async (length) => {
  const counts = Float64Array.from({ length }, (_, x) => 100 + x);
  const profile = { name: "frame 1", legend: "frame 1", counts };
  const { svg } = await renderVegaLite(
    profilesFigure([profile], undefined, { title: "T", subtitle: [], size: { width: 642 } }),
    1,
  );
  const [, labels = ""] = /aria-label="X-axis.*?role-axis-label"(.*?)<\/g>/s.exec(svg) ?? [];
  const anchors = [...labels.matchAll(/<text text-anchor="(\w+)"/g)].map(([, anchor]) => anchor);
  expect(anchors.length).toBeGreaterThan(3);
  expect([...new Set(anchors)]).toEqual(["middle"]);
});
