// Tells systemd about a run: that it is ready, alive, or stopping. Its socket takes datagrams, which Node
// does not send to a path; the system's own `systemd-notify` does, a short process every so often.
import { spawn } from "node:child_process";

export interface ServiceNotices {
  /** Tells that the run ends now, and no more. */
  stop(): void;
}

const SILENT: ServiceNotices = { stop: () => undefined };
/** A third of systemd's patience, so that one notice may be lost. */
const NOTICES_PER_PATIENCE = 3;

/** Whether systemd started this process as a service and waits for its notices. */
export function isService(env: NodeJS.ProcessEnv): boolean {
  return env.NOTIFY_SOCKET !== undefined;
}

/**
 * Tells systemd that the run is ready and, where the unit has a watchdog, keeps telling that it lives. The timer is the
 * main thread's: should that ever stop turning, the notices stop, and systemd starts the program again. The threads next to
 * it are the supervisor's to watch. Does nothing outside a service; `complain` is called with a notice that could not be sent.
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
      // As `--ready` is, `--stopping` would be clearer; systemd before 253 does not know it.
      tell("STOPPING=1");
    },
  };
}
