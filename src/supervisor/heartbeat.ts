// The heartbeat of a run. At an interval, and when a stage fails, it checks the disk, the clock, the camera and the database, and
// stores the status of every stage for programs that read the database.
import type { Config } from "../config/schema.ts";
import { encodeFailure, failureLine } from "../failure/failure.ts";
import { FrozenCameraWatch } from "../health/frozen-camera.ts";
import { storedSetAside } from "../health/stored-set-aside.ts";
import type { Logger, StageLog } from "../log/logger.ts";
import type { Heartbeat as StoredHeartbeat } from "../manifest/heartbeats.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { stageDetail } from "../stages/contract/stage-report.ts";
import { wallClockUs } from "../system/clock.ts";
import { LONGEST_TIMER_MS } from "../system/deadline.ts";
import type { DamageWatch } from "./damage-watch.ts";
import { type EnvironmentWatch, refusedByDisk } from "./environment-watch.ts";
import type { RunningStage } from "./stage.ts";
import type { StageSet } from "./stage-set.ts";

export interface HeartbeatOptions {
  readonly config: Config;
  readonly manifest: Manifest;
  readonly stages: StageSet;
  readonly environment: EnvironmentWatch;
  readonly damage: DamageWatch;
  readonly log: Logger;
  /** Called when another disk is mounted in place of the experiment's: open files cannot be used any more. */
  displaced(): void;
  /** Called after each heartbeat: there may be something new to show. */
  beaten(): void;
}

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #log: StageLog;
  readonly #frozenCamera: FrozenCameraWatch;
  #timer: NodeJS.Timeout | undefined;
  #state: "running" | "stopped" = "running";

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#log = options.log.stage("supervisor");
    this.#frozenCamera = new FrozenCameraWatch(options.log.stage("collector"));
  }

  /** Beats every `Supervisor.heartbeat_seconds`; the first time after one interval. */
  start(): void {
    const beatMs = this.#options.config.Supervisor.heartbeat_seconds * 1000;
    this.#timer = setInterval(() => this.beat(), Math.min(beatMs, LONGEST_TIMER_MS));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Stores that the run has ended. If a stage fails after this, only its own row changes. */
  end(): void {
    this.stop();
    this.#state = "stopped";
    this.beat();
  }

  /** Stores all heartbeats in one transaction; a disk too full for it must not end the run. */
  beat(): void {
    const { beaten, config, damage, displaced, environment, manifest, stages } = this.#options;
    // If the disk is gone, every write fails: then only that is reported.
    const detail = environment.look() || refusedByDisk(stages.reports());
    if (environment.displaced) displaced();
    if (damage.look() !== undefined) {
      beaten();
      return;
    }
    try {
      const own = { stage: "supervisor", state: this.#state, atUs: wallClockUs(), detail };
      manifest.heartbeats.store([own, ...stages.all.map(beatOf)]);
      this.#frozenCamera.look(manifest, config);
      beaten();
    } catch (thrown) {
      // LockNotice reports a lock, once.
      const level = encodeFailure(thrown).code === "manifest.locked" ? "debug" : "warn";
      this.#log.log(level, `cannot store the heartbeat: ${failureLine(thrown)}`);
    }
  }
}

/** Returns the heartbeat of a stage, as it is stored. */
function beatOf({ name, life, work }: RunningStage): StoredHeartbeat {
  const report = life.report();
  const works = report.lastFailure === undefined;
  const atUs = wallClockUs();
  // Missed ticks must not hide the stage's own note.
  const detail = [stageDetail(report), works ? (work.note?.() ?? "") : ""].filter((part) => part !== "").join("; ");
  const files = work.filesSetAside?.() ?? [];
  const setAside = files.length === 0 ? undefined : storedSetAside(files, atUs);
  return {
    stage: name,
    state: report.state,
    atUs,
    detail,
    code: works ? work.condition?.()?.code : undefined,
    setAside,
  };
}
