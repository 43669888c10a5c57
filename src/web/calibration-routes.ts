// The HTTP API of the calibration: it takes an image and finds the chip in it.
import { CALIBRATION_ID, CALIBRATION_TILE, NOTHING, PICTURE_NAME, PLACES } from "./queries.ts";
import { IMAGE_FILE, JSON_TYPE, type Route, TILE } from "./route.ts";

const CALIBRATION = { type: JSON_TYPE, what: "State and result of the calibration" };

export const CALIBRATION_ROUTES = {
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
