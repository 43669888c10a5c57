// Handles the calibration routes. Reading is open, as everywhere; the guard requires the token before anything is accepted.
import type { IncomingMessage } from "node:http";
import { leaveTime } from "./body.ts";
import { LARGEST_PICTURE_BYTES, LONGEST_DECODING_MS, tooLarge } from "./calibration-session.ts";
import type { Handlers } from "./handlers.ts";
import { namedPlaces, pictureName } from "./queries.ts";
import type { RouteName } from "./route-table.ts";
import type { Served } from "./served.ts";
import { tileAnswer } from "./tile.ts";

export type CalibrationName = Extract<RouteName, `calibrat${string}` | `${string}Calibration`>;

export function calibrationHandlers({ calibrating, experiment }: Served): Handlers<CalibrationName> {
  const view = () => calibrating.view(experiment.framePx());
  return {
    calibration: (context) => context.json(view()),
    calibrationLabels: (context) => context.json(calibrating.labels()),
    calibrationTile: async (context, { parameters: { id, level, column, row } }) =>
      tileAnswer(context, await calibrating.tile(id, level, column, row), calibrating.isPast(id)),
    calibratePicture: async (context, { query }) => {
      const { incoming } = context.env;
      const announced = Number(context.req.header("content-length"));
      // Refused before the body is read. A body without a stated length is cut off when it becomes too long.
      if (announced > LARGEST_PICTURE_BYTES) {
        return context.json({ error: tooLarge(LARGEST_PICTURE_BYTES).line }, 413, { Connection: "close" });
      }
      leaveTime(incoming);
      waitForDecoding(incoming);
      const announcedBytes = Number.isFinite(announced) ? announced : undefined;
      await calibrating.takePicture({ name: pictureName(query), page: query.page }, incoming, announcedBytes);
      return context.json(view());
    },
    calibrateFrame: async (context) => {
      waitForDecoding(context.env.incoming);
      await calibrating.takeLastFrame();
      return context.json(view());
    },
    calibrateByPlaces: (context, { body }) => {
      calibrating.searchAgain(body.id, namedPlaces(body), body.chip);
      return context.json(view());
    },
    acceptCalibration: async (context, { body }) => {
      await calibrating.accept(body.id);
      return context.json(view());
    },
    forgetCalibration: async (context) => {
      await calibrating.forget();
      return context.json(view());
    },
  };
}

/** Keeps the connection open while the picture is decoded, because it is silent meanwhile. */
function waitForDecoding(incoming: IncomingMessage): void {
  const wait = () => incoming.socket.setTimeout(LONGEST_DECODING_MS + 5_000);
  if (incoming.complete) wait();
  else incoming.once("end", wait);
}
