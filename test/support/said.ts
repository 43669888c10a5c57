// Waits for what a program says, for tests that act while it runs.
import type { ChildProcess } from "node:child_process";

interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>;
}

/** Resolves when the program has written `text` to standard error from now on; rejects if it ends before. */
export async function said({ child, ended }: Run, text: string): Promise<void> {
  const heard = new Promise<void>((resolve) => {
    let all = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      all += chunk.toString();
      if (all.includes(text)) resolve();
    });
  });
  const early = ended.then(({ code, stderr }) => {
    throw new Error(`it ended with ${code} before it said "${text}": ${stderr}`);
  });
  await Promise.race([heard, early]);
}
