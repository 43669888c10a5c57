// Curve sets that do not fix their rates, each kind for its own reason.
import { dilutions, type Plan } from "./simulated.ts";

export interface Degenerate {
  readonly kind: string;
  readonly plan: Plan;
  /** What no data of this kind can fix. */
  readonly free: readonly ("ka" | "kd" | "KD" | "Rmax")[];
}

const truth = { ka: 1e5, kd: 1e-3, rmax: 100 };
const usual = { intervalS: 5, noise: 1 } as const;

export const DEGENERATE: readonly Degenerate[] = [
  {
    kind: "kd too slow",
    plan: { ...usual, truth: { ...truth, kd: 1e-7 }, concentrations: dilutions(1e-7, 5) },
    free: ["kd", "KD"],
  },
  {
    kind: "ka too fast",
    plan: { ...usual, truth: { ka: 1e8, kd: 10, rmax: 100 }, concentrations: dilutions(3e-7, 5) },
    free: ["ka", "kd"],
  },
  {
    kind: "c far below KD",
    plan: { ...usual, truth: { ka: 1e4, kd: 1e-2, rmax: 1e5 }, concentrations: dilutions(1e-9, 5) },
    free: ["ka", "KD", "Rmax"],
  },
  {
    kind: "one concentration, far below KD",
    plan: { ...usual, truth: { ka: 1e4, kd: 1e-2, rmax: 1e5 }, concentrations: [1e-9] },
    free: ["ka", "KD", "Rmax"],
  },
  {
    kind: "no binding",
    plan: { ...usual, truth: { ka: 1e5, kd: 1e-3, rmax: 0 }, concentrations: dilutions(1e-7, 5) },
    free: ["ka", "kd", "KD", "Rmax"],
  },
];
