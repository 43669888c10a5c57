// Finds the columns of a long table, by usual names or by the option --columns.
import { Failure } from "../../../failure/failure.ts";

const ROLES = [
  "time",
  "response",
  "concentration",
  "cycle",
  "curve",
  "standard_error",
  "phase",
  "association_start",
  "association_end",
] as const;
export type Role = (typeof ROLES)[number];
export type Columns = Readonly<Partial<Record<Role, number>>>;

/** Usual column names without units, brackets and case. */
const NAMES: Readonly<Record<Role, readonly string[]>> = {
  time: ["time", "t", "times", "elapsed", "elapsed_time", "seconds", "x"],
  response: [
    "response",
    "resp",
    "signal",
    "ru",
    "r",
    "y",
    "shift",
    "value",
    "binding",
    "intensity",
    "rmu",
    "wavelength_shift",
  ],
  concentration: ["concentration", "conc", "c", "analyte_concentration", "analyte_conc", "analyte", "dose"],
  cycle: ["cycle", "cycle_number", "cycle_id", "run", "sensorgram", "replicate"],
  curve: [
    "curve",
    "ligand",
    "grating",
    "spot",
    "roi",
    "channel",
    "flow_cell",
    "fc",
    "sensor",
    "set",
    "curve_set",
    "well",
  ],
  standard_error: ["standard_error", "se", "sigma", "error", "std", "sd", "stderr", "uncertainty", "response_error"],
  phase: ["phase", "step", "stage", "segment"],
  association_start: ["association_start", "injection_start", "t_on", "ton", "tass", "t0", "start"],
  association_end: ["association_end", "injection_end", "dissociation_start", "t_off", "toff", "tdiss", "tend", "end"],
};

const UNITS = /^(s|sec|secs|seconds?|min|mins|minutes?|h|hours?|ms|px|riu|nm|ru|[munpfµμ]?m|[munpfµμ]?mol\/l)$/i;

/**
 * Returns the columns of a long table, or undefined if the names are not those of one. `named`: role=name pairs of --columns.
 */
export function columnsOf(
  header: readonly string[],
  named: ReadonlyMap<Role, string>,
  where: string,
): Columns | undefined {
  const columns: Partial<Record<Role, number>> = {};
  for (const [role, name] of named) {
    const at = header.findIndex((one) => one.trim().toLowerCase() === name.trim().toLowerCase());
    if (at < 0) {
      throw new Failure("usage.invalid", `${where}: line 1 has no column "${name}" (--columns ${role}=${name})`, {
        hint: `its columns are ${header.join(", ")}`,
      });
    }
    columns[role] = at;
  }
  const chosen = new Set(Object.keys(columns));
  const taken = new Set(Object.values(columns));
  for (const role of ROLES) {
    if (columns[role] !== undefined) continue;
    const at = header.findIndex((name, place) => !taken.has(place) && NAMES[role].some((one) => isCalled(name, one)));
    if (at < 0) continue;
    columns[role] = at;
    taken.add(at);
  }
  if (columns.time === undefined || columns.response === undefined) return undefined;
  refuseDoubled(header, columns, chosen, where);
  return columns;
}

/** Two columns with one name: which of them is meant is not for phorest to guess. `chosen`: roles that --columns names. */
function refuseDoubled(header: readonly string[], columns: Columns, chosen: ReadonlySet<string>, where: string): void {
  for (const role of ROLES) {
    const at = columns[role];
    if (at === undefined) continue;
    const name = header[at] ?? "";
    const words = chosen.has(role) ? [] : NAMES[role].filter((one) => isCalled(name, one));
    const places = header.flatMap((other, place) => {
      const isSame = other.trim().toLowerCase() === name.trim().toLowerCase();
      return isSame || words.some((one) => isCalled(other, one)) ? [place] : [];
    });
    if (places.length < 2) continue;
    const isChoice = places.every((place) => place === at || header[place]?.toLowerCase() !== name.toLowerCase());
    const doubled = places.map((place) => `"${header[place]}" (column ${place + 1})`).join(" and ");
    throw new Failure("usage.invalid", `${where}: more than one column is named ${role}: ${doubled}`, {
      hint: isChoice ? `choose with --columns "${role}=${name}"` : "remove or rename all but one",
    });
  }
}

/** Whether a column's name is `name`, with or without a unit. */
function isCalled(column: string, name: string): boolean {
  const words = column
    .trim()
    .split(/[\s_()[\]{}]+/)
    .filter((word) => word !== "");
  const whole = words.join("_").toLowerCase();
  if (whole === name) return true;
  const last = words.at(-1) ?? "";
  return words.length > 1 && UNITS.test(last) && words.slice(0, -1).join("_").toLowerCase() === name;
}

/** Parses --columns "time=t,response=RU". Failure `usage.invalid` for other text. */
export function namedColumns(text: string | undefined): Map<Role, string> {
  const named = new Map<Role, string>();
  if (text === undefined) return named;
  for (const pair of text.split(",")) {
    const [, role, name] = /^\s*(\w+)\s*=\s*(.+?)\s*$/.exec(pair) ?? [];
    const known = ROLES.find((one) => one === role);
    if (known === undefined || name === undefined) {
      throw new Failure("usage.invalid", `--columns ${text}: "${pair}" names no column`, {
        hint: `write for example time=t,response=RU; the roles are ${ROLES.join(", ")}`,
      });
    }
    named.set(known, name);
  }
  return named;
}
