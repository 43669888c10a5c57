// The process that measures one frame separately from the program: it answers one task, and its parent ends it.
import type { TaskRequest } from "../../analysis/task.ts";
import { sendToParent } from "../../threads/parent-process.ts";
import { firstToGo, lowerProcessPriority } from "../../threads/priority.ts";
import { processTask } from "./worker.ts";

lowerProcessPriority();
// If the system refuses this, a frame that needs too much memory may end the program instead; the attempt is counted.
firstToGo();
process.on("disconnect", () => process.exit());
process.on("message", async (task) => sendToParent(await processTask(task as TaskRequest)));
