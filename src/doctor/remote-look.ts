// Looks at the remote share once and says what it is. A process of its own for the doctor: a share that is gone never answers, and
// who asks it cannot be interrupted.
import { inspectRemote } from "../archive/remote.ts";

process.once("message", (directory) => {
  // Not before the answer is out: it would be cut off.
  process.send?.(inspectRemote(String(directory)), undefined, undefined, () => process.disconnect());
});
