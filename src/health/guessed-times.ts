// Tells people that capture times are guessed.
import { MOST_GUESSED } from "../manifest/history.ts";
import { counted } from "../system/counted.ts";

const WHY = "from the images around it, or from the time of modification of its file, which copying may change";
const CURE = "give the times with --times, or a pattern of the names with Camera.name_time";

/** Returns one line about this number of frames with guessed times. */
export function guessedText(frames: number): string {
  const count = frames >= MOST_GUESSED ? `${MOST_GUESSED} or more frames` : counted(frames, "frame");
  return `the time of ${count} is guessed ${WHY}; ${CURE}`;
}
