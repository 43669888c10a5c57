// What a torture found, as text.
import type { Judgement } from "./checker.ts";

export interface TortureReport {
  readonly kills: number;
  /** How often each thing was done. */
  readonly events: Readonly<Record<string, number>>;
  /** Whether file systems could be mounted; without, nothing fills up or goes away. */
  readonly mounted: boolean;
  /** Whether this build copies to a share. */
  readonly syncing: boolean;
  readonly seconds: number;
  readonly judgement: Judgement;
}

/** The report as it stands in bench/README.md. */
export function reportText({ kills, events, mounted, syncing, seconds, judgement }: TortureReport): string {
  const { acknowledged, frames, live, archived, compressed, synced, removed, ...rest } = judgement;
  const { local, remote, released, unmeasured, csvLines, faults } = rest;
  const befell = Object.entries(events)
    .sort()
    .map(([event, times]) => `${event} ${times}`)
    .join(", ");
  return `## \`npm run torture -- --kills ${kills}\`

| | |
|---|---|
| kill -9 | ${kills}, in ${Math.round(seconds)} s |
| what befell it besides | ${befell}${mounted ? "" : " (mounting is not permitted here)"} |
| copying to the share | ${syncing ? "on" : "not in this build"} |
| frames acknowledged / found | ${acknowledged} / ${frames} |
| live / archived | ${live} / ${archived} |
| compressed / copied and verified / removed here | ${compressed} / ${synced} / ${removed} |
| not measured, for the ROI manifest did not fit; their pictures are all there | ${unmeasured} |
| picture here / on the share / removed without a copy | ${local} / ${remote} / ${released} |
| CSV lines | ${csvLines} |
| faults | ${faults.length} |
${faults
  .slice(0, 20)
  .map((fault) => `\n- ${fault}`)
  .join("")}`;
}
