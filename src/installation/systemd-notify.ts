// Tells systemd that a run is ready, alive, or stopping. systemd's socket takes datagrams, which Node cannot send to a path, so
// the system's `systemd-notify` is run, a short process from time to time.
import { spawn } from "node:child_process";

export interface ServiceNotices {
  /** Tells systemd that the run is ending, and stops the notices. */
  stop(): void;
}

const SILENT: ServiceNotices = { stop: () => undefined };
/** Three notices per watchdog period, so that one may be lost. */
const NOTICES_PER_PATIENCE = 3;

/** Whether systemd started this process as a service and expects notices. */
export function isService(env: NodeJS.ProcessEnv): boolean {
  return env.NOTIFY_SOCKET !== undefined;
}

/**
 * Tells systemd that the run is ready and, if the unit has a watchdog, keeps reporting that it is alive. The timer runs in the
 * main thread: if that hangs, the notices stop, and systemd restarts the program. The supervisor watches the other threads. Does
 * nothing outside a service; calls `complain` if a notice cannot be sent.
 */
export function notifyService(env: NodeJS.ProcessEnv, complain: (line: string) => void): ServiceNotices {
  if (!isService(env)) return SILENT;
  let complained = false;
  const once = (reason: string) => {
    if (!complained) complain(`cannot notify systemd that this run is alive: ${reason}`);
    complained = true;
  };
  const tell = (...notices: string[]) => {
    const child = spawn("systemd-notify", notices, { stdio: "ignore" });
    child.on("error", (error) => once(error.message));
    child.on("exit", (code) => (code === 0 ? undefined : once(`systemd-notify exited with code ${code}`)));
    child.unref();
  };
  tell("--ready", "STATUS=running");
  const patienceMs = Number(env.WATCHDOG_USEC ?? 0) / 1000;
  const timer = patienceMs > 0 ? setInterval(() => tell("WATCHDOG=1"), patienceMs / NOTICES_PER_PATIENCE) : undefined;
  timer?.unref();
  return {
    stop: () => {
      clearInterval(timer);
      // `--stopping` would be clearer, like `--ready`, but systemd before 253 does not have it.
      tell("STOPPING=1");
    },
  };
}
