// Checks the compiled parts that commands need. They are loaded before the command begins, so that a broken installation is
// reported as such and not blamed on the data directory or the camera.

import { isSea } from "node:sea";
import { Failure } from "../failure/failure.ts";
import { loadKernel } from "../native/kernel-binding.ts";
import { brokenPart, withWholeParts } from "../native/native-part.ts";
import { checkKernelSources } from "../native/native-sources.ts";
import { packageRoot } from "../system/files.ts";
import { forgetRecord } from "./unpacked.ts";

/** Each part by its name for people, and how it is loaded. */
const PARTS = {
  "the SQLite binding": async () => {
    const { default: Database } = await import("better-sqlite3");
    // The binding is loaded with the first database.
    new Database(":memory:").close();
  },
  "the image kernel": async () => {
    loadKernel();
    checkKernelSources();
  },
  "the image library sharp": async () => void (await import("sharp")),
  "the drawing library resvg": async () => void (await import("@resvg/resvg-js")),
} as const;

type Part = keyof typeof PARTS;

/** Parts of commands that do not need everything; loading sharp takes as long as all of `status`. */
const NEEDED: Readonly<Record<string, readonly Part[]>> = {
  config: [],
  licences: [],
  "install-service": [],
  logs: [],
  status: ["the SQLite binding"],
  health: ["the SQLite binding"],
  menu: ["the SQLite binding"],
};

/**
 * Loads the parts that `command` needs. Throws Failure `installation.broken`, which names each part that cannot be loaded, and
 * why.
 */
export async function checkParts(command: string): Promise<void> {
  const names = NEEDED[command] ?? (Object.keys(PARTS) as Part[]);
  const broken: Failure[] = [];
  for (const name of names) {
    try {
      await withWholeParts(PARTS[name]);
    } catch (error) {
      broken.push(error instanceof Failure ? error : brokenPart(name, error));
    }
  }
  const [first] = broken;
  if (first === undefined) return;
  const message = broken.map((failure) => failure.message).join("; ");
  const hint = hintOf(first);
  throw new Failure("installation.broken", message, { ...(hint === undefined ? {} : { hint }), cause: first });
}

/** In the executable, a part may be damaged although its times are as recorded: the next start then checks every file. */
function hintOf({ hint }: Failure): string | undefined {
  if (!isSea() || !forgetRecord(packageRoot())) return hint;
  const otherwise = hint === undefined ? "" : `; if that does not help: ${hint}`;
  return `start phorest again, which unpacks what is damaged${otherwise}`;
}
