// What the live data no longer holds, said wherever somebody might take it for all there is.
import type { Manifest } from "../manifest/manifest.ts";
import { isoFromUs } from "../manifest/timestamps.ts";

/** One line on standard error when frames have been archived. */
export function sayWhatIsArchived(manifest: Manifest): void {
  const archives = manifest.archives();
  if (archives.length === 0) return;
  const frames = archives.reduce((sum, { entries }) => sum + entries, 0);
  const until = isoFromUs(Math.max(...archives.map(({ lastCapturedAtUs }) => lastCapturedAtUs)));
  process.stderr.write(
    `${frames} frames, captured up to ${until}, are in the archive and not in this output (\`phorest restore\` brings all together)\n`,
  );
}
