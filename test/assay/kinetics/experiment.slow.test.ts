// Kinetics of a stored experiment: windows from its injections, references and blanks subtracted, groups.
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import {
  type ExperimentKinetics,
  experimentKinetics,
} from "../../../src/assay/kinetics/experiment/experiment-kinetics.ts";
import { type KineticsRequest, planOf, USUAL_REQUEST } from "../../../src/assay/kinetics/experiment/plan.ts";
import { kineticsView } from "../../../src/assay/kinetics/experiment/view.ts";
import type { KineticsFit } from "../../../src/assay/kinetics/fit.ts";
import { loadConfig } from "../../../src/config/config.ts";
import { MANIFEST_FILENAME, Manifest } from "../../../src/manifest/manifest.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { REFERENCES, type StoredPlan, storeBinding, TRUTH } from "./stored.ts";

const opened: Manifest[] = [];
afterEach(() => {
  for (const manifest of opened.splice(0)) manifest.close();
});

function kineticsOf(
  plan: StoredPlan,
  request: Partial<KineticsRequest> = {},
  references = REFERENCES,
): ExperimentKinetics {
  const root = temporaryDirectory();
  storeBinding(root, plan);
  const manifest = Manifest.open({ file: join(root, "data", MANIFEST_FILENAME), readonly: true });
  opened.push(manifest);
  const { config } = loadConfig(join(root, "config.toml"));
  const analysis = manifest.analyses.inForce();
  if (analysis === undefined) throw new Error("nothing is measured");
  const Analysis = { ...config.Analysis, reference_rois: references };
  return experimentKinetics(
    manifest,
    analysis,
    planOf(manifest, { Analysis }, analysis, { ...USUAL_REQUEST, ...request }),
  );
}

function fitsOf({ gratings }: ExperimentKinetics): KineticsFit[] {
  return gratings.map(({ found }) => {
    if ("why" in found) throw new Error(found.why);
    return found;
  });
}

const FOUR = [0, 1e-8, 3e-8, 1e-7, 3e-7];

test("rates of every grating, with references and blank subtracted, and errors that hold", () => {
  const found = kineticsOf({ concentrations: FOUR }, { model: "1:1" });
  expect(found.references).toMatchObject({ labels: ["000A", "001A"], binds: false });
  expect(found.gratings.map(({ found: { set } }) => set.name)).toEqual(["002A", "003A", "004A", "005A"]);
  for (const { ka, kd, Rmax, flags, set, fit } of fitsOf(found)) {
    for (const [estimate, truth] of [
      [ka, TRUTH.ka],
      [kd, TRUTH.kd],
      [Rmax, TRUTH.rmax],
    ] as const) {
      expect(Math.abs((estimate.value ?? 0) - truth) / (estimate.standardError ?? 0)).toBeLessThan(4);
      expect((estimate.standardError ?? 1) / truth).toBeLessThan(0.03);
    }
    expect(flags).toEqual([]);
    expect(set.cycles).toHaveLength(4);
    // Errors of the frames are known, so that this is about 1.
    expect(fit.cost / fit.points).toBeGreaterThan(0.7);
    expect(fit.cost / fit.points).toBeLessThan(1.3);
  }
  expect(found.notes).toContain("the blank of cycle 1 is subtracted from cycle 2, 3, 4, 5");
  const view = kineticsView(found, 50);
  expect(view.windows.map(({ type, cycle }) => [type, cycle])).toEqual([
    ["sample", 2],
    ["sample", 3],
    ["sample", 4],
    ["sample", 5],
    ["blank", 1],
  ]);
  expect(JSON.parse(JSON.stringify(view))).toEqual(view);
});
