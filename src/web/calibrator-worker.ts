// The calibrator thread: finds the chip in a picture, for the page. This takes seconds of computing and must not delay capture
// or the page, so its process runs at a lower priority. The result stays here until it is accepted.
import { join } from "node:path";
import {
  type Calibration,
  calibratePicture,
  labelPatterns,
  roisUntilNow,
  uncertaintyText,
  type Way,
} from "../calibration/calibrate.ts";
import { labelBoxes, writeCalibration } from "../calibration/report.ts";
import type { Chip } from "../chip/chip.ts";
import { chipTypes, loadChip } from "../chip/layout.ts";
import { Failure } from "../failure/failure.ts";
import type { JobHandler } from "../threads/host-loop.ts";
import type { CalibratorAnswer, CalibratorJob, CalibratorSettings } from "./messages.ts";

type Find = Extract<CalibratorJob, { type: "find" }>;
type Found = Extract<Calibration, { described: unknown }>;

export async function open(settings: CalibratorSettings): Promise<JobHandler<CalibratorJob, CalibratorAnswer>> {
  let last: Found | undefined;

  const find = async ({ picture, name, chip, anchors }: Find): Promise<CalibratorAnswer> => {
    last = undefined;
    const chips = (chip === undefined ? chipTypes() : [chip]).map(loadChip);
    const patterns = await labelPatterns(settings.labelPictures, chips);
    const before = await roisUntilNow(join(settings.directory, settings.manifestName));
    const attempt = (way: Way, some: readonly Chip[]) => calibratePicture(picture, name, some, patterns, way, before);
    let calibration = attempt(anchors.length === 0 ? { type: "auto" } : { type: "anchors", anchors }, chips);
    // Printed labels are also searched one by one if no lattice is visible.
    const printed = chips.filter(({ labels }) =>
      anchors.every((anchor) => labels.some(({ label }) => label === anchor.label)),
    );
    if ("doubt" in calibration && anchors.length > 0) {
      for (const one of printed) {
        const other = attempt({ type: "features", places: anchors }, [one]);
        if (!("doubt" in other)) calibration = other;
      }
    }
    if ("doubt" in calibration) return { type: "doubt", reason: uncertaintyText(calibration.doubt) };
    last = calibration;
    const { view, described } = calibration;
    const { imageAngle, rois } = described.layout;
    const labels = labelBoxes(view, described.located);
    return { type: "found", found: { summary: described.summary, imageAngle, rois, labels } };
  };

  const write = async (): Promise<CalibratorAnswer> => {
    if (last === undefined) {
      throw new Failure("usage.invalid", "there is no calibration to accept any more", { hint: "calibrate again" });
    }
    const { directory, manifestName } = settings;
    return { type: "written", files: await writeCalibration(last.view, last.described, directory, manifestName) };
  };

  return {
    run: (job) => (job.type === "find" ? find(job) : write()),
    close: async () => {
      last = undefined;
    },
  };
}
