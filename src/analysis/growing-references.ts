// What the first frames of an analysis make and all others are measured with: the lines that the data choose, and the
// reference of tracking.
import { LineKeeper, type LinesByMethod } from "./chosen-lines.ts";
import { inTurn } from "./reference-turns.ts";
import type { AnalysisSettings } from "./settings.ts";
import type { TaskAnswer, TaskRequest } from "./task.ts";
import { DEFAULT_REFERENCE_FRAMES } from "./tracking.ts";
import { TrackingKeeper } from "./tracking-task.ts";

/** As far as it has grown. */
export type Grown = Pick<TaskRequest, "reference" | "lines">;

/** Hands to each frame of an analysis what the frames before it made. */
export class Growth {
  readonly #joint: LineKeeper | undefined;
  readonly #tracking: LineKeeper | undefined;
  readonly #reference: TrackingKeeper | undefined;

  /**
   * @param settings of the method.
   * @param beside of a tracking carried beside it.
   * @param kept what earlier frames have made.
   */
  constructor(settings: AnalysisSettings, companion: AnalysisSettings | undefined, { reference, lines }: Grown = {}) {
    const tracking = settings.method === "tracking" ? settings : companion;
    if (settings.method === "joint" && settings.jointLine === "auto") this.#joint = new LineKeeper(lines?.joint);
    if (tracking === undefined) return;
    this.#reference = new TrackingKeeper(tracking.referenceFrames ?? DEFAULT_REFERENCE_FRAMES, reference);
    if (tracking.jointLine === "auto") this.#tracking = new LineKeeper(lines?.tracking);
  }

  /** Whether frames no longer wait for each other. */
  get isComplete(): boolean {
    return [this.#joint, this.#tracking, this.#reference].every((keeper) => keeper?.isComplete !== false);
  }

  /** Runs a frame's work in its turn. */
  run<T>(work: (grown: Grown) => Promise<T>): Promise<T> {
    return inTurn(this.#joint, (joint) =>
      inTurn(this.#tracking, (tracking) =>
        inTurn(this.#reference, (reference) => {
          const lines: LinesByMethod = { joint, tracking };
          return work({
            ...(joint === undefined && tracking === undefined ? {} : { lines }),
            ...(reference === undefined ? {} : { reference }),
          });
        }),
      ),
    );
  }

  /** Takes over what a frame has added, once its result is safe; within that frame's work. */
  keep(answer: TaskAnswer): void {
    if (!answer.ok) return;
    this.#joint?.keep(answer.lines?.joint);
    this.#tracking?.keep(answer.lines?.tracking);
    this.#reference?.keep(answer.reference);
  }
}
