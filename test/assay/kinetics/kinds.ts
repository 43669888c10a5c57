// Kinds of simulated curve sets, each with the flags that it deserves: for the test of the flags, and for their table
// (bench/kinetics-flags.ts).
import type { CurveSet } from "../../../src/assay/kinetics/curve-set.ts";
import { referenceFinding } from "../../../src/assay/kinetics/experiment/references.ts";
import { fitCurveSet, type KineticsFit } from "../../../src/assay/kinetics/fit.ts";
import type { Flag } from "../../../src/assay/kinetics/flags.ts";
import { modelNamed } from "../../../src/assay/kinetics/models.ts";
import { gauss } from "../../analysis/gauss.ts";
import { DEGENERATE } from "./degenerate.ts";
import { dilutions, noisy, type Plan, simulated } from "./simulated.ts";

const RATES = ["ka", "kd", "KD", "Rmax"] as const;
type Rate = (typeof RATES)[number];

interface Kind {
  readonly name: string;
  readonly model: string;
  readonly plans: readonly Plan[];
  /** Flags that it must have; those that it may have besides; no other. */
  readonly flags: readonly Flag[];
  readonly mayHave?: readonly Flag[];
  /** Share of the sets with correlated noise that have the flags; usually all. */
  readonly foundIfCorrelated?: number;
  /** What no data of this kind can fix. */
  readonly free?: readonly Rate[];
  /** Response of the references over that of the grating. */
  readonly referencesBind?: number;
  /** Changes the noiseless curves. */
  readonly change?: (set: CurveSet) => CurveSet;
}

const usual = { intervalS: 5, noise: 1 } as const;
const truth = { ka: 1e5, kd: 1e-3, rmax: 100 };
const about = { ...usual, truth, concentrations: dilutions(1e-7, 6) };
const fast = { ka: 1e6, kd: 1e-3, rmax: 100 };

function degenerate(name: string, flags: readonly Flag[], mayHave: readonly Flag[] = []): Kind {
  const found = DEGENERATE.find(({ kind }) => kind === name);
  if (found === undefined) throw new Error(name);
  return { name, model: "auto", plans: [found.plan], flags, mayHave, free: found.free };
}

/** `m`: ka Rmax / kt. */
function transported(m: number): Kind {
  const held = { ...fast, kt: (fast.ka * fast.rmax) / m };
  const plans = [{ ...usual, truth: held, concentrations: dilutions(1e-8, 6), dissociationS: 1200 }];
  return {
    name: `mass transport, ka Rmax/kt ${m}`,
    model: "auto",
    plans,
    flags: ["mass_transport_limited"],
    foundIfCorrelated: 0.9,
  };
}

/** The curves with the highest concentration reach only a part of what they should. */
function hooked({ name, cycles }: CurveSet): CurveSet {
  const last = cycles.length - 1;
  return {
    name,
    cycles: cycles.map((cycle, at) => ({
      ...cycle,
      responses: cycle.responses.map((r) => (at === last ? 0.75 * r : r)),
    })),
  };
}

export const KINDS: readonly Kind[] = [
  {
    name: "sound, KD 1 µM",
    model: "auto",
    plans: [{ ...usual, truth: { ka: 1e4, kd: 1e-2, rmax: 100 }, concentrations: dilutions(1e-5, 6) }],
    flags: [],
  },
  { name: "sound, KD 10 nM", model: "auto", plans: [about], flags: [] },
  {
    name: "sound, KD 0.1 nM",
    model: "auto",
    plans: [
      { ...usual, truth: { ka: 1e6, kd: 1e-4, rmax: 100 }, concentrations: dilutions(1e-8, 6), dissociationS: 1200 },
    ],
    flags: [],
  },
  {
    name: "sound, bulk shifts and drift",
    model: "auto",
    plans: [{ ...about, bulkPerM: 1e8, drift: (at) => 0.01 * (at - 2) }],
    flags: [],
  },
  {
    name: "sound, one cycle",
    model: "auto",
    plans: [{ ...about, singleCycle: true, concentrations: dilutions(1e-7, 5) }],
    flags: [],
  },
  {
    name: "sound, Rmax 5 × noise",
    model: "auto",
    plans: [{ ...about, truth: { ...truth, rmax: 5 } }],
    flags: [],
    // The strict rule for numbers leaves Rmax open in correlated noise.
    mayHave: ["rmax_not_fixed"],
  },
  degenerate("no binding", ["no_binding"]),
  {
    name: "two sites",
    model: "auto",
    plans: [20, 40, 80].map((rmax) => ({ ...about, truth: { ...truth, second: { ka: 1e6, kd: 2e-2, rmax } } })),
    flags: ["not_1_1"],
  },
  ...[0.5, 1, 3].map(transported),
  { name: "references bind 20 %", model: "auto", plans: [about], flags: ["non_specific"], referencesBind: 0.2 },
  {
    name: "hook",
    model: "auto",
    plans: [{ ...about, concentrations: dilutions(1e-6, 6) }],
    flags: ["hook"],
    mayHave: ["not_1_1"],
    change: hooked,
  },
  {
    name: "drift of 2 to 5 Rmax",
    model: "auto",
    plans: [-0.5, -0.2, 0.2, 0.5].map((drift) => ({ ...about, drift: () => drift })),
    flags: ["drift_dominates"],
  },
  {
    name: "negative response",
    model: "auto",
    plans: [-100, -30].map((rmax) => ({ ...about, truth: { ...truth, rmax } })),
    flags: ["negative_response"],
  },
  degenerate("c far below KD", ["rmax_not_fixed"], ["boundary"]),
  degenerate("one concentration, far below KD", ["rmax_not_fixed", "too_few_concentrations"], ["boundary"]),
  {
    name: "two concentrations",
    model: "auto",
    plans: [{ ...about, concentrations: [1e-8, 1e-7] }],
    flags: ["too_few_concentrations"],
  },
  degenerate("kd too slow", [], ["boundary"]),
  degenerate("ka too fast", [], ["boundary"]),
  {
    name: "plateaus at equilibrium",
    model: "steady-state",
    plans: [{ ...usual, truth: { ka: 1e5, kd: 2e-2, rmax: 100 }, concentrations: dilutions(2e-6, 8) }],
    flags: [],
  },
  {
    name: "plateaus that rise",
    model: "steady-state",
    plans: [about],
    flags: ["not_at_equilibrium"],
    foundIfCorrelated: 0.4,
  },
];

/** What was found for one curve set. */
interface Finding {
  readonly flags: readonly Flag[];
  /** Rates reported as numbers although the data do not fix them. */
  readonly wronglyFixed: readonly Rate[];
  readonly fit: KineticsFit;
}

/** Fits `count` sets of a kind, whose noise differs, with references as in an experiment. */
export function findings(kind: Kind, rho: number, count: number, seed: number): Finding[] {
  const random = gauss(seed);
  const clean = kind.plans.map((plan) => {
    const set = simulated({ ...plan, noise: 0 });
    return kind.change?.(set) ?? set;
  });
  return Array.from({ length: count }, (_zero, at): Finding => {
    const which = at % clean.length;
    const [curves, plan] = [clean[which] as CurveSet, { ...(kind.plans[which] as Plan), rho }];
    const share = kind.referencesBind ?? 0;
    const fit = fitCurveSet(noisy(scaled(curves, 1 - share), plan, random), modelNamed(kind.model));
    if ("why" in fit) throw new Error(fit.why);
    const reference = noisy(withBulk(scaled(curves, share)), { ...plan, noise: (plan.noise ?? 0) / 2 }, random);
    const { binds } = referenceFinding(["000A"], reference, [fit]);
    return {
      flags: binds ? [...fit.flags, "non_specific"] : fit.flags,
      wronglyFixed: (kind.free ?? []).filter((name) => fit[name].value !== null),
      fit,
    };
  });
}

function scaled({ name, cycles }: CurveSet, factor: number): CurveSet {
  return { name, cycles: cycles.map((cycle) => ({ ...cycle, responses: cycle.responses.map((r) => factor * r) })) };
}

/** Adds what references are for: a bulk shift in each injection, and drift. */
function withBulk({ name, cycles }: CurveSet): CurveSet {
  return {
    name,
    cycles: cycles.map((cycle, which) => ({
      ...cycle,
      responses: cycle.responses.map((value, at) => {
        const timeS = cycle.timesS[at] as number;
        const isIn = cycle.injections.some(({ startS, endS }) => timeS >= startS && timeS < endS);
        return value + (isIn ? 10 : 0) + 0.005 * (which - 2) * timeS;
      }),
    })),
  };
}
