// A local file that is copied to the share: opened once, in its directory, without following a link. The opened file is the one
// that is copied, even if another file takes its name meanwhile.
import { Failure } from "../failure/failure.ts";
import { descriptorPath, type NamedFile, withConfinedFile } from "../system/confined-file.ts";
import { FileProblem, fromSource } from "./remote-guard.ts";

/**
 * Calls `use` with a path to the open file, valid until `use` has finished. `shown` names the file in messages. Throws
 * FileProblem if the file is missing or must not be used.
 */
export async function withSource<T>(
  { directory, path, ...options }: NamedFile,
  shown: string,
  use: (source: string) => Promise<T>,
): Promise<T> {
  try {
    return await withConfinedFile(directory, path, ({ handle }) => use(descriptorPath(handle)), options);
  } catch (error) {
    if (!(error instanceof Failure)) return fromSource(shown, Promise.reject(error));
    if (error.code === "file.missing") throw new FileProblem("missing", shown, "the file does not exist", error);
    if (error.code.startsWith("file.")) throw new FileProblem("unreadable", shown, error.message, error);
    throw error;
  }
}
