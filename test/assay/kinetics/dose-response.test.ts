// Dose responses from report points: what is fitted, to which responses, and what is said where it cannot be.
import { expect, test } from "vitest";
import { doseLines, doseResponseFigure, doseResponses } from "../../../src/evaluation/dose-response.ts";
import type { ResponseRow } from "../../../src/evaluation/responses.ts";
import { gauss } from "../../analysis/gauss.ts";

const KD = 2e-8;
const RMAX = 3;
const ERROR = 0.01;

interface Dose {
  readonly solution?: string;
  readonly type?: "sample" | "blank";
  readonly concentration: number | null;
  readonly px: number;
}

/** Rows at all report points; only the late one has the given response. */
function rowsOf(doses: readonly Dose[], label = "003A"): ResponseRow[] {
  return doses.flatMap(({ solution = "CRP", type = "sample", concentration, px }, at) => {
    const injection = {
      ...{ injectionId: at + 1, cycle: at + 1, solution, type, concentration, refractiveIndex: null, note: "" },
      ...{ startUs: at * 1e9, endUs: at * 1e9 + 1e8, dissociationEndUs: null },
    };
    const phases = {
      injection,
      quietFromUs: 0,
      startUs: injection.startUs,
      endUs: injection.endUs,
      dissociationEndUs: 0,
    };
    const window = { fromUs: 0, toUs: 1 };
    const usual = { label, phases, window, frames: 5, error: ERROR, sharedError: 0, flags: [] };
    return [
      { ...usual, point: "early" as const, px: 99 },
      { ...usual, point: "late" as const, px },
    ];
  });
}

function titration(exponent: number, seed: number): Dose[] {
  const noise = gauss(seed);
  return [1e-9, 3e-9, 1e-8, 3e-8, 1e-7, 3e-7, 1e-6].map((concentration) => ({
    concentration,
    px: RMAX / (1 + (KD / concentration) ** exponent) + ERROR * noise(),
  }));
}

test("Langmuir's equation finds KD and Rmax, Hill's the exponent; blanks, unknown concentrations and other solutions do not count", () => {
  const others: Dose[] = [
    { type: "blank", concentration: 0, px: 7 },
    { concentration: null, px: 8 },
    { solution: "BSA", concentration: 1e-7, px: 9 },
  ];
  const found = doseResponses(rowsOf([...titration(1, 3), ...others]), undefined, true);
  expect(found.solution).toBe("CRP");
  const [one] = found.gratings;
  if (one === undefined || "why" in one.langmuir || one.hill === undefined || "why" in one.hill)
    throw new Error("no fit");
  expect(one.doses).toHaveLength(7);
  expect((one.langmuir.KD.value ?? 0) / KD).toBeCloseTo(1, 1);
  expect((one.langmuir.Rmax.value ?? 0) / RMAX).toBeCloseTo(1, 1);
  expect(one.hill.hill?.value).toBeCloseTo(1, 1);
  expect(doseLines(found)[0]).toMatch(
    /^003A: Langmuir: KD (19|20)(\.\d)? nM \(95 %: .+ nM to .+ nM\), Rmax [23]\.\d+ px \(/,
  );
});

test("cooperative binding has its exponent, and both curves are drawn through the doses", () => {
  const found = doseResponses(rowsOf(titration(2, 4)), "crp", true);
  const hill = found.gratings[0]?.hill;
  expect(hill !== undefined && "hill" in hill ? hill.hill?.value : undefined).toBeCloseTo(2, 1);
  const { layer } = doseResponseFigure(found, "test") as unknown as {
    layer: { data: { values: { fit?: string; c: number; r: number }[] } }[];
  };
  const [lines = [], , points = []] = layer.map(({ data }) => data.values);
  expect(new Set(lines.map(({ fit }) => fit))).toEqual(new Set(["Langmuir", "Hill"]));
  for (const point of points) {
    const near = lines
      .filter(({ fit }) => fit === "Hill")
      .reduce((best, one) => (Math.abs(Math.log(one.c / point.c)) < Math.abs(Math.log(best.c / point.c)) ? one : best));
    // The curve is drawn in steps of 4 %.
    expect(Math.abs(near.r - point.r)).toBeLessThan(0.04 * RMAX);
  }
});

test("one concentration has points and no fit, and the line says why", () => {
  const found = doseResponses(rowsOf([{ concentration: 1e-8, px: 1 }]), undefined, true);
  expect(doseLines(found)).toEqual([
    "003A: Langmuir: 1 point cannot determine 2 parameters",
    "003A: Hill: 1 point cannot determine 3 parameters",
  ]);
  expect(doseResponseFigure(found, "test")).toMatchObject({ layer: expect.any(Array) });
});

test("so few concentrations that the scatter does not tell the errors give no limits", () => {
  const [few, enough] = [4, 5].map((count) =>
    doseLines(doseResponses(rowsOf(titration(1, 5).slice(2, 2 + count)), undefined, false)),
  );
  expect(few?.[0]).toMatch(/KD (about .+ nM|not known), Rmax .+, errors need 5 injections/);
  expect(few?.[0]).not.toContain("95 %");
  expect(enough?.[0]).toContain("95 %");
});

test.each([
  ["no sample", [{ type: "blank", concentration: 0, px: 0 }], undefined, "no sample was injected"],
  ["no concentration", [{ concentration: null, px: 1 }], undefined, "no response to CRP at a known concentration"],
  ["another name", [{ concentration: 1e-8, px: 1 }], "CPR", 'no sample of "CPR" was injected'],
] as [string, Dose[], string | undefined, string][])("%s is wrong use", (_name, doses, wanted, message) => {
  expect(() => doseResponses(rowsOf(doses), wanted, false)).toThrow(
    expect.objectContaining({ code: "usage.invalid", message: expect.stringContaining(message) }),
  );
});
