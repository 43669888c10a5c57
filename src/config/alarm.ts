// [Alarm]: what somebody must be told of, and how.
import { z } from "zod";
import { isUrlOf } from "../system/host-name.ts";
import { key, section, texts, whole } from "./key.ts";

const S = { unit: "seconds" };
const WEB_ADDRESS_RULE = "must be an http:// or https:// address of an IP address or the name of a host";
const isWebAddress = (url: string): boolean => isUrlOf(["http", "https"], url);

export const Alarm = section("Who is told when something is wrong, once for each trouble and once when it is over", {
  command: key(
    texts().default([]),
    "Program and arguments run for each notice, without a shell: the notice as JSON on standard input, as text in a last argument",
    { none: "no program", example: ["/usr/local/bin/tell-the-lab", "--priority", "high"] },
  ),
  webhook: key(
    z
      .preprocess(
        (given) => (given === "" ? undefined : given),
        z.string().refine(isWebAddress, WEB_ADDRESS_RULE).optional(),
      )
      .optional(),
    "Address to which each notice is posted as JSON",
    { none: "no webhook", example: "https://chat.example/hooks/phorest", allowed: "an http:// or https:// address" },
  ),
  timeout_seconds: key(
    z.number().positive().max(300).default(10),
    "Longest time the program or the webhook may take; then it is tried again later",
    S,
  ),
  check_interval_seconds: key(z.number().min(0.2).max(3600).default(10), "Time between two looks for trouble", S),
  share_gone_seconds: key(z.number().min(0).default(3600), "A share that is away for longer is an alarm", S),
  no_frame_intervals: key(
    whole(0).default(5),
    "No picture for this many of Timing.collector_interval_seconds is an alarm; 0 means never. Not for pictures from files",
    { unit: "intervals" },
  ),
  frozen_frames: key(
    whole(0, 100).default(5),
    "So many frames in a row that repeat earlier ones (equal pictures, or exactly the same positions) are an alarm: the camera is frozen, or replays a few old pictures; 0 means never. Not for simulated, dummy and file_importer, whose pictures may repeat",
    { unit: "frames" },
  ),
  resonance_rois: key(
    texts().default([]),
    "ROIs whose position is watched, * for any letters; an empty list means all",
  ),
  resonance_min_px: key(z.number().optional(), "A watched position below this is an alarm", {
    unit: "px",
    none: "no lower bound",
    example: 20,
  }),
  resonance_max_px: key(z.number().optional(), "A watched position above this is an alarm", {
    unit: "px",
    none: "no upper bound",
    example: 180,
  }),
  resonance_frames: key(
    whole(1, 100).default(3),
    "So many sound points in a row must lie beyond the bounds, or within them again",
    { unit: "frames" },
  ),
});
