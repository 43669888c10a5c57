// All outputs. A new one is a folder next to this file and a row here, under its name in src/config/output-methods.ts, which is a
// value of [Communication] method. Without the row, the program does not compile.
import type { OutputMethod } from "../config/output-methods.ts";
import { csv } from "./csv/output.ts";
import { opcua } from "./opcua/output.ts";
import type { OutputDefinition } from "./output-definition.ts";

export const OUTPUTS: { readonly [Method in OutputMethod]: OutputDefinition } = {
  CSV_PLOT: csv,
  OPC_UA: opcua,
};
