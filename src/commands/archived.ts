// Notes that archived frames are missing in the output of a command.
import type { Manifest } from "../manifest/manifest.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { forTerminal } from "./shown-zone.ts";

/** One line on standard error when frames have been archived. */
export function sayWhatIsArchived(manifest: Manifest): void {
  const archives = manifest.archives.all();
  if (archives.length === 0) return;
  const frames = archives.reduce((sum, { entries }) => sum + entries, 0);
  const until = isoFromUs(Math.max(...archives.map(({ lastCapturedAtUs }) => lastCapturedAtUs)));
  const note = `note: ${frames} archived frames, captured up to ${until}, are not in this output (\`phorest restore\` merges them)`;
  process.stderr.write(`${forTerminal(note)}\n`);
}
