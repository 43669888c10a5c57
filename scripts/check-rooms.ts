// Checks that the rooms (the folders of src/, then workers/) import only rooms above them in the table of docs/architecture.md.
// The linter checks for cycles between single files (noImportCycles).
// `npm run lint` runs it: tsx scripts/check-rooms.ts [DIRECTORY OF THE CHECKOUT]
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const IMPORT = /\b(?:from|import)\s*\(?\s*"(\.[^"]+)"/g;
const ROW = /^\| `([\w/]+)` \|/;
/** The command line's entry imports all rooms and belongs to none. */
const ENTRY = "src/cli.ts";
const UNNAMED = "the table of rooms in docs/architecture.md does not name its folder";

/** Returns a line for each import that breaks the order, and for each file in a folder that the table does not name. */
export function backArrows(root: string): string[] {
  const rooms = roomsInOrder(readFileSync(join(root, "docs/architecture.md"), "utf8"));
  const files = ["src", "workers"].flatMap((folder) => sources(join(root, folder)));
  return files.flatMap((file) => {
    const path = relative(root, file);
    if (path === ENTRY) return [];
    const room = roomOf(path, rooms);
    if (room === undefined) return [`${path}: ${UNNAMED}`];
    return importsOf(file, root).flatMap((target) => {
      const other = roomOf(target, rooms);
      if (other === undefined) return [`${path} imports ${target}: ${UNNAMED}`];
      return rooms.indexOf(other) <= rooms.indexOf(room)
        ? []
        : [`${path} imports ${target}: ${other} comes after ${room}`];
    });
  });
}

/** Returns the rooms from the first column of the table, then the workers, which may import all of them. */
function roomsInOrder(architecture: string): string[] {
  const section = architecture.split(/^## /m).find((part) => part.startsWith("Rooms\n")) ?? "";
  return [...section.split("\n").flatMap((line) => ROW.exec(line)?.[1] ?? []), "workers"];
}

/** Returns the room of a file in src/ or workers/. A folder inside a room may be its own room: the longest name counts. */
function roomOf(path: string, rooms: readonly string[]): string | undefined {
  const found = rooms.filter((room) => path.startsWith(room === "workers" ? "workers/" : `src/${room}/`));
  return found.sort((a, b) => b.length - a.length)[0];
}

/** Returns what a file imports from src/ and workers/, values and types, statically or dynamically; paths in the checkout. */
function importsOf(file: string, root: string): string[] {
  return [...readFileSync(file, "utf8").matchAll(IMPORT)]
    .map(([, specifier = ""]) => relative(root, join(dirname(file), specifier)))
    .filter((target) => /^(src|workers)\//.test(target));
}

function sources(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const lines = backArrows(process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), ".."));
  for (const line of lines) console.error(line);
  if (lines.length > 0) process.exitCode = 1;
}
