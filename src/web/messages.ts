// What crosses between the supervisor's thread and that of the page: plain data only. The page reads by itself; whatever
// it wants changed is asked of the supervisor, which alone writes the manifest.
import type { Config } from "../config/schema.ts";
import type { FailureData } from "../failure.ts";
import type { LogLevel } from "../log.ts";

export interface WebSettings {
  readonly config: Config;
  /** By "Section.key": where the value came from, in words. */
  readonly origins: Readonly<Record<string, string>>;
  readonly token: string;
  readonly manifestFile: string;
}

/** What a person may change from the page. */
export type Change =
  | { readonly type: "add-marker"; readonly atUs: number; readonly text: string }
  | { readonly type: "remove-marker"; readonly markerId: number }
  | { readonly type: "set-baseline"; readonly fromUs: number; readonly toUs: number }
  | { readonly type: "forget-baseline" };

/** Supervisor to page. */
export type ToWeb =
  | { readonly type: "open"; readonly settings: WebSettings }
  /** Something is new; look. `nextCaptureMs`: wall clock, undefined while none is planned. */
  | { readonly type: "look"; readonly nextCaptureMs: number | undefined }
  | { readonly type: "changed"; readonly id: number; readonly failure: FailureData | undefined }
  | { readonly type: "close" };

/** Page to supervisor. */
export type FromWeb =
  | { readonly type: "listening"; readonly address: string }
  | { readonly type: "refused"; readonly failure: FailureData }
  | { readonly type: "log"; readonly level: LogLevel; readonly message: string }
  | { readonly type: "change"; readonly id: number; readonly change: Change }
  | { readonly type: "closed" };
