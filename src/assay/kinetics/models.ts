// The binding models that can be fitted, and their names on the command line.
import { Failure } from "../../failure/failure.ts";

/** In the order of the kernel's enumeration (native/kinetics/problem.h). */
export const KINDS = ["1:1", "mass-transport", "two-site", "dissociation", "steady-state", "hill"] as const;
export type Kind = (typeof KINDS)[number];

export interface Model {
  readonly kind: Kind;
  /** A step of the signal during each injection: the refractive index of the sample. */
  readonly bulk: boolean;
  /** A straight line in each cycle. */
  readonly drift: boolean;
  /** Whether each cycle has a maximum response of its own. */
  readonly localRmax: boolean;
}

const EXTRAS = ["bulk", "drift", "local"] as const;
const EXAMPLES =
  "auto, 1:1, 1:1+bulk, 1:1+drift, 1:1+bulk+drift, mass-transport, two-site, steady-state, hill or dissociation";

/** "1:1+bulk+drift" */
export function modelName({ kind, bulk, drift, localRmax }: Model): string {
  return [kind, ...(bulk ? ["bulk"] : []), ...(drift ? ["drift"] : []), ...(localRmax ? ["local"] : [])].join("+");
}

/** Returns the model with a name, or "auto". Failure `usage.invalid` for other names. */
export function modelNamed(name: string): Model | "auto" {
  const parts = name.trim().toLowerCase().replaceAll("_", "-").split("+");
  if (parts.length === 1 && parts[0] === "auto") return "auto";
  const kinds = parts.filter((part): part is Kind => KINDS.some((kind) => kind === part));
  const extras = parts.filter((part) => EXTRAS.some((extra) => extra === part));
  // 1:1+mass-transport is mass-transport.
  const kind = kinds.find((one) => one !== "1:1") ?? kinds[0];
  const tooMany = kinds.filter((one) => one !== "1:1").length > 1;
  if (kind === undefined || tooMany || kinds.length + extras.length !== parts.length) {
    throw new Failure("usage.invalid", `--model ${name}: there is no such model`, { hint: `choose from ${EXAMPLES}` });
  }
  const model = {
    kind,
    bulk: extras.includes("bulk"),
    drift: extras.includes("drift"),
    // Each dissociation starts from a different bound amount.
    localRmax: extras.includes("local") || kind === "dissociation",
  };
  if (kind === "mass-transport" && model.localRmax) {
    throw new Failure("usage.invalid", `--model ${name}: mass transport needs one Rmax for all cycles`, {
      hint: "leave out +local",
    });
  }
  return model;
}

/** Whether the model is fitted to whole curves with associations. */
export function hasAssociation(kind: Kind): boolean {
  return kind === "1:1" || kind === "mass-transport" || kind === "two-site";
}
