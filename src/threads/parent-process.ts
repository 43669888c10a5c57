// Sends messages from a worker process to its parent process.

/** Sends `message`. Without a parent there is nothing left to do, so the process exits. */
export function sendToParent(message: unknown): void {
  if (!process.connected) return;
  // Without a callback, a parent that is just closing would crash this process with a stack trace.
  process.send?.(message, undefined, undefined, (error) => {
    if (error !== null) process.exit();
  });
}
