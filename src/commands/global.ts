// The options that every command takes.

export interface GlobalOptions {
  /** Configuration file; undefined: ./config.toml, else the built-in defaults. */
  config: string | undefined;
  "log-level": "error" | "warn" | "info" | "debug" | undefined;
  json: boolean;
  /** Time zone as typed; undefined: Display.time_zone. */
  tz: string | undefined;
}
