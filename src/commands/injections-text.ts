// Formats injections and their history for the terminal.
import type { Injection, InjectionData, PastChange } from "../manifest/injections.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { concentrationText } from "../measurement/concentration.ts";
import type { TimeZone } from "../system/time-zone.ts";
import { textTable } from "../terminal/text-table.ts";

/** Describes a change to an injection: when, by whom, and what. Ends with a line break. */
export function changeLine({ madeAtUs, author, injectionId, before, after }: PastChange): string {
  const what =
    before === undefined
      ? `added: ${valuesText(after)}`
      : after === undefined
        ? "removed"
        : `changed: ${differences(before, after)}`;
  return `${isoFromUs(madeAtUs).slice(0, 19)}Z  ${author}  injection ${injectionId} ${what}\n`;
}

const valuesText = (data: InjectionData | undefined): string =>
  data === undefined
    ? ""
    : Object.entries(shown(data))
        .flatMap(([key, value]) => (value === "" ? [] : `${key} ${value}`))
        .join(", ");

function differences(before: InjectionData, after: InjectionData): string {
  const [old, now] = [shown(before), shown(after)];
  const keys = Object.keys(now).filter((key) => old[key] !== now[key]);
  return keys.map((key) => `${key} ${old[key] || "none"} → ${now[key] || "none"}`).join(", ") || "nothing";
}

/** Returns the values of an injection, formatted for people. */
function shown(data: InjectionData): Readonly<Record<string, string>> {
  return {
    solution: data.solution,
    type: data.type,
    concentration: data.concentration === null ? "" : concentrationText(data.concentration),
    "refractive index": data.refractiveIndex === null ? "" : String(data.refractiveIndex),
    start: isoFromUs(data.startUs),
    end: isoFromUs(data.endUs),
    "dissociation end": data.dissociationEndUs === null ? "" : isoFromUs(data.dissociationEndUs),
    cycle: String(data.cycle),
    note: data.note,
  };
}

/**
 * Formats all injections as a table. `firstUs`: time of the first frame, from which seconds count; `zone`: time zone of the
 * times.
 */
export function injectionsTable(injections: readonly Injection[], firstUs: number | undefined, zone: TimeZone): string {
  const rows = injections.map((injection) => {
    const seconds = (us: number) => (firstUs === undefined ? "" : ((us - firstUs) / 1e6).toFixed(1));
    const {
      injectionId,
      cycle,
      type,
      solution,
      concentration,
      refractiveIndex,
      startUs,
      endUs,
      dissociationEndUs,
      note,
    } = injection;
    return [
      String(injectionId),
      String(cycle),
      type,
      solution,
      concentration === null ? "" : concentrationText(concentration),
      refractiveIndex === null ? "" : String(refractiveIndex),
      `${zone.day(startUs)} ${zone.clock(startUs)}`,
      seconds(startUs),
      seconds(endUs),
      dissociationEndUs === null ? "" : seconds(dissociationEndUs),
      note,
    ];
  });
  const names = [
    "id",
    "cycle",
    "type",
    "solution",
    "concentration",
    "n",
    `start (${zone.name})`,
    "start s",
    "end s",
    "dissociation end s",
    "note",
  ];
  return textTable(names, rows, "rrllrrlrrrl");
}
