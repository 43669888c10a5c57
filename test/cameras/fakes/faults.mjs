// What can go wrong with a camera program, by the environment variable FAKE_FAULT or a file.
import { spawn } from "node:child_process";
import { appendFileSync, existsSync, readFileSync } from "node:fs";

/** A file holds the fault where the program that runs us is itself a child, whose environment no test can change. */
const file = process.env.FAKE_FAULT_FILE ?? "";
export const fault = existsSync(file) ? readFileSync(file, "utf8") : (process.env.FAKE_FAULT ?? "");

/** Notes a process of ours, so that the test can look whether it is gone. */
function note(pid) {
  if (process.env.FAKE_PIDS) appendFileSync(process.env.FAKE_PIDS, `${pid}\n`);
}

/** Plays the fault while the picture should be taken; returns only where there is a picture, whole or half. */
export async function playFault(picture) {
  note(process.pid);
  switch (fault) {
    case "failing":
      process.stderr.write("warming up\nVIDIOC_STREAMON returned -1 (No space left on device)\n");
      process.exit(1);
      break;
    case "starved":
      // v4l2-ctl counts a stream that it could not start among its successes.
      process.stderr.write("\t\tVIDIOC_STREAMON returned -1 (No space left on device)\n");
      process.exit(0);
      break;
    case "hanging": {
      // Deaf to SIGTERM, and with a child of its own that is deaf too.
      process.on("SIGTERM", () => undefined);
      const child = spawn(process.execPath, ["-e", "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"], {
        stdio: "inherit",
      });
      note(child.pid);
      await new Promise((resolve) => setTimeout(resolve, 600_000));
      break;
    }
    case "signal":
      process.stdout.write(picture.subarray(0, 100));
      process.kill(process.pid, "SIGSEGV");
      await new Promise((resolve) => setTimeout(resolve, 600_000));
      break;
    case "half":
      return picture.subarray(0, picture.length >> 1);
    case "flood":
      for (;;)
        if (!process.stdout.write(picture)) await new Promise((resolve) => process.stdout.once("drain", resolve));
  }
  return picture;
}
