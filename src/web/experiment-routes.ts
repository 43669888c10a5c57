// The HTTP API of the experiment: its state, curves, frames, markers and baseline; and /metrics.
import { METRICS_TYPE } from "../health/metrics.ts";
import {
  BASELINE,
  CHIP,
  CURVES,
  DIFFERENCE,
  FRAME_TILE,
  LOG,
  MARKER,
  MARKER_EDIT,
  MARKER_ID,
  MARKERS,
  NOTHING,
  PANELS,
  PROFILE,
  PROFILES,
} from "./queries.ts";
import { CSV_TYPE, DONE, JSON_TYPE, type Route, TILE } from "./route.ts";

const EVENTS_TYPE = "text/event-stream";
const PNG_TYPE = "image/png";
const UNMEASURED = "no frame has been measured yet";
const NO_IMAGE = "a frame has no image";
const UNCAPTURED = "there is no image";

export const EXPERIMENT_ROUTES = {
  metrics: {
    method: "get",
    path: "/metrics",
    summary: "Metrics for Prometheus",
    answer: { type: METRICS_TYPE, what: "Text format of Prometheus; see metrics.md" },
  },
  state: {
    method: "get",
    path: "/api/state",
    summary: "State of the experiment: counts, stages, alarms, disk, newest frame, markers",
    answer: { type: JSON_TYPE, what: "The state" },
  },
  live: {
    method: "get",
    path: "/api/live",
    summary: "The state as server-sent events, one whenever it changes and at least every two seconds",
    answer: { type: EVENTS_TYPE, what: "Events `state`, each with the state as JSON" },
  },
  chip: {
    method: "get",
    path: "/api/chip",
    summary: "ROIs with position, shift, errors, quality and flags in the newest frame",
    query: CHIP,
    answer: { type: JSON_TYPE, what: "The ROIs, gratings, groups, references and the baseline", missing: UNMEASURED },
  },
  profile: {
    method: "get",
    path: "/api/profile",
    summary: "Mean row of an ROI in the newest frame, with the fitted line",
    query: PROFILE,
    answer: { type: JSON_TYPE, what: "The profile", missing: "no ROI has this name" },
  },
  curves: {
    method: "get",
    path: "/api/curves",
    summary: "Curves reduced to the width of a drawing, with noise, drift and limit of detection",
    query: CURVES,
    answer: {
      type: JSON_TYPE,
      what: "The curves; `changes` lists where another analysis took over; `errors` are the standard errors of `values`. With `key`, only what is new from `tailFrom` on",
      missing: UNMEASURED,
    },
  },
  curvesCsv: {
    method: "get",
    path: "/api/curves.csv",
    summary: "The same curves with every frame, as a CSV file",
    query: CURVES,
    answer: { type: CSV_TYPE, what: "One line for each ROI and frame" },
  },
  panels: {
    method: "get",
    path: "/api/panels",
    summary: "Curves of all gratings, or of all ROIs, for small panels",
    query: PANELS,
    answer: {
      type: JSON_TYPE,
      what: "Columns of time with two values for each curve. With `key`, only the columns that changed",
      missing: UNMEASURED,
    },
  },
  frame: {
    method: "get",
    path: "/api/frame",
    summary: "Size, histogram, brightness and focus of the newest frame",
    answer: { type: JSON_TYPE, what: "The frame", missing: UNCAPTURED },
  },
  frameTile: {
    method: "get",
    path: "/api/frame/:entry/:level/:column/:row",
    summary: "A tile of the newest frame",
    parameters: FRAME_TILE,
    answer: TILE,
  },
  frames: {
    method: "get",
    path: "/api/frames",
    summary: "Frames whose images can be compared, and the intervals between all frames",
    answer: {
      type: JSON_TYPE,
      what: "About a thousand frames spread over the experiment; a histogram of the intervals",
    },
  },
  difference: {
    method: "get",
    path: "/api/difference",
    summary: "How two frames differ: the movement between them, and the scale of the picture",
    query: DIFFERENCE,
    answer: { type: JSON_TYPE, what: "The movement with its error, and the scale", missing: NO_IMAGE },
  },
  differencePng: {
    method: "get",
    path: "/api/difference.png",
    summary: "The second frame minus the first, in red and blue",
    query: DIFFERENCE,
    answer: { type: PNG_TYPE, what: "At most 1600 px wide", missing: NO_IMAGE },
  },
  profiles: {
    method: "get",
    path: "/api/profiles",
    summary: "Mean row of an ROI in several frames",
    query: PROFILES,
    answer: {
      type: JSON_TYPE,
      what: "One profile for each frame",
      missing: "no ROI has this name, or a frame has no image",
    },
  },
  experiment: {
    method: "get",
    path: "/api/experiment",
    summary: "Settings with their origin, runs and directories",
    answer: { type: JSON_TYPE, what: "The settings, runs and directories" },
  },
  log: {
    method: "get",
    path: "/api/log",
    summary: "The last lines of the log",
    query: LOG,
    answer: { type: JSON_TYPE, what: "The lines, oldest first" },
  },
  token: {
    method: "get",
    path: "/api/token",
    summary: "Whether the request has a valid token",
    answer: { type: JSON_TYPE, what: '`{"known": true}` with a token; a wrong one is refused with 401' },
  },
  addMarker: {
    method: "post",
    path: "/api/markers",
    summary: "Add a marker to the sensorgrams",
    body: MARKER,
    answer: DONE,
  },
  addMarkers: {
    method: "post",
    path: "/api/markers/import",
    summary: "Add several markers at once",
    body: MARKERS,
    answer: DONE,
  },
  editMarker: {
    method: "put",
    path: "/api/markers/:id",
    summary: "Change the time or the text of a marker",
    parameters: MARKER_ID,
    body: MARKER_EDIT,
    answer: DONE,
  },
  removeMarker: {
    method: "delete",
    path: "/api/markers/:id",
    summary: "Remove a marker",
    parameters: MARKER_ID,
    answer: DONE,
  },
  setBaseline: {
    method: "put",
    path: "/api/baseline",
    summary: "Set the window of the baseline",
    body: BASELINE,
    answer: DONE,
  },
  forgetBaseline: {
    method: "delete",
    path: "/api/baseline",
    summary: "Use the configured baseline again",
    answer: DONE,
  },
  takeBrightfield: {
    method: "post",
    path: "/api/brightfield",
    summary: "Request a brightfield image; `/api/state` shows when it is there",
    body: NOTHING,
    answer: DONE,
  },
} as const satisfies Record<string, Route>;
