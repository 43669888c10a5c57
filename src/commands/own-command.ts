// How this program starts another of its own commands.
import { join } from "node:path";
import { isSea } from "node:sea";
import { packageRoot } from "../system/files.ts";

/** Returns the program and its first words: the executable by itself, or Node with a file. */
export function ownCommand(words: readonly string[]): [program: string, words: string[]] {
  const file = isSea() ? [] : [join(packageRoot(), "bin/phorest.js")];
  return [process.execPath, [...file, ...words]];
}
