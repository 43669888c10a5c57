// Removing a picture: only one that a row of this experiment records, under a name that a picture can have.
import { type RecordedContent, removeConfined } from "../system/confined-file.ts";
import { checkPictureName } from "./picture-name.ts";

/**
 * Removes a picture in `directory` if it is the one that was recorded. Returns false when there is none. Failures as
 * removeConfined, and `file.refused` for a name that is not a picture's; nothing is removed then. The caller flushes the
 * directory.
 */
export async function removePicture(
  directory: string,
  filename: string,
  recorded: RecordedContent,
  lastCheck?: () => void,
): Promise<boolean> {
  checkPictureName(filename, directory);
  return removeConfined(directory, filename, recorded, lastCheck);
}
