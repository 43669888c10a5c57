// [Alarm]: which problems require people's attention, and how phorest reports them.
import * as z from "zod";
import { isUrlOf } from "../system/host-name.ts";
import { field, SECONDS, section, texts, whole } from "./field.ts";

const WEB_ADDRESS_RULE = "must be an http:// or https:// address of an IP address or the name of a host";
const isWebAddress = (url: string): boolean => isUrlOf(["http", "https"], url);

export const Alarm = section("Notifications, sent once for each problem and once when it is over", {
  command: field(
    texts().default([]),
    "Program and arguments to run for each notification, without a shell; it gets the notification as JSON on standard input and as text in a last argument",
    { none: "no program", example: ["/usr/local/bin/tell-the-lab", "--priority", "high"] },
  ),
  webhook: field(
    z
      .preprocess(
        (given) => (given === "" ? undefined : given),
        z.string().refine(isWebAddress, WEB_ADDRESS_RULE).optional(),
      )
      .optional(),
    "Address to which each notification is posted as JSON",
    { none: "no webhook", example: "https://chat.example/hooks/phorest", allowed: "an http:// or https:// address" },
  ),
  timeout_seconds: field(
    z.number().positive().max(300).default(10),
    "Longest time the program or the webhook may take; after that phorest retries later",
    SECONDS,
  ),
  check_interval_seconds: field(z.number().min(0.2).max(3600).default(10), "Time between two checks", SECONDS),
  share_gone_seconds: field(
    z.number().min(0).default(3600),
    "Time without the share after which there is an alarm",
    SECONDS,
  ),
  no_frame_intervals: field(
    whole(0).default(5),
    "Number of capture intervals without an image after which there is an alarm; 0 means never. Not for images from files",
    { unit: "intervals" },
  ),
  frozen_frames: field(
    whole(0, 100).default(5),
    "Number of frames in a row that repeat earlier ones (equal images, or exactly the same positions) after which there is an alarm: the camera is frozen, or replays a few old images; 0 means never. Not for simulated, dummy and file_importer, whose images may repeat",
    { unit: "frames" },
  ),
  resonance_rois: field(
    texts().default([]),
    "Labels of the ROIs whose position is watched, * for any characters; an empty list means all",
  ),
  resonance_min_px: field(z.number().optional(), "Position below which there is an alarm", {
    unit: "px",
    none: "no lower limit",
    example: 20,
  }),
  resonance_max_px: field(z.number().optional(), "Position above which there is an alarm", {
    unit: "px",
    none: "no upper limit",
    example: 180,
  }),
  resonance_frames: field(
    whole(1, 100).default(3),
    "Number of points in a row without flags that must be beyond the limits, or within them again",
    { unit: "frames" },
  ),
});
