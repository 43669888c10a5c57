// How this program starts another of its own commands.
import { join } from "node:path";
import { isSea } from "node:sea";
import { packageRoot } from "../system/files.ts";

/** The program and its first words: the one executable is enough by itself, an installation is Node with a file. */
export function ownCommand(words: readonly string[]): [program: string, words: string[]] {
  const file = isSea() ? [] : [join(packageRoot(), "bin/phorest.js")];
  return [process.execPath, [...file, ...words]];
}
