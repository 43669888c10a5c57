// The live display of a run on a terminal.

import { SIMULATED_CHIP } from "../health/camera-in-use.ts";
import type { Logger } from "../log/logger.ts";
import { stageDetail } from "../stages/contract/stage-report.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";

const RECENT = 5;

/** Returns the live block: counts, stages, the last events. */
export function liveLines(supervisor: Supervisor, log: Logger): string[] {
  const { pending, processing, processed, failed } = supervisor.counts;
  const stages = supervisor.reports().map((report) => {
    const { name, state, nextRunMs } = report;
    const wait =
      nextRunMs === undefined ? "" : `next in ${Math.max(0, (nextRunMs - performance.now()) / 1000).toFixed(0)} s`;
    return `  ${name.padEnd(14)}${state.replace("_", " ").padEnd(13)}${stageDetail(report) || wait}`;
  });
  const chip = supervisor.camera?.simulated === true ? `${SIMULATED_CHIP} · ` : "";
  return [
    `phorest · ${chip}${supervisor.captured} captured in this run, ${processed} measured in total, ${pending + processing} waiting, ${failed} failed · Ctrl-C stops`,
    ...stages,
    ...log.recent(RECENT).map((line) => `  ${line}`),
  ];
}
