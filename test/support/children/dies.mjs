// Ends the process that loads it by SIGKILL at a point of its own work; see dying.ts.
import { existsSync, readFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

const { text, times, file } = JSON.parse(process.env.PHOREST_DIES);

function dieIfDue(said) {
  if (said.split(text).length > times) process.kill(process.pid, "SIGKILL");
}

if (isMainThread && file === undefined) {
  const write = process.stderr.write.bind(process.stderr);
  let said = "";
  process.stderr.write = (chunk, ...rest) => {
    said += chunk;
    const written = write(chunk, ...rest);
    dieIfDue(said);
    return written;
  };
} else if (isMainThread) {
  // At each turn of the thread that also writes the file.
  setInterval(() => dieIfDue(existsSync(file) ? readFileSync(file, "utf8") : ""), 1).unref();
}
