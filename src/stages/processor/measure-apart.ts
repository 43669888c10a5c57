// Measures one frame in a separate process. If the frame ends that process, the frame is certainly at fault; if a power cut or a
// signal ends the program, it is not. Inside a single process, the two cannot be distinguished.
import type { TaskAnswer, TaskRequest } from "../../analysis/task.ts";
import { Failure } from "../../failure/failure.ts";
import { withDeadline } from "../../system/deadline.ts";
import { openProcess, type WorkerHandle } from "../../threads/worker-handle.ts";

/** Rejects with Failure `analysis.failed` (retry later) when the process ends without an answer, or with `late()`. */
export async function measureApart(request: TaskRequest, timeoutMs: number, late: () => Failure): Promise<TaskAnswer> {
  let child: WorkerHandle | undefined;
  const answer = new Promise<TaskAnswer>((resolve, reject) => {
    child = openProcess("measure-apart", {
      message: (message) => resolve(message as TaskAnswer),
      lost: (how) =>
        reject(new Failure("analysis.failed", `the process that measured this frame ${how}`, { retry: "later" })),
    });
    child.post(request);
  });
  try {
    return await withDeadline(answer, timeoutMs, late);
  } finally {
    await child?.end();
  }
}
