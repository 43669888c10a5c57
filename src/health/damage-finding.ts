// The alarm about a damaged database.
import { DAMAGE_CURE } from "../failure/database-failure.ts";
import { type FailureData, lineOf } from "../failure/failure.ts";
import type { DamageNote } from "../manifest/soundness.ts";
import type { Finding } from "./finding.ts";

/** Key of the alarm. */
const DATABASE_DAMAGED = "database.damaged";

/** Returns the alarm for recorded damage, or for the failure of a check. */
export function damageFinding(damage: DamageNote | FailureData): Finding {
  const text = lineOf({ message: damage.message, hint: DAMAGE_CURE });
  return { key: DATABASE_DAMAGED, state: "problem", text, notifyAfterSeconds: 0 };
}
