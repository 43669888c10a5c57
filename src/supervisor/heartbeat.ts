// The heartbeat of a run: at an interval, and when a stage fails, it looks at the disk, the clock, the camera and the
// database, and stores what every stage says of itself for programs that read the database.
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
  /** The disk is back as another one: nothing that is open can be used any more. */
  displaced(): void;
  /** There is something new to show. */
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

  /** Beats every `Supervisor.heartbeat_seconds`; the first time after so long. */
  start(): void {
    const beatMs = this.#options.config.Supervisor.heartbeat_seconds * 1000;
    this.#timer = setInterval(() => this.beat(), Math.min(beatMs, LONGEST_TIMER_MS));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Stores that the run has ended. A stage that fails after this changes its own line alone. */
  end(): void {
    this.stop();
    this.#state = "stopped";
    this.beat();
  }

  /** One transaction for all heartbeats; a disk too full for it must not end the run. */
  beat(): void {
    const { beaten, config, damage, displaced, environment, manifest, stages } = this.#options;
    // A disk that is gone refuses everything: then that is said once.
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
      // A lock is announced once, by its own notice.
      const level = encodeFailure(thrown).code === "manifest.locked" ? "debug" : "warn";
      this.#log.log(level, `cannot store the heartbeat: ${failureLine(thrown)}`);
    }
  }
}

/** What is stored of a stage. */
function beatOf({ name, life, work }: RunningStage): StoredHeartbeat {
  const report = life.report();
  const works = report.lastFailure === undefined;
  const atUs = wallClockUs();
  // Missed ticks must not hide what the stage says of itself.
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
