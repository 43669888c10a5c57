// The HTTP API: every address below /api, and /metrics. The server registers these routes and no others, checks requests with
// these schemas, and docs/openapi.json is generated from this table.
import type * as z from "zod";
import { METRICS_TYPE } from "../health/metrics.ts";
import { INJECTION_QUESTION, KINETICS_QUESTION, MAP_QUESTION, SENSITIVITY_QUESTION } from "./evaluation-queries.ts";
import {
  INJECTION,
  INJECTION_AUTHOR,
  INJECTION_EDIT,
  INJECTION_FILE,
  INJECTION_ID,
  NEW_INJECTIONS,
} from "./injection-queries.ts";
import {
  BASELINE,
  CALIBRATION_ID,
  CALIBRATION_TILE,
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
  PICTURE_NAME,
  PLACES,
  PROFILE,
  PROFILES,
} from "./queries.ts";

/** A body that is an image file instead of JSON. */
export const IMAGE_FILE = "image file";

export const JSON_TYPE = "application/json";
const CSV_TYPE = "text/csv; charset=utf-8";
const EVENTS_TYPE = "text/event-stream";
const TILE_TYPE = "image/jpeg";
const PNG_TYPE = "image/png";

export interface Route {
  /** Reading is GET; everything else changes something and needs the token. */
  readonly method: "get" | "post" | "put" | "delete";
  /** `:name` is a parameter. */
  readonly path: string;
  /** What it does, for people. */
  readonly summary: string;
  /** Of the path. */
  readonly parameters?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodObject | typeof IMAGE_FILE;
  readonly answer: {
    /** Media type. */
    readonly type: string;
    readonly what: string;
    /** When it answers 404. */
    readonly missing?: string;
    /** When it answers 204. */
    readonly empty?: string;
  };
}

const DONE = { type: JSON_TYPE, what: '`{"done": true}`' };
const UNMEASURED = "no frame has been measured yet";
const NO_IMAGE = "a frame has no image";
const UNCAPTURED = "there is no image";
const CALIBRATION = { type: JSON_TYPE, what: "State and result of the calibration" };
const TILE = {
  type: TILE_TYPE,
  what: "The tile",
  missing: "there is no such tile",
  empty: "the image has been replaced by a newer one",
};

export const ROUTES = {
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
      what: "The curves; `changes` say where another analysis went on; `errors` are the standard errors of `values`. With `key`, only what is new from `tailFrom` on",
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
  injections: {
    method: "get",
    path: "/api/injections",
    summary: "All injections, in order of time",
    answer: { type: JSON_TYPE, what: "A list; times in ms since 1970, concentrations in M" },
  },
  injectionsCsv: {
    method: "get",
    path: "/api/injections.csv",
    summary: "The same as a CSV file that can be imported",
    answer: { type: CSV_TYPE, what: "One line for each injection; times in UTC" },
  },
  proposedInjections: {
    method: "get",
    path: "/api/injections/proposed",
    summary: "What may be injections that are not recorded: steps that many ROIs share",
    answer: { type: JSON_TYPE, what: "A list; `end` is null where no step back was found" },
  },
  addInjection: {
    method: "post",
    path: "/api/injections",
    summary: "Add an injection, for example from the program of a pump",
    body: INJECTION,
    answer: DONE,
  },
  addInjections: {
    method: "post",
    path: "/api/injections/import",
    summary: "Add several injections at once",
    body: NEW_INJECTIONS,
    answer: DONE,
  },
  addInjectionFile: {
    method: "post",
    path: "/api/injections/file",
    summary: "Add the injections of a CSV file: all of them, or none",
    body: INJECTION_FILE,
    answer: DONE,
  },
  editInjection: {
    method: "put",
    path: "/api/injections/:id",
    summary: "Change an injection; what is absent stays as it is",
    parameters: INJECTION_ID,
    body: INJECTION_EDIT,
    answer: DONE,
  },
  removeInjection: {
    method: "delete",
    path: "/api/injections/:id",
    summary: "Remove an injection; its history is kept",
    parameters: INJECTION_ID,
    query: INJECTION_AUTHOR,
    answer: DONE,
  },
  responses: {
    method: "get",
    path: "/api/responses",
    summary: "How far each grating moved in each injection, as `phorest responses --json` writes it",
    query: INJECTION_QUESTION,
    answer: { type: JSON_TYPE, what: "A list; `null` for what is not known" },
  },
  responsesCsv: {
    method: "get",
    path: "/api/responses.csv",
    summary: "The same as the CSV file of `phorest responses`",
    query: INJECTION_QUESTION,
    answer: { type: CSV_TYPE, what: "One line for each grating, injection and report point" },
  },
  arrivals: {
    method: "get",
    path: "/api/arrival",
    summary: "When each injection arrives at each grating, and the flow, as `phorest arrival --json` writes it",
    query: INJECTION_QUESTION,
    answer: { type: JSON_TYPE, what: "The arrivals, the flows, and a sentence for each flow" },
  },
  arrivalsCsv: {
    method: "get",
    path: "/api/arrival.csv",
    summary: "The same as the CSV file of `phorest arrival`",
    query: INJECTION_QUESTION,
    answer: { type: CSV_TYPE, what: "One line for each grating and injection" },
  },
  sensitivities: {
    method: "get",
    path: "/api/sensitivity",
    summary: "Sensitivity of each grating, as `phorest sensitivity --json` writes it",
    query: SENSITIVITY_QUESTION,
    answer: { type: JSON_TYPE, what: "A list" },
  },
  sensitivitiesCsv: {
    method: "get",
    path: "/api/sensitivity.csv",
    summary: "The same as the CSV file of `phorest sensitivity`",
    query: SENSITIVITY_QUESTION,
    answer: { type: CSV_TYPE, what: "One line for each grating" },
  },
  map: {
    method: "get",
    path: "/api/map",
    summary: "A quantity of each grating with its place on the chip, as `phorest map --json` writes it",
    query: MAP_QUESTION,
    answer: { type: JSON_TYPE, what: "Values, places in px of the image, and the colour scale" },
  },
  mapCsv: {
    method: "get",
    path: "/api/map.csv",
    summary: "The values of the map, as `phorest map --csv` writes them",
    query: MAP_QUESTION,
    answer: { type: CSV_TYPE, what: "One line for each grating" },
  },
  kinetics: {
    method: "get",
    path: "/api/kinetics",
    summary: "Binding kinetics of gratings and groups, fitted to the injections",
    query: KINETICS_QUESTION,
    answer: {
      type: JSON_TYPE,
      what: "Settings, windows, blanks, `curves` with ka, kd, KD and Rmax, `groups`, notes; rates in 1/(M s), 1/s and M, as in kinetics.md",
    },
  },
  kineticsCsv: {
    method: "get",
    path: "/api/kinetics.csv",
    summary: "The same as the file of `phorest kinetics --csv`",
    query: KINETICS_QUESTION,
    answer: { type: CSV_TYPE, what: "One line for each grating" },
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
  calibration: {
    method: "get",
    path: "/api/calibration",
    summary: "State and result of the calibration",
    answer: CALIBRATION,
  },
  calibrationLabels: {
    method: "get",
    path: "/api/calibration/labels",
    summary: "Printed labels and gratings that can be named on each chip type",
    answer: { type: JSON_TYPE, what: "One entry for each chip type" },
  },
  calibrationTile: {
    method: "get",
    path: "/api/calibration/tile/:id/:level/:column/:row",
    summary: "A tile of the image that is being calibrated",
    parameters: CALIBRATION_TILE,
    answer: TILE,
  },
  calibratePicture: {
    method: "post",
    path: "/api/calibration/picture",
    summary: "Upload an image and look for the chip in it",
    query: PICTURE_NAME,
    body: IMAGE_FILE,
    answer: CALIBRATION,
  },
  calibrateFrame: {
    method: "post",
    path: "/api/calibration/frame",
    summary: "Look for the chip in the newest frame",
    body: NOTHING,
    answer: CALIBRATION,
  },
  calibrateByPlaces: {
    method: "post",
    path: "/api/calibration/search",
    summary: "Look for the chip again, with the positions of labels or gratings",
    body: PLACES,
    answer: CALIBRATION,
  },
  acceptCalibration: {
    method: "post",
    path: "/api/calibration/accept",
    summary: "Write the ROI manifest that was found; the run uses it from the next frame on",
    body: CALIBRATION_ID,
    answer: CALIBRATION,
  },
  forgetCalibration: {
    method: "delete",
    path: "/api/calibration",
    summary: "Discard the calibration",
    answer: CALIBRATION,
  },
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof ROUTES;

/** The media types of an image file, of which any subtype of image is one. */
export const IMAGE_TYPES = ["image/*", "application/octet-stream", "application/gzip", "application/x-gzip"] as const;

/** Whether a request with this method changes something, so that it needs the token always. */
export function changesSomething(method: string): boolean {
  return !["GET", "HEAD"].includes(method.toUpperCase());
}
