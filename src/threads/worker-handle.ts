// A worker handle: either a thread or a child process. A call to a disconnected network share cannot be interrupted: a thread
// in such a call would keep the whole program from ending, a child process does not.
import { fork } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { packageRoot } from "../system/files.ts";
import { THREAD_LIMITS } from "./thread-memory.ts";

export interface WorkerHandle {
  post(message: unknown): void;
  /** Ends it by force; returns without waiting if it cannot be ended. */
  end(): Promise<void>;
  /** False after the operating system has ended it. */
  readonly alive: boolean;
}

export interface WorkerEvents {
  message(message: unknown): void;
  /** Called when it has crashed or ended. */
  lost(how: string): void;
}

/** Returns the file of a worker of this program, compiled or not. */
export function workerFile(name: string): { url: URL; execArgv: string[] } {
  const compiled = import.meta.url.endsWith(".js");
  // Compiled files are at different depths, so the path is built from the root, not from here.
  const file = compiled ? `dist/workers/${name}.js` : `workers/${name}.ts`;
  const url = pathToFileURL(join(packageRoot(), file));
  return { url, execArgv: compiled ? [] : ["--import", import.meta.resolve("tsx")] };
}

/** Returns the file that a thread starts with. It cannot be a TypeScript file, because the loader must be installed first. */
function entryFile(url: URL): URL {
  if (url.pathname.endsWith(".js")) return url;
  const loader = JSON.stringify(import.meta.resolve("tsx/esm/api"));
  const source = `import { register } from ${loader}; register(); await import(${JSON.stringify(url.href)});`;
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}

export function openThread(name: string, events: WorkerEvents): WorkerHandle {
  const { url } = workerFile(name);
  const worker = new Worker(entryFile(url), { execArgv: [], name, resourceLimits: THREAD_LIMITS });
  let alive = true;
  worker.on("message", (message) => events.message(message));
  worker.on("error", (error) => events.lost(`crashed: ${error.message}`));
  worker.on("exit", (code) => {
    alive = false;
    events.lost(`exited with code ${code}`);
  });
  return {
    post: (message) => worker.postMessage(message),
    end: async () => {
      await worker.terminate();
    },
    get alive() {
      return alive;
    },
  };
}

/** A child process that does not receive the terminal's Ctrl-C; it exits when this process is gone. */
export function openProcess(name: string, events: WorkerEvents): WorkerHandle {
  const { url, execArgv } = workerFile(name);
  const child = fork(fileURLToPath(url), [], {
    execArgv,
    detached: true,
    serialization: "advanced",
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  // A caller that waits for an answer keeps this process alive with its own timer.
  child.unref();
  child.channel?.unref();
  let alive = true;
  child.on("message", (message) => events.message(message));
  child.on("error", (error) => events.lost(`failed: ${error.message}`));
  child.on("exit", (code, signal) => {
    alive = false;
    events.lost(signal === null ? `exited with code ${code}` : `was killed by ${signal}`);
  });
  return {
    post: (message) => {
      if (child.connected) child.send(message as object);
    },
    end: async () => {
      child.kill("SIGKILL");
    },
    get alive() {
      return alive;
    },
  };
}
