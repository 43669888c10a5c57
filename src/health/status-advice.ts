// What to do about a problem, by the key of the finding. docs/operations.md has the details.

/** Advice by key, or by the part of the key before the colon. The text of problems not listed here contains the advice. */
const ADVICE: Readonly<Record<string, string>> = {
  "run.died": "Start the run again.",
  "database.damaged":
    "phorest still captures and keeps images. Stop the run and repair the database with `phorest verify --repair`, or restore the last backup with `phorest restore`.",
  "process.stale":
    "The process hangs or the computer is overloaded. If this lasts, stop the process and start the run again.",
  "stage.faulted:collector": "Check the camera, its cable and the disk. phorest keeps retrying.",
  "stage.failing:collector": "Check the camera, its cable and the disk. phorest keeps retrying.",
  "stage.faulted:syncer": "Mount the share; copying then continues.",
  "stage.failing:syncer": "Mount the share; copying then continues.",
  "share.gone": "Mount the share; copying then continues.",
  "stage.faulted": "See the log on the Experiment page for the reason. phorest keeps retrying.",
  "stage.failing": "See the log on the Experiment page for the reason. phorest keeps retrying.",
  "files.set_aside:retention":
    "Make it possible to remove these files, or remove them yourself. phorest keeps retrying.",
  "files.set_aside": "Rename or repair these files. phorest keeps retrying.",
  "frames.none": "Check the camera, its cable and its power; see the collector under Stages for details.",
  "camera.frozen": "Restart the camera (unplug it and plug it in again). If that does not help, restart the run.",
  "clock.behind": "Set the clock of the computer, or connect the computer to a network with a time server.",
  "frames.failed": "Filter the log on the Experiment page for errors. The images are kept.",
  "pictures.missing": "Put the missing files back and start the run again.",
  "pictures.damaged": "Replace them with good copies, then run `phorest verify --repair`.",
  "chip.astray": "Check that the chip is fixed firmly, then calibrate on the Experiment page.",
  "resonance.range": "Check these ROIs on the Chip page: the liquid, the light and the position of the ROI.",
  "disk.low": "Free some space on the disk, or limit the stored images in [Buffer]. Capture then continues.",
  "disk.filling": "Free some space, use a share with Sync.keep_local = false, or capture less often.",
  "buffer.making_room": 'Free some space, or set Buffer.when_full = "pause" to stop capture instead.',
  "buffer.full":
    "Mount the share, or allow more space in [Buffer]. phorest never removes images without a verified copy.",
  "opcua.refused": "Run `phorest opcua check` for details.",
};

/** What to do about the problem with this key; empty if its text says so. */
export function adviceFor(key: string): string {
  return ADVICE[key] ?? ADVICE[key.split(":", 1)[0] ?? ""] ?? "";
}
