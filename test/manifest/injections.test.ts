import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type InjectionData, MOST_INJECTIONS, type NewInjection } from "../../src/manifest/injections.ts";
import { MANIFEST_FILENAME, Manifest } from "../../src/manifest/manifest.ts";
import { experiment } from "../outputs/csv/experiment.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

function recorded() {
  const root = temporaryDirectory("phorest-injections-");
  const { manifest } = experiment(root, 4);
  onTestFinished(() => manifest.close());
  const add = (...injections: NewInjection[]) =>
    manifest.injections.change({ type: "add-injections", author: "Ada", injections }, 1);
  return { root, manifest, add };
}

/** An injection from second `start` to `end`. */
const sample = (start: number, end: number, more: Partial<NewInjection> = {}): NewInjection => ({
  solution: "antibody",
  type: "sample",
  concentration: 5e-8,
  refractiveIndex: null,
  startUs: start * 1e6,
  endUs: end * 1e6,
  dissociationEndUs: null,
  note: "",
  ...more,
});
const REGENERATION = { solution: "glycine", type: "regeneration", concentration: null } as const;
const BLANK = { solution: "buffer", type: "blank", concentration: 0 } as const;

test("injections come back in order of time, also for a reader; a regeneration belongs to the cycle before it", () => {
  const { root, add } = recorded();
  add(sample(100, 200), sample(300, 310, REGENERATION), sample(400, 500, { concentration: 1e-7 }));
  add(sample(20, 60, BLANK));
  const reader = Manifest.open({ file: join(root, "data", MANIFEST_FILENAME), readonly: true });
  expect(reader.injections.all().map(({ solution, cycle, startUs }) => [solution, cycle, startUs])).toEqual([
    ["buffer", 3, 20e6],
    ["antibody", 1, 100e6],
    ["glycine", 1, 300e6],
    ["antibody", 2, 400e6],
  ]);
  expect(reader.injections.all()[1]).toEqual({ injectionId: 1, cycle: 1, ...sample(100, 200) });
  reader.close();
});

test("every change is kept with its author, and what it changed", () => {
  const { manifest, add } = recorded();
  add(sample(100, 200));
  const edit = { type: "edit-injection", author: "Grace", injectionId: 1, values: { concentration: 5e-9 } } as const;
  expect(manifest.injections.change(edit, 2)).toBe("changed injection 1");
  manifest.injections.change({ type: "remove-injection", author: "pump", injectionId: 1 }, 3);
  expect(manifest.injections.all()).toEqual([]);
  const data = (concentration: number): InjectionData => ({ cycle: 1, ...sample(100, 200), concentration });
  expect(manifest.injections.history()).toEqual([
    { injectionId: 1, madeAtUs: 1, author: "Ada", before: undefined, after: data(5e-8) },
    { injectionId: 1, madeAtUs: 2, author: "Grace", before: data(5e-8), after: data(5e-9) },
    { injectionId: 1, madeAtUs: 3, author: "pump", before: data(5e-9), after: undefined },
  ]);
  add(sample(100, 200));
  expect(manifest.injections.all()[0]?.injectionId).toBe(2);
  expect(manifest.injections.history(2)).toHaveLength(1);
});

test.each<[string, NewInjection, RegExp]>([
  ["reversed", sample(200, 100), /ends .* before it starts/],
  ["empty", sample(100, 100), /before it starts/],
  ["with a dissociation that ends too early", sample(1, 9, { dissociationEndUs: 5e6 }), /dissociation ends/],
  ["of a sample without any", sample(1, 2, { concentration: 0 }), /it is a blank/],
  ["of a blank with some", sample(1, 2, { type: "blank" }), /it is a sample/],
  ["with a wrong unit", sample(1, 2, { concentration: 500 }), /500 M cannot be; check the unit/],
  ["below nothing", sample(1, 2, { concentration: -1e-9 }), /cannot be; check the unit/],
  ["of a calibration without an index", sample(1, 2, { type: "calibration" }), /needs the refractive index/],
  ["with an index of salt", sample(1, 2, { refractiveIndex: 13.3 }), /refractive index of 13.3 cannot be/],
  ["over another", sample(50, 101), /overlaps injection 1 \(antibody/],
])("an injection %s is refused, and all that came with it", (_, wrong, message) => {
  const { manifest, add } = recorded();
  add(sample(100, 200));
  expect(() => add(sample(300, 400), wrong)).toThrow(message);
  expect(manifest.injections.all()).toHaveLength(1);
  expect(manifest.injections.history()).toHaveLength(1);
});

test("a change may not make an injection overlap another, and may make it touch one", () => {
  const { manifest, add } = recorded();
  add(sample(100, 200), sample(300, 400));
  const to = (startUs: number) =>
    manifest.injections.change({ type: "edit-injection", author: "Ada", injectionId: 2, values: { startUs } }, 2);
  expect(() => to(199e6)).toThrow("injection 2 overlaps injection 1");
  to(200e6);
  expect(manifest.injections.all()[1]?.startUs).toBe(200e6);
  const remove = { type: "remove-injection", author: "Ada", injectionId: 9 } as const;
  expect(() => manifest.injections.change(remove, 3)).toThrow("there is no injection 9");
});

test("there is a limit", () => {
  const { manifest, add } = recorded();
  const many = Array.from({ length: MOST_INJECTIONS }, (_, at) => sample(10 * at, 10 * at + 5));
  add(...many);
  expect(() => add(sample(1e6, 1e6 + 1))).toThrow(`more than ${MOST_INJECTIONS} injections`);
  expect(manifest.injections.all()).toHaveLength(MOST_INJECTIONS);
});

test("the starts of injections are shown like markers, and neither end may be in a baseline", () => {
  const { manifest, add } = recorded();
  manifest.markers.add(150e6, "bubble", 1);
  add(sample(100, 200), sample(20, 60, BLANK), sample(300, 310, REGENERATION));
  expect(manifest.markers.events()).toEqual([
    { atUs: 20e6, text: "buffer" },
    { atUs: 100e6, text: "antibody 50 nM" },
    { atUs: 150e6, text: "bubble" },
    { atUs: 300e6, text: "glycine" },
  ]);
  expect(manifest.markers.moments().map((us) => us / 1e6)).toEqual([20, 60, 100, 150, 200, 300, 310]);
});
