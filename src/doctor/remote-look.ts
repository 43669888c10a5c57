// Inspects the remote share once and reports the result. It is a separate process of the doctor: a disconnected share never
// responds, and a call to it cannot be interrupted.
import { inspectRemote } from "../archive/remote.ts";

process.once("message", (directory) => {
  // Exit only after the answer is sent, or it would be cut off.
  process.send?.(inspectRemote(String(directory)), undefined, undefined, () => process.disconnect());
});
