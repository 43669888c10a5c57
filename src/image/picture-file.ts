// Removes pictures, but only those that this experiment has recorded and whose name is a valid picture name.
import { type RecordedContent, removeConfined } from "../system/confined-file.ts";
import { checkPictureName } from "./picture-name.ts";

/**
 * Removes a picture in `directory` if it is the recorded one. Returns false if the file does not exist. Failures as
 * removeConfined, and `file.refused` for a name that is not a picture's; then nothing is removed. The caller flushes the
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
