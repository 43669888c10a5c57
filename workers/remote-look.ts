// Looks at the remote share once and says what it is. A process of its own for the doctor: a dead share never answers, and
// who asks it cannot be interrupted.
import { inspectRemote } from "../src/archive/remote.ts";

process.once("message", (directory) => {
  process.send?.(inspectRemote(String(directory)));
  process.disconnect();
});
