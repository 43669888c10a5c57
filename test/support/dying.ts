// Programs that die by `kill -9` in the middle of their work. A test that kills them itself must see the middle in time: on a busy
// machine the work may have ended by then.

const DIES = new URL("./children/dies.mjs", import.meta.url).href;

export interface Death {
  readonly text: string;
  /** Times that the text was written. */
  readonly times: number;
  /** Where it is written; standard error if absent. */
  readonly file?: string;
}

/** Returns the environment with which a program ends by SIGKILL as soon as it has written a text so many times. */
export function dying(death: Death): Record<string, string> {
  return { NODE_OPTIONS: `--import=${DIES}`, PHOREST_DIES: JSON.stringify(death) };
}
