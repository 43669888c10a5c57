// What to do about a trouble, for people who do not have the manual open, by the finding's key. docs/operations.md says more.

/** A key, or its part before the colon, to what a person should do. Troubles not listed say it themselves. */
const ADVICE: Readonly<Record<string, string>> = {
  "run.died": "Start the run again.",
  "database.damaged":
    "Pictures are still taken and kept. Stop the run, then `phorest verify --repair`; or bring back the last backup with `phorest restore`.",
  "process.stale":
    "The process stands still or the machine is overloaded; if it stays so, stop it and start the run again.",
  "stage.faulted:collector": "Look at the camera, its cable and the disk; it is tried again by itself.",
  "stage.failing:collector": "Look at the camera, its cable and the disk; it is tried again by itself.",
  "stage.faulted:syncer": "Mount the share; copies go on where they stood.",
  "stage.failing:syncer": "Mount the share; copies go on where they stood.",
  "share.gone": "Mount the share; copies go on where they stood.",
  "stage.faulted": "The log on the Experiment page says why; it is tried again by itself.",
  "stage.failing": "The log on the Experiment page says why; it is tried again by itself.",
  "files.set_aside:retention": "Make these files removable, or remove them yourself; phorest tries again by itself.",
  "files.set_aside": "Rename or repair these files; phorest tries them again by itself.",
  "frames.none": "Look at the camera, its cable and its power; the collector's line under Stages says more.",
  "camera.frozen": "Restart the camera (unplug it, plug it in again); if that does not help, restart the run.",
  "clock.behind": "Set the machine's clock, or connect it to a network that tells the time.",
  "frames.failed": "Filter the log on the Experiment page for errors; the pictures are kept.",
  "pictures.missing": "Put the removed files back and start the run again.",
  "pictures.damaged": "Put a good copy in their place, then `phorest verify --repair`.",
  "chip.astray": "Check that the chip is held fast, then calibrate on the Experiment page.",
  "resonance.range": "Look at these ROIs on the Chip page: is the liquid, the light, the ROI as it should be?",
  "disk.low": "Make room on the disk, or bound what is kept in [Buffer]; capture goes on by itself.",
  "disk.filling": "Free some space, mount the share with Sync.keep_local = false, or take pictures less often.",
  "buffer.making_room": 'Free some space, or set Buffer.when_full = "pause" to stop capture instead.',
  "buffer.full": "Mount the share, or give [Buffer] more room; what is not copied is never removed.",
  "opcua.refused": "`phorest opcua check` says what the server wants.",
};

/** What a person should do about the trouble of this key; empty where its words say so. */
export function adviceFor(key: string): string {
  return ADVICE[key] ?? ADVICE[key.split(":", 1)[0] ?? ""] ?? "";
}
